// What both rate limit filters of Envoy say of how much they do and of what a refused client gets.
import { StatusCode } from "#gen/envoy/type/v3/http_status_pb.js";
import type { Cursor } from "./cursor.ts";
import type { RateLimitConfiguration } from "./rate-limit-configuration.ts";

/** How much of the requests a `RuntimeFractionalPercent` takes. */
export function share(config: Cursor, name: string, preset: "all" | "none"): "all" | "none" {
  const field = config.get(name)?.only("default_value", "runtime_key");
  if (field === undefined) return preset;
  field.get("runtime_key")?.report("note", "the runtime key is not read; its default counts");
  const value = field.get("default_value")?.only("numerator", "denominator");
  const numerator = value?.get("numerator")?.integer() ?? 0;
  if (numerator === 0) return "none";
  const denominator = JSON.stringify(value?.get("denominator")?.value ?? "HUNDRED").replaceAll('"', "");
  const whole = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000, 0: 100, 1: 10_000, 2: 1_000_000 };
  if (numerator < (Object.entries(whole).find(([key]) => key === denominator)?.[1] ?? 100)) {
    field.report("loss", "a share of the requests cannot be told here; it counts for all of them");
  }
  return "all";
}

/** An `HttpStatus` of an error; what Envoy answers in its place otherwise. */
export function errorStatus(config: Cursor, name: string, preset: number): number {
  const code = config.get(name)?.only("code").get("code")?.value ?? preset;
  const number = Number(
    typeof code === "string" && !/^\d+$/.test(code) ? StatusCode[code as keyof typeof StatusCode] : code,
  );
  if (Number.isNaN(number)) config.get(name)?.report("error", "expected a status code");
  return number >= 400 && number <= 599 ? number : preset;
}

type Added = NonNullable<RateLimitConfiguration["response"]["headers"]>;

/** The headers that refusals have. */
export function addedHeaders(config: Cursor): Added {
  return config.items("response_headers_to_add").flatMap((option): Added => {
    option.only("header", "append", "append_action", "keep_empty_value");
    const header = option.get("header")?.only("key", "value");
    const [name, value] = [header?.text("key") ?? "", header?.text("value") ?? ""];
    if (value !== "" && /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) return [{ name, value }];
    option.report("loss", "a header of this name, or without a text, is not added");
    return [];
  });
}

export function grpcStatus(config: Cursor): RateLimitConfiguration["response"]["grpcStatus"] {
  return config.flag("rate_limited_as_resource_exhausted") ? "RESOURCE_EXHAUSTED" : "UNAVAILABLE";
}

export function quotaHeaders(config: Cursor): RateLimitConfiguration["headers"] {
  const version = config.get("enable_x_ratelimit_headers")?.value;
  return version === "DRAFT_VERSION_03" || version === 1 ? "x-ratelimit" : "none";
}
