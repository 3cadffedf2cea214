import type { StringTest } from "./configuration.ts";
import type { Cursor } from "./cursor.ts";
import { stringTest } from "./envoy-strings.ts";
import type { HeaderTest, RequestMatch, RequestValue } from "./rate-limit-configuration.ts";

/** An entry that a `RateLimit.Action` puts into a descriptor. */
export interface Entry {
  readonly key: string;
  /** The text, or the value of the request that it is. */
  readonly value:
    | { readonly constant: string }
    | { readonly part: RequestValue & { readonly default?: string }; readonly value: RequestValue };
  /** When there is such an entry, beside that the value is there. */
  readonly match: RequestMatch;
  readonly except: readonly RequestMatch[];
  /** Without the value, the descriptor has one entry less; otherwise there is no descriptor. */
  readonly isOptional: boolean;
}

const kinds = [
  "source_cluster",
  "destination_cluster",
  "request_headers",
  "query_parameters",
  "remote_address",
  "generic_key",
  "header_value_match",
  "dynamic_metadata",
  "metadata",
  "extension",
  "masked_remote_address",
  "query_parameter_value_match",
];

const noMatch = { match: {}, except: [], isOptional: false };

/** The entry of an action; undefined, with a finding, for one that has no equal. */
export function entryOf(action: Cursor): Entry | undefined {
  const [kind, field] = action.only(...kinds).oneOf(...kinds) ?? [];
  const valued = (key: string | undefined, value: RequestValue, more: { default?: string } = {}): Entry => {
    return { ...noMatch, key: key ?? "", value: { part: { ...value, ...more }, value } };
  };
  switch (kind) {
    case "source_cluster":
      return valued(kind, { property: ["node", "cluster"] });
    case "destination_cluster":
      return valued(kind, { clusterName: {} });
    case "remote_address":
      return valued(kind, { clientAddress: {} });
    case "request_headers": {
      field?.only("header_name", "descriptor_key", "skip_if_absent");
      const entry = valued(field?.text("descriptor_key"), { header: field?.text("header_name") ?? "" });
      return { ...entry, isOptional: field?.flag("skip_if_absent") ?? false };
    }
    case "query_parameters": {
      field?.only("query_parameter_name", "descriptor_key", "skip_if_absent");
      const name = field?.text("query_parameter_name") ?? "";
      const entry = valued(field?.text("descriptor_key") ?? name, { query: name });
      return { ...entry, isOptional: field?.flag("skip_if_absent") ?? false };
    }
    case "masked_remote_address": {
      field?.only("v4_prefix_mask_len", "v6_prefix_mask_len");
      const ipv4Prefix = field?.get("v4_prefix_mask_len")?.integer() ?? 32;
      const ipv6Prefix = field?.get("v6_prefix_mask_len")?.integer() ?? 128;
      return valued(kind, { clientAddress: { ipv4Prefix, ipv6Prefix } });
    }
    case "generic_key": {
      field?.only("descriptor_value", "descriptor_key");
      return constant(field, "generic_key");
    }
    case "metadata":
    case "dynamic_metadata":
      return field && metadata(field, valued);
    case "header_value_match":
    case "query_parameter_value_match":
      return field && valueMatch(field, kind);
    default:
      (field ?? action).report(
        "loss",
        `${kind ?? "this action"} has no equal; limits by it are left out`,
        "state it by hand",
      );
      return undefined;
  }
}

function constant(action: Cursor | undefined, key: string): Entry | undefined {
  const value = action?.text("descriptor_value") ?? "";
  if (value.includes("%")) {
    action?.report("loss", "a value with a format is not read; limits by it are left out", "state it by hand");
    return undefined;
  }
  return { ...noMatch, key: action?.text("descriptor_key") ?? key, value: { constant: value } };
}

