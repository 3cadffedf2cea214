import { isDeepStrictEqual } from "node:util";
import { fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import type { DescMessage, JsonValue, Registry } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { formatPath } from "../model/index.ts";
import type { FilterPosition, Patch, Path } from "../model/index.ts";
import { createResource } from "../xds/index.ts";
import type { Resource } from "../xds/index.ts";
import { isObject, jsonFaults, typeOfAny } from "./json-faults.ts";
import type { MessageFault } from "./json-faults.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { merge } from "./merge.ts";
import { connectionManagers, partsOf } from "./places.ts";
import type { Document } from "./places.ts";
import { ruleFaults } from "./rule-faults.ts";

/** What a patch makes of a resource. Paths of faults are within the patch. */
export interface Patched {
  /** As it was where the patch has nothing to do there, or cannot be applied. */
  readonly resource: Resource;
  readonly isMatched: boolean;
  readonly faults: readonly MessageFault[];
}

/** Applies a patch that changes what is there. */
export function applyPatch(
  patch: Exclude<Patch, { operation: "AddResource" }>,
  resource: Resource,
  registry: Registry,
): Patched {
  const desc = registry.getMessage(resource.typeUrl.slice(resource.typeUrl.lastIndexOf("/") + 1));
  if (desc === undefined) return { resource, isMatched: false, faults: [] };
  const document = decode(resource, desc, registry);
  const guarded = policyFilters(document, registry);
  let isMatched = false;
  for (const part of partsOf(patch.target, document, registry)) {
    const { "@type": type, ...before } = part.read();
    const result = changed(patch, part.desc, before, registry);
    if (result === "no match") continue;
    isMatched = true;
    if ("faults" in result) return { resource, isMatched, faults: result.faults };
    part.write(type === undefined ? result.value : { "@type": type, ...result.value });
  }
  if (!isMatched) return { resource, isMatched, faults: [] };
  const where = `${desc.name} ${resource.name}`;
  const fault = (message: string): Patched => ({ resource, isMatched, faults: [{ path: [], at: "value", message }] });
  const lost = lostFilter(guarded, policyFilters(document, registry));
  if (lost !== undefined)
    return fault(`${where} would lose the filter of FilterPolicy ${lost}, or have it elsewhere or changed`);
  const field = nameField(desc);
  if (document.json[field] !== resource.name) return fault(`${where} cannot have another name; add a resource instead`);
  const { message, faults } = encode(document, desc, registry);
  if (message === undefined || faults.length > 0) {
    const explained = faults.map(({ path, message: text }) => ({
      path: writtenAt(patch, path),
      at: "value" as const,
      message: `Envoy would refuse ${where}: ${path.length === 0 ? "" : `${formatPath(path)}: `}${text}`,
    }));
    return { resource, isMatched, faults: explained };
  }
  return { resource: createResource(resource.name, resource.typeUrl, message), isMatched, faults: [] };
}

/** Makes the resource of a patch that adds one. */
export function addedResource(
  value: Record<string, JsonValue>,
  registry: Registry,
): { readonly resource?: Resource; readonly faults: readonly MessageFault[] } {
  const faults = jsonFaults({ kind: "any" }, value, registry, ["value"]);
  const desc = typeOfAny(value, registry);
  if (faults.length > 0 || desc === undefined) return { faults };
  const json = merge({ kind: "message", desc }, undefined, value, registry) as Record<string, JsonValue>;
  const field = nameField(desc);
  const name = json[field];
  if (typeof name !== "string" || name === "") {
    return { faults: [{ path: ["value", field], at: "key", message: "required field is missing" }] };
  }
  const typeUrl = `type.googleapis.com/${desc.typeName}`;
  const { message, faults: broken } = encode({ typeUrl, name, json }, desc, registry);
  if (message === undefined || broken.length > 0)
    return { faults: broken.map((one) => ({ ...one, path: ["value", ...asWritten(one.path, value)] })) };
  return { resource: createResource(name, typeUrl, message), faults: [] };
}

/** The field by which a resource is named. */
function nameField(desc: DescMessage): string {
  return desc.fields.some(({ name }) => name === "name") ? "name" : "cluster_name";
}

function decode({ typeUrl, name, body }: Resource, desc: DescMessage, registry: Registry): Document {
  const message = fromBinary(desc, fromBinary(AnySchema, body).value);
  const json = toJson(desc, message, { registry, useProtoFieldName: true }) as Record<string, JsonValue>;
  return { typeUrl, name, json };
}

/** The bytes of a document, or what Envoy would have against it. */
function encode(
  { json }: Document,
  desc: DescMessage,
  registry: Registry,
): { readonly message?: Uint8Array; readonly faults: readonly MessageFault[] } {
  try {
    const message = fromJson(desc, json, { registry });
    return { message: toBinary(desc, message), faults: ruleFaults(desc, message, registry) };
  } catch (error) {
    return { faults: [{ path: [], at: "value", message: error instanceof Error ? error.message : String(error) }] };
  }
}

type Change = { readonly value: Record<string, JsonValue> } | { readonly faults: readonly MessageFault[] } | "no match";

/** What a patch makes of a part. */
function changed(
  patch: Exclude<Patch, { operation: "AddResource" }>,
  desc: DescMessage,
  before: Record<string, JsonValue>,
  registry: Registry,
): Change {
  const shape = { kind: "message", desc } as const;
  switch (patch.operation) {
    case "Merge": {
      const value = patch.value as Record<string, JsonValue>;
      const faults = jsonFaults(shape, value, registry, ["value"]);
      return faults.length > 0 ? { faults } : { value: merge(shape, before, value, registry) as typeof value };
    }
    case "JSONPatch": {
      const result = applyJsonPatch(shape, before, patch.jsonPatch, registry);
      if (!result.ok) return { faults: result.faults.map((one) => ({ ...one, path: ["jsonPatch", ...one.path] })) };
      if (isObject(result.value)) return { value: result.value };
      return { faults: [{ path: ["jsonPatch"], at: "value", message: "the result is no message" }] };
    }
    case "InsertFilter":
      return withFilter(patch.value as Record<string, JsonValue>, patch.position, before, registry);
  }
}

function withFilter(
  value: Record<string, JsonValue>,
  position: FilterPosition,
  manager: Record<string, JsonValue>,
  registry: Registry,
): Change {
  const desc = registry.getMessage("envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter");
  if (desc === undefined) throw new Error("Envoy's API has no HttpFilter");
  const shape = { kind: "message", desc } as const;
  const faults = jsonFaults(shape, value, registry, ["value"]);
  if (faults.length > 0) return { faults };
  const before = filtersOf(manager);
  const names = before.map((filter) => filter["name"]);
  const filter = merge(shape, undefined, value, registry) as Record<string, JsonValue>;
  if (names.includes(filter["name"])) {
    const message = `there is a filter ${JSON.stringify(filter["name"])} already`;
    return { faults: [{ path: ["value", "name"], at: "value", message }] };
  }
  const index = indexFor(position, names);
  if (index === undefined) return "no match";
  return { value: { ...manager, http_filters: before.toSpliced(index, 0, filter) } };
}

function indexFor(position: FilterPosition, names: readonly (JsonValue | undefined)[]): number | undefined {
  switch (position.type) {
    case "First":
      return 0;
    case "Last":
      // The router is last, or nothing would be sent on.
      return Math.max(names.length - 1, 0);
    case "Before":
    case "After": {
      const anchor = names.indexOf(position.filter);
      return anchor < 0 ? undefined : anchor + (position.type === "After" ? 1 : 0);
    }
  }
}

function filtersOf(manager: Record<string, JsonValue>): Record<string, JsonValue>[] {
  const filters = manager["http_filters"];
  return Array.isArray(filters) ? filters.filter(isObject) : [];
}

/** For each connection manager the filters that come by ECDS, which are those of FilterPolicies, in their order. */
function policyFilters(document: Document, registry: Registry): Record<string, JsonValue>[][] {
  return connectionManagers(document, registry).map((manager) =>
    structuredClone(filtersOf(manager.read()).filter((filter) => filter["config_discovery"] !== undefined)),
  );
}

/**
 * The FilterPolicy that would not be enforced any more. A patch may put filters between those of policies; it may not take one away,
 * nor make a way into the listener without them.
 */
function lostFilter(
  before: readonly Record<string, JsonValue>[][],
  after: readonly Record<string, JsonValue>[][],
): string | undefined {
  const [expected = []] = before;
  if (expected.length === 0) return undefined;
  for (const filters of after) {
    const kept = filters.filter((filter) => expected.some((one) => one["name"] === filter["name"]));
    const lost = expected.findIndex((one, index) => !isDeepStrictEqual(one, kept[index]));
    if (lost >= 0) return nameOf(expected[lost]);
  }
  return after.length < before.length ? nameOf(expected[0]) : undefined;
}

function nameOf(filter: Record<string, JsonValue> | undefined): string {
  return typeof filter?.["name"] === "string" ? filter["name"] : "";
}

/** Where in a patch a part of the result was written, if it was. */
function writtenAt(patch: Patch, path: Path): Path {
  if (patch.operation !== "Merge") return [];
  const written = asWritten(path, patch.value as Record<string, JsonValue>);
  return written.length === path.length && path.length > 0 ? ["value", ...written] : [];
}

/** A path with the names of fields as the user wrote them, as far as they are there. */
function asWritten(path: Path, value: JsonValue): Path {
  const written: (string | number)[] = [];
  let part: JsonValue | undefined = value;
  for (const segment of path) {
    if (typeof segment === "number") {
      part = Array.isArray(part) ? part[segment] : undefined;
      written.push(segment);
    } else {
      const camel = segment.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
      const key: string =
        isObject(part) && !Object.hasOwn(part, segment) && Object.hasOwn(part, camel) ? camel : segment;
      part = isObject(part) ? part[key] : undefined;
      written.push(key);
    }
    if (part === undefined) break;
  }
  return written;
}
