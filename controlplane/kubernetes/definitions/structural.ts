import { celRules, type CelRule } from "./cel-rules.ts";
import { isSchema, type Schema } from "./json-schema.ts";

/** Finds the schema that a `$ref` names, and the file that it is in. */
export type FindSchema = (reference: string, file: Schema) => { readonly schema: Schema; readonly file: Schema };

/** Keywords that a structural schema has too, as they are. */
const kept = [
  "type",
  "enum",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "minProperties",
  "maxProperties",
  "required",
] as const;

/**
 * Makes of a JSON Schema of the model a structural schema as CustomResourceDefinitions need it: without references, with
 * conditions as rules in CEL. What neither can express is left out; the control plane checks it all the same.
 *
 * @param file the schema that the references of `schema` are relative to.
 */
export function structural(schema: Schema, file: Schema, find: FindSchema): Schema {
  const { $ref: reference, ...own } = schema;
  if (typeof reference === "string") {
    const found = find(reference, file);
    // What stands beside a reference counts as well; a description there says more.
    return structural({ ...found.schema, ...own }, found.file, find);
  }
  const made: Record<string, unknown> = {};
  const description = describe(schema);
  if (description !== undefined) made["description"] = description;
  for (const keyword of kept) {
    if (schema[keyword] !== undefined && !Array.isArray(schema.type)) made[keyword] = schema[keyword];
  }
  if (schema.enum !== undefined && schema.type === undefined) made["type"] = "string";
  if (typeof schema["exclusiveMinimum"] === "number") {
    made["minimum"] = schema["exclusiveMinimum"];
    made["exclusiveMinimum"] = true;
  }
  // Go's regular expressions write code points in another way.
  if (typeof schema["pattern"] === "string") {
    made["pattern"] = schema["pattern"].replaceAll(/\\u([0-9a-fA-F]{4})/g, "\\x{$1}");
  }
  if (isSchema(schema["items"])) made["items"] = structural(schema["items"], file, find);
  if (schema["uniqueItems"] === true) made["x-kubernetes-list-type"] = "set";
  if (isSchema(schema["additionalProperties"])) {
    made["additionalProperties"] = structural(schema["additionalProperties"], file, find);
  }
  const properties = schema.properties === undefined ? undefined : propertiesOf(schema.properties, file, find);
  if (properties !== undefined) made["properties"] = properties;
  const isFree = properties === undefined && made["additionalProperties"] === undefined;
  if (made["type"] === undefined || (made["type"] === "object" && isFree)) {
    made["x-kubernetes-preserve-unknown-fields"] = true;
  }
  const rules = celRules(schema, new Map(Object.entries(properties ?? {})));
  if (rules.length > 0) made["x-kubernetes-validations"] = rules.map(ruleOf);
  return made;
}

function propertiesOf(
  properties: NonNullable<Schema["properties"]>,
  file: Schema,
  find: FindSchema,
): Record<string, Schema> {
  const made: Record<string, Schema> = {};
  for (const [name, schema] of Object.entries(properties)) {
    // What is there only to be refused is pruned, or refused, as any other unknown field.
    if (isSchema(schema["not"]) && Object.keys(schema["not"]).length === 0) continue;
    made[name] = structural(schema, file, find);
  }
  return made;
}

/** Defaults are filled in by the control plane, so that objects stay as they were written. */
function describe({ description, default: value }: Schema): string | undefined {
  const isTelling =
    value !== undefined &&
    value !== "" &&
    (typeof value !== "object" || value === null || Object.keys(value).length > 0);
  if (!isTelling) return description;
  const text = `Default: ${typeof value === "string" ? value : JSON.stringify(value)}.`;
  return description === undefined ? text : `${description} ${text}`;
}

function ruleOf({ rule, message, field }: CelRule): Schema {
  return { rule, message, ...(field === undefined ? {} : { fieldPath: `.${field}` }), reason: "FieldValueInvalid" };
}
