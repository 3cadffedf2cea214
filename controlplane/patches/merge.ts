import type { JsonValue, Registry } from "@bufbuild/protobuf";
import { isObject, typeOfAny } from "./json-faults.ts";
import { fieldOf, shapeOfField, shapeOfMessage } from "./shape.ts";
import type { Shape } from "./shape.ts";

/**
 * Merges JSON into that of a message, as RFC 7396 does: what is written replaces what is there, `null` takes it away, and
 * objects are merged field by field. Lists, durations and other leaves are replaced as a whole, `false` and 0 count like any
 * other value, and a member of a oneof takes the place of the other. The fields of the result have the names of the .proto file.
 *
 * @param value without faults, as `jsonFaults` finds them.
 */
export function merge(shape: Shape, target: JsonValue | undefined, value: JsonValue, registry: Registry): JsonValue {
  if (Array.isArray(value)) {
    return shape.kind === "list"
      ? value.map((item) => merge(shape.of, undefined, item, registry))
      : structuredClone(value);
  }
  if (!isObject(value)) return value;
  switch (shape.kind) {
    case "leaf":
    case "list":
      return value;
    case "free":
      return mergeFree(target, value);
    case "map": {
      const result = isObject(target) ? { ...target } : {};
      for (const [key, part] of Object.entries(value)) {
        if (part === null) Reflect.deleteProperty(result, key);
        else result[key] = merge(shape.of, result[key], part, registry);
      }
      return result;
    }
    case "any": {
      const desc = typeOfAny(value, registry);
      if (desc === undefined) return value;
      const into = desc === typeOfAny(target, registry) ? target : undefined;
      return { "@type": value["@type"] ?? "", ...mergeFields(shapeOfMessage(desc), into, value, registry) };
    }
    case "message":
      return mergeFields(shape, target, value, registry);
  }
}

function mergeFields(
  shape: Shape,
  target: JsonValue | undefined,
  value: Record<string, JsonValue>,
  registry: Registry,
): Record<string, JsonValue> {
  // What is no message of fields has its JSON under "value".
  if (shape.kind !== "message") return { ...value };
  const result = isObject(target) ? { ...target } : {};
  for (const [key, part] of Object.entries(value)) {
    const field = fieldOf(shape.desc, key);
    if (field === undefined) continue;
    if (part === null) {
      Reflect.deleteProperty(result, field.name);
      continue;
    }
    for (const other of field.oneof?.fields ?? []) if (other !== field) Reflect.deleteProperty(result, other.name);
    result[field.name] = merge(shapeOfField(field), result[field.name], part, registry);
  }
  return result;
}

function mergeFree(target: JsonValue | undefined, value: JsonValue): JsonValue {
  if (!isObject(value)) return structuredClone(value);
  const result = isObject(target) ? { ...target } : {};
  for (const [key, part] of Object.entries(value)) {
    if (part === null) Reflect.deleteProperty(result, key);
    else result[key] = mergeFree(result[key], part);
  }
  return result;
}
