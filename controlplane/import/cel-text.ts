import type { Cursor } from "./cursor.ts";
import { celString } from "./texts.ts";

const binary: Readonly<Record<string, string>> = {
  "_&&_": "&&",
  "_||_": "||",
  "_==_": "==",
  "_!=_": "!=",
  "_<_": "<",
  "_<=_": "<=",
  "_>_": ">",
  "_>=_": ">=",
  "_+_": "+",
  "_-_": "-",
  "_*_": "*",
  "_/_": "/",
  "_%_": "%",
  "@in": "in",
  _in_: "in",
};

/** The text of a CEL expression that is given as a tree (`google.api.expr.v1alpha1.Expr`); undefined for forms not known. */
export function celText(expr: Cursor): string | undefined {
  const [kind, field] = expr.only("id", ...kinds).oneOf(...kinds) ?? [];
  if (field === undefined) return undefined;
  switch (kind) {
    case "const_expr":
      return constant(field);
    case "ident_expr": {
      const name = field.only("name").text("name") ?? "";
      return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : undefined;
    }
    case "select_expr": {
      const [operand, name] = [field.get("operand"), field.text("field") ?? ""];
      const text = operand && celText(operand);
      if (text === undefined || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return undefined;
      return field.flag("test_only") ? `has(${text}.${name})` : `${text}.${name}`;
    }
    case "call_expr":
      return call(field);
    case "list_expr": {
      const items = field.items("elements").map(celText);
      return items.includes(undefined) ? undefined : `[${items.join(", ")}]`;
    }
    default:
      return undefined;
  }
}

const kinds = [
  "const_expr",
  "ident_expr",
  "select_expr",
  "call_expr",
  "list_expr",
  "struct_expr",
  "comprehension_expr",
];

function constant(field: Cursor): string | undefined {
  const [kind, value] = field.oneOf("bool_value", "int64_value", "string_value", "null_value") ?? [];
  switch (kind) {
    case "bool_value":
      return String(value?.bool());
    case "int64_value":
      return String(value?.integer());
    case "string_value":
      return celString(value?.string() ?? "");
    default:
      return undefined;
  }
}

function call(field: Cursor): string | undefined {
  const name = field.only("target", "function", "args").text("function") ?? "";
  const args = field.items("args").map(celText);
  const target = field.get("target");
  const on = target && celText(target);
  if (args.includes(undefined) || (target !== undefined && on === undefined)) return undefined;
  const [first = "", second = "", third = ""] = args;
  const operator = binary[name];
  if (operator !== undefined) return args.length === 2 ? `(${first} ${operator} ${second})` : undefined;
  switch (name) {
    case "!_":
      return `!(${first})`;
    case "-_":
      return `-(${first})`;
    case "_[_]":
      return `${first}[${second}]`;
    case "_?_:_":
      return `(${first} ? ${second} : ${third})`;
    default:
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return undefined;
      return `${on === undefined ? "" : `${on}.`}${name}(${args.join(", ")})`;
  }
}
