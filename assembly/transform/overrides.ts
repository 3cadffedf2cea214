import { ClassDeclaration, MethodDeclaration, NamedTypeNode } from "assemblyscript";
import type { FunctionTypeNode, Source, TypeNode } from "assemblyscript";
import { callbacks } from "./callbacks.ts";
import { importAliases, type Base, type FilterClass } from "./classes.ts";
import { nearest } from "./nearest.ts";
import type { Report } from "./report.ts";

/**
 * A callback whose signature is not the SDK's, or whose name is nearly one of its, would not be what Envoy calls.
 * @param library the SDK's own sources, which say what the signatures are.
 */
export function checkOverrides(
  classes: readonly FilterClass[],
  library: readonly Source[],
  sources: readonly Source[],
  report: Report,
): void {
  const aliases = importAliases(sources);
  for (const { declaration, base } of classes) {
    const declared = methodsOf(base, library);
    for (const member of declaration.members) {
      if (!(member instanceof MethodDeclaration)) continue;
      const name = member.name.text;
      const expected = declared.get(name);
      if (expected !== undefined) {
        const problem = mismatch(member.signature, expected.signature, aliases);
        if (problem !== undefined) {
          const is = signatureText(name, expected.signature);
          report(member.name.range, `${name} of ${base} is ${is}; ${problem}`);
        }
      } else if (/^on[A-Z]|^on_|^create[A-Z]/i.test(name)) {
        const meant = nearest(name, declared.keys());
        if (meant !== undefined) {
          report(
            member.name.range,
            `${base} has no callback ${name}, and Envoy would never call it: did you mean ${meant}?`,
          );
        }
      }
    }
  }
}

/** The methods of a class of the SDK that are there to be overridden. */
function methodsOf(base: Base, library: readonly Source[]): ReadonlyMap<string, MethodDeclaration> {
  for (const { statements } of library) {
    const declaration = statements.find(
      (statement): statement is ClassDeclaration =>
        statement instanceof ClassDeclaration && statement.name.text === base,
    );
    if (declaration === undefined) continue;
    return new Map(
      declaration.members
        .filter((member): member is MethodDeclaration => member instanceof MethodDeclaration)
        .filter(({ name: { text } }) => /^(on|create)[A-Z]/.test(text) || Object.hasOwn(callbacks[base], text))
        .map((member) => [member.name.text, member]),
    );
  }
  return new Map();
}

/** In what a signature differs from the expected one, or undefined. */
function mismatch(
  found: FunctionTypeNode,
  expected: FunctionTypeNode,
  aliases: ReadonlyMap<string, string>,
): string | undefined {
  const wanted = expected.parameters.length;
  if (found.parameters.length !== wanted) {
    return `expected ${String(wanted)} ${wanted === 1 ? "parameter" : "parameters"}, found ${String(found.parameters.length)}`;
  }
  for (const [i, { name, type }] of found.parameters.entries()) {
    const to = expected.parameters[i]?.type;
    if (to !== undefined && !sameType(type, to, aliases)) {
      return `expected the parameter ${name.text} of type ${typeText(to)}, found ${typeText(type)}`;
    }
  }
  if (sameType(found.returnType, expected.returnType, aliases)) return undefined;
  return `expected the result ${typeText(expected.returnType)}, found ${typeText(found.returnType)}`;
}

/**
 * Whether two types can be the same. A name that is neither built in nor an enumeration of the SDK may be an alias of the right
 * one, which only the compiler can tell.
 */
function sameType(found: TypeNode, expected: TypeNode, aliases: ReadonlyMap<string, string>): boolean {
  const written = lastName(found);
  const wanted = lastName(expected);
  // Whether null fits is left to the compiler: a result that is never null is right where null would be too.
  if (written === undefined || wanted === undefined) return false;
  const name = aliases.get(written) ?? written;
  return name === wanted || name === synonyms[wanted] || !(isBuiltIn(name) || name.endsWith("Status"));
}

const synonyms: Readonly<Record<string, string>> = { bool: "boolean", f64: "number" };

function isBuiltIn(name: string): boolean {
  return /^([iu](8|16|32|64)|f(32|64)|isize|usize|bool|boolean|void|string|number|)$/.test(name);
}

/** The name of a type without its namespace; empty where none is written. */
function lastName(type: TypeNode): string | undefined {
  if (!(type instanceof NamedTypeNode)) return undefined;
  let identifier = type.name;
  while (identifier.next !== null) identifier = identifier.next;
  return identifier.identifier.text;
}

function typeText(type: TypeNode): string {
  const text = lastName(type) ?? type.range.toString();
  return text === "" ? "none" : `${text}${type.isNullable ? " | null" : ""}`;
}

function signatureText(name: string, { parameters, returnType }: FunctionTypeNode): string {
  const list = parameters.map((parameter) => `${parameter.name.text}: ${typeText(parameter.type)}`).join(", ");
  return `${name}(${list}): ${typeText(returnType)}`;
}
