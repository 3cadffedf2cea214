import type { AnySchemaObject, ErrorObject, ValidateFunction } from "ajv";
import type { CompiledSchema } from "./compiled-schema.ts";
import { parsePointer } from "./path.ts";
import type { Path } from "./path.ts";
import { didYouMean } from "./suggest.ts";

/** A place at which a value breaks its JSON Schema. */
export interface SchemaFault {
  readonly path: Path;
  /** What the message is about: the value at the path, or its key (which may be missing). */
  readonly at: "value" | "key";
  /** The JSON Schema keyword that was broken. */
  readonly keyword: string;
  /** What was found and what is allowed. */
  readonly message: string;
}

/** Checks a value and explains every fault. Fills in defaults where the schema's Ajv instance does. */
export function schemaFaults(schema: CompiledSchema, value: unknown): SchemaFault[] {
  return removeConsequences(faultsOf(schema, schema.validate, value, []));
}

function faultsOf(schema: CompiledSchema, validate: ValidateFunction, value: unknown, base: Path): SchemaFault[] {
  if (validate(value)) return [];
  const errors = [...(validate.errors ?? [])];
  const faults: SchemaFault[] = [];
  // Ajv lists the errors of the branches before the anyOf or oneOf that they made fail, so the walk is from the end.
  for (let i = errors.length - 1; i >= 0; i--) {
    const error = errors[i];
    if (error === undefined) continue;
    if (error.keyword === "anyOf" || error.keyword === "oneOf") {
      const choice = explainBranches(schema, error, [...base, ...parsePointer(error.instancePath, value)]);
      i -= choice.covered;
      faults.push(...choice.faults);
    } else {
      const fault = explain(error, value);
      if (fault !== undefined) faults.push({ ...fault, keyword: error.keyword, path: [...base, ...fault.path] });
    }
  }
  return faults.reverse();
}

/** Explains a failed choice by the branch that the user most likely meant. */
function explainBranches(
  schema: CompiledSchema,
  error: ErrorObject,
  path: Path,
): { faults: SchemaFault[]; covered: number } {
  const fault = (message: string): SchemaFault => ({ path, at: "value", keyword: error.keyword, message });
  const passing: unknown = error.params["passingSchemas"];
  if (Array.isArray(passing)) {
    const forms = passing.map((index) => Number(index) + 1).join(" and ");
    const covered = countErrors(schema, error, Number(passing[1]));
    return { faults: [fault(`fits forms ${forms} of those allowed, expected to fit one`)], covered };
  }
  const types = new Set<string>();
  let best: SchemaFault[] | undefined;
  const branches = Array.isArray(error.schema) ? error.schema.length : 0;
  for (let i = 0; i < branches; i++) {
    const validate = schema.branch(error.parentSchema ?? {}, error.keyword, i);
    if (validate === undefined) continue;
    const faults = faultsOf(schema, validate, error.data, path);
    const typeFault = faults.find(({ keyword, path: at }) => keyword === "type" && at.length === path.length);
    if (typeFault !== undefined) types.add(typeFault.message);
    else if (best === undefined || unlikeness(faults, path) < unlikeness(best, path)) best = faults;
  }
  const expected = [...types].map((message) => /^expected (.*), found /.exec(message)?.[1]).join(" or ");
  return {
    faults: best ?? [fault(`expected ${expected === "" ? "another form" : expected}, found ${describe(error.data)}`)],
    covered: countErrors(schema, error, branches),
  };
}

/** The number of faults; more where a field that tells the branches apart has another branch's value. */
function unlikeness(faults: readonly SchemaFault[], path: Path): number {
  const tells = ({ keyword, path: at }: SchemaFault): boolean => keyword === "const" && at.length === path.length + 1;
  return faults.length + (faults.some(tells) ? 1000 : 0);
}

/** How many errors the branches before the one at `end` left in Ajv's list. */
function countErrors(schema: CompiledSchema, error: ErrorObject, end: number): number {
  let count = 0;
  for (let i = 0; i < end; i++) {
    const validate = schema.branch(error.parentSchema ?? {}, error.keyword, i);
    if (validate !== undefined && !validate(error.data)) count += validate.errors?.length ?? 0;
  }
  return count;
}

