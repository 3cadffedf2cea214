import { fromJson, ScalarType } from "@bufbuild/protobuf";
import type { DescEnum, DescField, DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { didYouMean } from "../model/suggest.ts";

/**
 * What JSON of a message may look like at a place:
 * - `message`: an object with the fields of a message, each under its name in the .proto file or in camel case;
 * - `any`: an object with `@type` and the fields of that type;
 * - `free`: any JSON (google.protobuf.Struct and its kin);
 * - `list` and `map`: of one shape;
 * - `leaf`: a value that is replaced as a whole, such as a number, a text, or a duration.
 */
export type Shape =
  | { readonly kind: "message"; readonly desc: DescMessage }
  | { readonly kind: "any" }
  | { readonly kind: "free" }
  | { readonly kind: "list" | "map"; readonly of: Shape }
  | { readonly kind: "leaf"; readonly expected: (found: unknown) => string; readonly read: (value: JsonValue) => void };

/** The field that a key of JSON stands for. */
export function fieldOf(desc: DescMessage, key: string): DescField | undefined {
  return desc.fields.find(({ name, jsonName }) => name === key || jsonName === key);
}

export function shapeOfField(field: DescField): Shape {
  switch (field.fieldKind) {
    case "list":
      return { kind: "list", of: field.message === undefined ? leafOf(field) : shapeOfMessage(field.message) };
    case "map":
      return { kind: "map", of: field.message === undefined ? leafOf(field) : shapeOfMessage(field.message) };
    case "message":
      return shapeOfMessage(field.message);
    case "enum":
    case "scalar":
      return leafOf(field);
  }
}

/** Well-known messages whose JSON is no object with their fields, and what it is instead. */
const wellKnown: Readonly<Record<string, string>> = {
  "google.protobuf.Duration": "a duration in seconds, such as 1.5s",
  "google.protobuf.Timestamp": "a time such as 2026-01-31T12:00:00Z",
  "google.protobuf.FieldMask": "names of fields, separated by commas",
  "google.protobuf.BoolValue": "a boolean",
  "google.protobuf.StringValue": "a string",
  "google.protobuf.BytesValue": "bytes in base64",
  "google.protobuf.DoubleValue": "a number",
  "google.protobuf.FloatValue": "a number",
  "google.protobuf.Int32Value": "an integer of -2147483648 to 2147483647",
  "google.protobuf.UInt32Value": "an integer of 0 to 4294967295",
  "google.protobuf.Int64Value": "an integer of 64 bits",
  "google.protobuf.UInt64Value": "an integer of 0 to 18446744073709551615",
};
const free = ["google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"];

export function shapeOfMessage(desc: DescMessage): Shape {
  const { typeName } = desc;
  if (typeName === "google.protobuf.Any") return { kind: "any" };
  if (free.includes(typeName)) return { kind: "free" };
  const expected = wellKnown[typeName];
  if (expected === undefined) return { kind: "message", desc };
  return { kind: "leaf", expected: () => expected, read: (value) => void fromJson(desc, value) };
}

function leafOf(field: DescField): Shape {
  const wrap = (value: JsonValue): JsonValue => {
    if (field.fieldKind === "list") return [value];
    // A key that a map with any type of key can have.
    return field.fieldKind === "map" ? { [field.mapKey === ScalarType.BOOL ? "true" : "1"]: value } : value;
  };
  const read = (value: JsonValue): void => {
    const json: JsonObject = { [field.name]: wrap(value) };
    fromJson(field.parent, json);
  };
  const expected = (found: unknown): string =>
    field.enum === undefined ? scalarText(field.scalar) : enumText(field.enum, found);
  return { kind: "leaf", expected, read };
}

function enumText(desc: DescEnum, found: unknown): string {
  const names = desc.values.map(({ name }) => name);
  const list = `one of ${names.slice(0, 12).join(", ")}${names.length > 12 ? ", ..." : ""}`;
  return typeof found === "string" ? `${list}${didYouMean(found, names)}` : list;
}

function scalarText(scalar: ScalarType | undefined): string {
  switch (scalar) {
    case ScalarType.BOOL:
      return "a boolean";
    case ScalarType.STRING:
      return "a string";
    case ScalarType.BYTES:
      return "bytes in base64";
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return "a number";
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return "an integer of 0 to 4294967295";
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return "an integer of 0 to 18446744073709551615";
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return "an integer of 64 bits";
    default:
      return "an integer of -2147483648 to 2147483647";
  }
}
