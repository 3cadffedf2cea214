import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { RE2JS } from "re2js";

import type { NodeMatcher } from "#gen/envoy/type/matcher/v3/node_pb.js";
import type { StringMatcher } from "#gen/envoy/type/matcher/v3/string_pb.js";
import type { StructMatcher } from "#gen/envoy/type/matcher/v3/struct_pb.js";
import type { ValueMatcher } from "#gen/envoy/type/matcher/v3/value_pb.js";

import type { NodeInfo } from "../xds/index.ts";

/** A matcher cannot be understood. */
export class MatcherError extends Error {}

/** Whether an `envoy.type.matcher.v3.NodeMatcher` is about this node. @throws MatcherError */
export function matchesNode({ nodeId, nodeMetadatas }: NodeMatcher, node: NodeInfo): boolean {
  if (nodeId !== undefined && !matchesString(nodeId, node.id)) return false;
  return nodeMetadatas.every((matcher) => matchesStruct(matcher, node.metadata));
}

function matchesStruct({ path, value }: StructMatcher, struct: JsonObject): boolean {
  let found: JsonValue | undefined = struct;
  for (const { segment } of path) {
    if (segment.case !== "key") throw new MatcherError("a segment of a path in node_metadatas has no key");
    found = isObject(found) ? found[segment.value] : undefined;
  }
  if (value === undefined) throw new MatcherError("a matcher in node_metadatas has no value");
  return matchesValue(value, found);
}

function matchesValue({ matchPattern }: ValueMatcher, value: JsonValue | undefined): boolean {
  switch (matchPattern.case) {
    case "nullMatch":
      return value === null;
    case "boolMatch":
      return value === matchPattern.value;
    case "presentMatch":
      // Envoy's reading: a value that is absent matches neither true nor false.
      return value !== undefined && matchPattern.value;
    case "stringMatch":
      return typeof value === "string" && matchesString(matchPattern.value, value);
    case "doubleMatch": {
      const pattern = matchPattern.value.matchPattern;
      if (typeof value !== "number") return false;
      if (pattern.case === "range") return pattern.value.start <= value && value < pattern.value.end;
      return pattern.value === value;
    }
    case "listMatch": {
      const pattern = matchPattern.value.matchPattern;
      if (pattern.case === undefined) throw new MatcherError("list_match is empty");
      return Array.isArray(value) && value.some((element) => matchesValue(pattern.value, element));
    }
    case "orMatch":
      return matchPattern.value.valueMatchers.some((matcher) => matchesValue(matcher, value));
    default:
      throw new MatcherError("a value matcher is empty");
  }
}

function matchesString({ matchPattern, ignoreCase }: StringMatcher, text: string): boolean {
  const fold = (part: string): string => (ignoreCase ? part.toLowerCase() : part);
  switch (matchPattern.case) {
    case "exact":
      return fold(text) === fold(matchPattern.value);
    case "prefix":
      return fold(text).startsWith(fold(matchPattern.value));
    case "suffix":
      return fold(text).endsWith(fold(matchPattern.value));
    case "contains":
      return fold(text).includes(fold(matchPattern.value));
    case "safeRegex":
      return compiled(matchPattern.value.regex).matches(text);
    default:
      throw new MatcherError(`${matchPattern.case ?? "a string matcher that is empty"} is not supported`);
  }
}

function compiled(regex: string): RE2JS {
  try {
    return RE2JS.compile(regex);
  } catch (error) {
    throw new MatcherError(`the expression "${regex}" cannot be read: ${String(error)}`);
  }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