type Explanation = Omit<SchemaFault, "keyword">;

function explain(error: ErrorObject, root: unknown): Explanation | undefined {
  const path = parsePointer(error.instancePath, root);
  const { schema, params, parentSchema: parent = {} } = error as ErrorObject<string, Record<string, unknown>>;
  const value: unknown = error.data;
  const here = (message: string): Explanation => ({ path, at: "value", message });
  // JSON Schema Validation, section 9.4: what is only written, such as a password, is shown to nobody. Messages come into logs.
  const found = parent["writeOnly"] === true && typeof value === "string" ? "string (hidden)" : describe(value);
  const expected = (what: string): Explanation => here(`expected ${what}, found ${found}`);
  switch (error.keyword) {
    case "type":
      return expected(isBounded(parent) ? range(parent) : typesOf(error));
    case "const":
      return expected(JSON.stringify(params["allowedValue"]));
    case "enum":
      return here(`expected ${oneOf(allowedValues(parent))}, found ${describe(value)}${suggestValue(value, parent)}`);
    case "pattern":
      return expected(String(parent["patternErrorMessage"] ?? `text that matches ${String(schema)}`));
    case "minimum":
    case "maximum":
    case "exclusiveMinimum":
    case "exclusiveMaximum":
      return expected(range(parent));
    case "multipleOf":
      return expected(`a multiple of ${String(schema)}`);
    case "minLength":
      return schema === 1 ? here("must not be empty") : expected(`at least ${String(schema)} characters`);
    case "maxLength":
      return expected(`at most ${String(schema)} characters`);
    case "format":
      return expected(`text of the format ${String(schema)}`);
    case "minItems":
      return here(`expected at least ${count(schema, "item")}, found ${sizeOf(value)}`);
    case "maxItems":
      return here(`expected at most ${count(schema, "item")}, found ${sizeOf(value)}`);
    case "uniqueItems":
      return here(`items ${String(params["j"])} and ${String(params["i"])} are equal, expected distinct items`);
    case "minProperties":
      return here(`expected at least ${count(schema, "field")}, found ${sizeOf(value)}`);
    case "maxProperties":
      return here(`expected at most ${count(schema, "field")}, found ${sizeOf(value)}`);
    case "required":
      return missing(path, String(params["missingProperty"]), parent);
    case "dependentRequired":
    case "dependencies":
      return missing(path, String(params["missingProperty"]), parent, String(params["property"]));
    case "additionalProperties":
    case "unevaluatedProperties":
      return unknownField(path, String(params["additionalProperty"] ?? params["unevaluatedProperty"]), parent);
    case "false schema":
      return { path, at: "key", message: "not allowed here" };
    case "not":
      return explainNot(path, value, schema, parent);
    case "if":
    case "propertyNames":
      // The faults of the branch, and of the name, are in the list on their own.
      return undefined;
    default:
      return here(error.message ?? `breaks the rule ${error.keyword}`);
  }
}

/**
 * A `not` with a description says why in it. `"not": {}` refuses a field as such; `"not": {"enum": [...]}` refuses some of
 * the values that the `enum` beside it knows.
 */
function explainNot(path: Path, value: unknown, schema: unknown, parent: AnySchemaObject): Explanation {
  const refused = isObject(schema) ? schema : {};
  const reason = sentence(
    refused["description"] ?? (Object.keys(refused).length === 0 ? parent["description"] : undefined),
  );
  if (Object.keys(refused).length === 0) return { path, at: "key", message: reason ?? "not allowed here" };
  if (!Array.isArray(refused["enum"]))
    return { path, at: "value", message: `${reason ?? "not allowed"}: ${describe(value)}` };
  const allowed = allowedValues(parent);
  const instead = allowed.length > 0 ? `; expected ${oneOf(allowed)}` : "";
  return { path, at: "value", message: `${describe(value)} is ${reason ?? "not allowed"}${instead}` };
}

