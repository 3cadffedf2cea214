import { fromBinary, getOption, hasOption, ScalarType, toJson } from "@bufbuild/protobuf";
import type { DescField, DescMessage, JsonObject, JsonValue, Registry } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { sensitive } from "#gen/udpa/annotations/sensitive_pb.js";
import { schemaOf, type ConfigurationSchema, type Resource as UserResource } from "../model/index.ts";
import { envoyRegistry } from "../patches/index.ts";
import type { Variant } from "../xds/index.ts";
import { isSecretHeader, redactJson, redactText, REDACTED } from "./secrets-in-json.ts";

/** What of a resource is shown. */
export interface Shown {
  /** Whether the configurations of Wasm filters are shown at all: which of their values are secret only the filter knows. */
  readonly showsConfigurations: boolean;
  /** What the user wrote that it comes of: the schema of a module says what of a configuration is only written. */
  readonly origins?: readonly UserResource[];
}

interface Context {
  readonly registry: Registry;
  readonly showsConfigurations: boolean;
  readonly schemas: readonly ConfigurationSchema[];
}

/**
 * A resource as Envoy's JSON, with `@type`, without secrets: what Envoy's API marks as sensitive is left out, as Envoy does in its
 * own dump, and what looks like a secret elsewhere. The configuration of a Wasm filter, which is JSON in a text, is shown as JSON.
 */
export function resourceJson(
  { body }: Pick<Variant, "body">,
  { showsConfigurations, origins = [] }: Shown,
): JsonObject {
  const registry = envoyRegistry();
  const json = toJson(AnySchema, fromBinary(AnySchema, body), { registry });
  const schemas = origins.flatMap((one) => (one.kind === "WasmModule" ? (schemaOf(one) ?? []) : []));
  return redactAny(json as JsonObject, { registry, showsConfigurations, schemas }) as JsonObject;
}

function redactAny(json: JsonObject, context: Context): JsonValue {
  const type = json["@type"];
  const message =
    typeof type === "string" ? context.registry.getMessage(type.slice(type.lastIndexOf("/") + 1)) : undefined;
  // Nothing is known of it, so everything may be a secret.
  if (message === undefined) return { "@type": type ?? "", value: REDACTED };
  if (isWellKnown(message)) return { ...json, value: redactMessage(json["value"] ?? null, message, context) };
  // Its fields stand beside the type.
  return { "@type": type ?? "", ...(redactMessage(json, message, context) as JsonObject) };
}

/** @param json a message as JSON has it. */
function redactMessage(json: JsonValue, message: DescMessage, context: Context): JsonValue {
  if (message.typeName === "google.protobuf.Any") return redactAny(json as JsonObject, context);
  if (isWellKnown(message)) return redactJson(json);
  const object = json as JsonObject;
  const result: JsonObject = {};
  for (const field of message.fields) {
    const value = object[field.jsonName];
    if (value === undefined) continue;
    result[field.jsonName] = isHidden(field, message, object)
      ? REDACTED
      : isFilterConfiguration(field, message)
        ? redactConfiguration(value, context)
        : redactField(value, field, context);
  }
  return result;
}

function redactField(value: JsonValue, field: DescField, context: Context): JsonValue {
  const one = (item: JsonValue): JsonValue => {
    if (field.message !== undefined) return redactMessage(item, field.message, context);
    if (field.scalar === ScalarType.BYTES && typeof item === "string") return redactBytes(item);
    return typeof item === "string" ? redactText(item) : item;
  };
  if (field.fieldKind === "list") return (value as JsonValue[]).map(one);
  if (field.fieldKind === "map")
    return Object.fromEntries(Object.entries(value as JsonObject).map(([key, item]) => [key, one(item ?? null)]));
  return one(value);
}

function isHidden(field: DescField, message: DescMessage, object: JsonObject): boolean {
  if (hasOption(field, sensitive) && getOption(field, sensitive)) return true;
  if (message.typeName === "envoy.extensions.wasm.v3.EnvironmentVariables") return field.name === "key_values";
  if (message.typeName !== "envoy.config.core.v3.HeaderValue") return false;
  return field.name !== "key" && isSecretHeader(object);
}

function redactBytes(base64: string): string {
  const text = Buffer.from(base64, "base64").toString("utf8");
  return redactText(text) === text ? base64 : REDACTED;
}

const configurations: ReadonlySet<string> = new Set([
  "envoy.extensions.wasm.v3.PluginConfig.configuration",
  "envoy.extensions.wasm.v3.VmConfig.configuration",
]);

function isFilterConfiguration(field: DescField, message: DescMessage): boolean {
  return configurations.has(`${message.typeName}.${field.name}`);
}

function redactConfiguration(value: JsonValue, context: Context): JsonValue {
  const any = value as JsonObject;
  if (!context.showsConfigurations) return { "@type": any["@type"] ?? "", value: REDACTED };
  const text = any["value"];
  if (any["@type"] !== "type.googleapis.com/google.protobuf.StringValue" || typeof text !== "string")
    return redactAny(any, context);
  try {
    let value = JSON.parse(text) as JsonValue;
    for (const schema of context.schemas) value = schema.withoutWriteOnly(value, REDACTED) as JsonValue;
    return { ...any, value: redactJson(value) };
  } catch {
    return { ...any, value: redactText(text) };
  }
}

/** Its JSON is not an object of its fields. */
function isWellKnown({ typeName }: DescMessage): boolean {
  return typeName.startsWith("google.protobuf.");
}
