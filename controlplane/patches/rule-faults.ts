import { fromBinary, getExtension } from "@bufbuild/protobuf";
import type { DescField, DescMessage, Message, Registry, ScalarType } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import type { ReflectMessage } from "@bufbuild/protobuf/reflect";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import type { Any } from "@bufbuild/protobuf/wkt";
import { disallowed_by_default } from "#gen/envoy/annotations/deprecation_pb.js";
import { required, rules } from "#gen/validate/validate_pb.js";
import type { FieldRules } from "#gen/validate/validate_pb.js";
import type { Path } from "../model/index.ts";
import type { MessageFault } from "./json-faults.ts";
import { durationFault, listFault, numberFault, textFault } from "./rules.ts";

/**
 * Finds where a message breaks the rules in its .proto files (protoc-gen-validate), by which Envoy would refuse it: what is required,
 * and the ranges of values. Looks into messages within messages. Paths have the names of the .proto files.
 */
export function ruleFaults(desc: DescMessage, message: Message, registry: Registry): MessageFault[] {
  return messageFaults(reflect(desc, message), [], registry);
}

function messageFaults(message: ReflectMessage, path: Path, registry: Registry): MessageFault[] {
  const { desc } = message;
  if (desc.typeName === "google.protobuf.Any") return anyFaults(message.message as Any, path, registry);
  if (desc.typeName.startsWith("google.protobuf.")) return [];
  const faults: MessageFault[] = [];
  const add = (at: Path, text: string): void =>
    void faults.push({ path: [...path, ...at], at: "value", message: text });
  for (const oneof of desc.oneofs) {
    const options = oneof.proto.options;
    if (options === undefined || !getExtension(options, required) || message.oneofCase(oneof) !== undefined) continue;
    add([], `required: one of ${oneof.fields.map(({ name }) => name).join(", ")}`);
  }
  for (const field of desc.fields) {
    const options = field.proto.options;
    const isSet = message.isSet(field);
    if (isSet && options !== undefined && getExtension(options, disallowed_by_default))
      add([field.name], "Envoy refuses this field: it is deprecated, and off by default");
    if (isSet && field.name === "remote" && isCodeOfWasm(path, desc.typeName)) add([field.name], remoteWasm);
    const fieldRules = options === undefined ? undefined : getExtension(options, rules);
    faults.push(...fieldFaults(message, field, fieldRules, [...path, field.name], registry));
  }
  return faults;
}

/**
 * Envoy takes a filter whose remote code it does not have for a listener in service, and lets requests pass by it; see
 * docs/decisions/wasm-delivery.md.
 */
const remoteWasm =
  "requests would pass by a filter while its code is not there; deliver it as a WasmModule with a FilterPolicy";

function isCodeOfWasm(path: Path, typeName: string): boolean {
  return typeName === "envoy.config.core.v3.AsyncDataSource" && path.at(-1) === "code";
}

function anyFaults({ typeUrl, value }: Any, path: Path, registry: Registry): MessageFault[] {
  const desc = registry.getMessage(typeUrl.slice(typeUrl.lastIndexOf("/") + 1));
  return desc === undefined ? [] : messageFaults(reflect(desc, fromBinary(desc, value)), path, registry);
}

function fieldFaults(
  message: ReflectMessage,
  field: DescField,
  fieldRules: FieldRules | undefined,
  path: Path,
  registry: Registry,
): MessageFault[] {
  const fault = (text: string | undefined, at: Path = path): MessageFault[] =>
    text === undefined ? [] : [{ path: at, at: "value", message: text }];
  const type = fieldRules?.type;
  switch (field.fieldKind) {
    case "scalar":
    case "enum": {
      // A member of a oneof that is not set, and an optional field, have no value.
      if ((field.oneof !== undefined || hasPresence(field)) && !message.isSet(field)) return [];
      return fault(valueFault(field.scalar, message.get(field), fieldRules));
    }
    case "message": {
      if (!message.isSet(field)) {
        if (field.oneof !== undefined) return [];
        const isNeeded =
          fieldRules?.message?.required === true ||
          ((type?.case === "duration" || type?.case === "any" || type?.case === "timestamp") && type.value.required);
        return fault(isNeeded ? "required field is missing" : undefined);
      }
      if (fieldRules?.message?.skip === true) return [];
      const inner = message.get(field);
      if (type?.case === "duration") return fault(durationFault(inner.message, type.value));
      const [wrapped] = inner.desc.fields;
      if (isWrapper(inner.desc) && wrapped !== undefined && wrapped.fieldKind === "scalar")
        return fault(valueFault(wrapped.scalar, inner.get(wrapped), fieldRules));
      return messageFaults(inner, path, registry);
    }
    case "list": {
      const list = [...message.get(field)];
      const listRules = type?.case === "repeated" ? type.value : undefined;
      const items = list.flatMap((item, index) => {
        const at = [...path, index];
        if (field.listKind === "message") return messageFaults(item as ReflectMessage, at, registry);
        return fault(valueFault(field.scalar, item, listRules?.items), at);
      });
      return [...(listRules === undefined ? [] : fault(listFault(list, listRules))), ...items];
    }
    case "map": {
      const mapRules = type?.case === "map" ? type.value : undefined;
      const entries = [...message.get(field)];
      const least = mapRules?.minPairs ?? 0n;
      return [
        ...fault(entries.length < least ? `expected at least ${least} entries, found ${entries.length}` : undefined),
        ...entries.flatMap(([key, value]) => {
          const at = [...path, String(key)];
          const ofKey = fault(valueFault(field.mapKey, key, mapRules?.keys), at);
          if (field.mapKind === "message") return [...ofKey, ...messageFaults(value as ReflectMessage, at, registry)];
          return [...ofKey, ...fault(valueFault(field.scalar, value, mapRules?.values), at)];
        }),
      ];
    }
  }
}

function hasPresence({ presence }: DescField): boolean {
  return (presence as FeatureSet_FieldPresence) !== FeatureSet_FieldPresence.IMPLICIT;
}

function isWrapper({ typeName }: DescMessage): boolean {
  return /^google\.protobuf\.\w+Value$/.test(typeName) && typeName !== "google.protobuf.Value";
}

function valueFault(
  scalar: ScalarType | undefined,
  value: unknown,
  { type }: Partial<FieldRules> = {},
): string | undefined {
  switch (type?.case) {
    case undefined:
    case "any":
    case "duration":
    case "timestamp":
    case "repeated":
    case "map":
      return undefined;
    case "string":
      return textFault(String(value), type.value);
    case "bytes": {
      const least = type.value.minLen;
      const { length } = value as Uint8Array;
      return length < least ? `expected at least ${least} bytes, found ${length}` : undefined;
    }
    case "bool":
      return Object.hasOwn(type.value, "const") && type.value.const !== value
        ? `expected ${type.value.const}, found ${String(value)}`
        : undefined;
    case "enum":
      return type.value.notIn.includes(Number(value)) ? "this value is not allowed here" : undefined;
    default:
      if (type === undefined || scalar === undefined) return undefined;
      return numberFault(value as number | bigint, type.value);
  }
}