function metadata(
  field: Cursor,
  valued: (key: string | undefined, value: RequestValue, more?: { default?: string }) => Entry,
): Entry | undefined {
  field.only("descriptor_key", "metadata_key", "default_value", "source", "skip_if_absent");
  const at = field.get("metadata_key")?.only("key", "path");
  const path = at?.items("path").map((item) => item.only("key").text("key") ?? "") ?? [];
  const names = [at?.text("key") ?? "", ...path];
  const source = field.get("source")?.value;
  if (source !== undefined && !["DYNAMIC", "ROUTE_ENTRY", 0, 1].includes(source as string | number)) {
    field.get("source")?.report("loss", "metadata of this source is not read; limits by it are left out");
    return undefined;
  }
  const value = source === "ROUTE_ENTRY" || source === 1 ? { routeMetadata: names } : { metadata: names };
  const preset = field.text("default_value") ?? "";
  const entry = valued(field.text("descriptor_key"), value, preset === "" ? {} : { default: preset });
  return { ...entry, isOptional: field.flag("skip_if_absent") };
}

function valueMatch(field: Cursor, kind: "header_value_match" | "query_parameter_value_match"): Entry | undefined {
  const list = kind === "header_value_match" ? "headers" : "query_parameters";
  field.only("descriptor_key", "descriptor_value", "expect_match", list);
  const entry = constant(field, kind === "header_value_match" ? "header_match" : "query_match");
  const conditions: RequestMatch[] = [];
  const exceptions: RequestMatch[] = [];
  for (const item of field.items(list)) {
    const condition = kind === "header_value_match" ? headerCondition(item) : queryCondition(item);
    if (condition === undefined) {
      item.report("loss", "this test has no equal; limits by it are left out", "state it by hand");
      return undefined;
    }
    conditions.push(condition.match);
    if (condition.except !== undefined) exceptions.push(condition.except);
  }
  if (entry === undefined) return undefined;
  const together = bothMatch(conditions);
  if (field.get("expect_match")?.bool() !== false) return { ...entry, match: together, except: exceptions };
  if (exceptions.length === 0) return { ...entry, except: [together] };
  field.report("loss", "an inverted test within an inverted match is not read; limits by it are left out");
  return undefined;
}

interface Condition {
  readonly match: RequestMatch;
  readonly except?: RequestMatch;
}

function headerCondition(item: Cursor): Condition | undefined {
  const old = ["exact_match", "prefix_match", "suffix_match", "contains_match"];
  const other = ["safe_regex_match", "range_match", "string_match", "present_match"];
  item.only("name", "invert_match", "treat_missing_header_as_empty", ...old, ...other);
  const name = item.text("name") ?? "";
  const [kind, field] = item.oneOf(...old, ...other) ?? [];
  if (kind === "range_match" || item.flag("treat_missing_header_as_empty")) return undefined;
  const inverts = item.flag("invert_match");
  if (field === undefined || kind === "present_match") {
    const isPresent = (field?.bool() ?? true) !== inverts;
    return { match: { headers: [{ name, present: isPresent }] } };
  }
  const test = kind === "string_match" ? plain(field) : oldTest(kind, field);
  if (test === undefined) return undefined;
  const match = { headers: [{ name, ...test }] };
  // An inverted test of Envoy does not match where the header is absent.
  return inverts ? { match: { headers: [{ name, present: true }] }, except: match } : { match };
}

function oldTest(kind: string | undefined, field: Cursor): StringTest | undefined {
  if (kind === "safe_regex_match") return { regex: field.only("google_re2", "regex").text("regex") ?? "" };
  const text = field.string();
  if (text === "") return undefined;
  if (kind === "prefix_match") return { prefix: text };
  if (kind === "suffix_match") return { suffix: text };
  return kind === "contains_match" ? { contains: text } : { exact: text };
}

function queryCondition(item: Cursor): Condition | undefined {
  item.only("name", "string_match", "present_match");
  const value = { query: item.text("name") ?? "" };
  const field = item.get("string_match");
  if (field === undefined) {
    return { match: { values: [{ value, present: item.get("present_match")?.bool() ?? true }] } };
  }
  const test = plain(field);
  return test && { match: { values: [{ value, ...test }] } };
}

function plain(matcher: Cursor): StringTest | undefined {
  // A matcher that has no equal is undefined, too; the caller says what that costs.
  return stringTest(matcher, () => undefined);
}

/** One match that holds when all of these do. */
export function bothMatch(all: readonly RequestMatch[]): RequestMatch {
  const headers: HeaderTest[] = all.flatMap((match) => match.headers ?? []);
  const values = all.flatMap((match) => match.values ?? []);
  return {
    ...(headers.length > 0 ? { headers } : {}),
    ...(values.length > 0 ? { values } : {}),
  };
}