function unknownField(path: Path, name: string, parent: AnySchemaObject): Explanation {
  const fields = Object.entries(isObject(parent["properties"]) ? parent["properties"] : {});
  const allowed = fields.filter(([, field]) => !isRefusal(field)).map(([key]) => key);
  const list = allowed.length > 0 ? `allowed here: ${allowed.join(", ")}` : "no fields are allowed here";
  return { path: [...path, name], at: "key", message: `unknown field${didYouMean(name, allowed)}; ${list}` };
}

function missing(path: Path, name: string, parent: AnySchemaObject, because?: string): Explanation {
  const field = isObject(parent["properties"]) ? parent["properties"][name] : undefined;
  const type = isObject(field) && typeof field["type"] === "string" ? `; expected ${field["type"]}` : "";
  const reason = because === undefined ? "" : ` (needed with ${because})`;
  return { path: [...path, name], at: "key", message: `required field is missing${reason}${type}` };
}

function allowedValues(parent: AnySchemaObject): string[] {
  const values: unknown[] = Array.isArray(parent["enum"]) ? parent["enum"] : [];
  const refused = isObject(parent["not"]) && Array.isArray(parent["not"]["enum"]) ? parent["not"]["enum"] : [];
  return values.filter((value) => !refused.includes(value)).map((value) => JSON.stringify(value));
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.join(", ")}`;
}

function suggestValue(value: unknown, parent: AnySchemaObject): string {
  if (typeof value !== "string") return "";
  const candidates: unknown[] = Array.isArray(parent["enum"]) ? parent["enum"] : [];
  return didYouMean(
    value,
    candidates.filter((candidate) => typeof candidate === "string"),
  );
}

/** `"not": {}`, and `false`, stand for a field that is known and refused. */
function isRefusal(field: unknown): boolean {
  return field === false || (isObject(field) && isObject(field["not"]) && Object.keys(field["not"]).length === 0);
}

/** A value of the wrong type breaks other rules as well, and one rule may be reached in two ways: causes are kept, once. */
function removeConsequences(faults: readonly SchemaFault[]): SchemaFault[] {
  const wrongTypes = new Set(
    faults.filter(({ keyword }) => keyword === "type").map(({ path }) => JSON.stringify(path)),
  );
  const kept = new Map<string, SchemaFault>();
  for (const fault of faults) {
    const path = JSON.stringify(fault.path);
    if (fault.keyword === "type" || !wrongTypes.has(path)) kept.set(`${path} ${fault.message}`, fault);
  }
  return [...kept.values()];
}

/** What was found, short enough for a message: `string "5"`, `integer 5`, `array`. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  switch (typeof value) {
    case "string":
      return value.length > 60
        ? `string ${JSON.stringify(`${value.slice(0, 60)}...`)}`
        : `string ${JSON.stringify(value)}`;
    case "number":
      return `${Number.isInteger(value) ? "integer" : "number"} ${value}`;
    case "boolean":
      return `boolean ${value}`;
    default:
      return "object";
  }
}

function isBounded(parent: AnySchemaObject): boolean {
  const isNumber = parent["type"] === "integer" || parent["type"] === "number";
  return isNumber && (typeof parent["minimum"] === "number" || typeof parent["maximum"] === "number");
}

function range(parent: AnySchemaObject): string {
  const bound = (key: string, word: string): string[] =>
    typeof parent[key] === "number" ? [`${word} ${parent[key]}`] : [];
  return [
    typeof parent["type"] === "string" ? parent["type"] : "number",
    [
      ...bound("minimum", "at least"),
      ...bound("exclusiveMinimum", "more than"),
      ...bound("maximum", "at most"),
      ...bound("exclusiveMaximum", "less than"),
    ].join(" and "),
  ].join(" of ");
}

function typesOf(error: ErrorObject): string {
  const types: unknown = error.params["type"];
  return Array.isArray(types) ? types.join(" or ") : String(types).replaceAll(",", " or ");
}

function sizeOf(value: unknown): number {
  return Array.isArray(value) ? value.length : isObject(value) ? Object.keys(value).length : 0;
}

function count(number: unknown, noun: string): string {
  return `${String(number)} ${noun}${number === 1 ? "" : "s"}`;
}

function sentence(text: unknown): string | undefined {
  if (typeof text !== "string" || text === "") return undefined;
  return text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, "");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
