import { StatusCode } from "#gen/envoy/type/v3/http_status_pb.js";
import type { Cursor } from "./cursor.ts";
import { bothMatch, entryOf, type Entry } from "./rate-limit-actions.ts";
import { scopesOf, type Scope } from "./envoy-rate-limit-routes.ts";
import type { Limit, RateLimitConfiguration, RequestMatch, TokenBucket } from "./rate-limit-configuration.ts";
import { Names } from "./rules.ts";

export const localRateLimitType = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit";

/** Limits that the filter takes. */
const MAX_LIMITS = 1000;

/** What a local_ratelimit filter is for: its name in the chain, and the connection manager with its routes, if known. */
export interface LocalRateLimitPlace {
  readonly name: string | undefined;
  readonly manager: Cursor | undefined;
}

/** The configuration of the filter ratelimit for one local_ratelimit filter; undefined where it limits nothing. */
export function importLocalRateLimit(filter: Cursor, place: LocalRateLimitPlace): RateLimitConfiguration | undefined {
  const scopes = scopesOf(filter, place.name, place.manager, localRateLimitType);
  const names = new Names();
  const limits: Limit[] = [];
  const answers = new Map<string, RateLimitConfiguration["response"]>();
  let headers: RateLimitConfiguration["headers"] = "none";
  for (const config of new Map(scopes.map(({ config }) => [JSON.stringify(config.path), config])).values()) {
    const mine = scopes.filter((scope) => JSON.stringify(scope.config.path) === JSON.stringify(config.path));
    const made = limitsOf(config, mine, names);
    if (made.length === 0) continue;
    limits.push(...made);
    const answer = answerOf(config);
    answers.set(JSON.stringify(answer), answer);
    const version = config.get("enable_x_ratelimit_headers")?.value;
    if (version === "DRAFT_VERSION_03" || version === 1) headers = "x-ratelimit";
    if (answers.size > 1) {
      config.report("loss", "answers differ between routes; all get the first", "give the route a filter of its own");
    }
  }
  if (limits.length > MAX_LIMITS)
    filter.report("loss", `${limits.length} limits; the filter has ${MAX_LIMITS} at most`, "divide them by hand");
  const [response] = answers.values();
  return response === undefined ? undefined : { limits: limits.slice(0, MAX_LIMITS), headers, response };
}

function limitsOf(config: Cursor, scopes: readonly Scope[], names: Names): Limit[] {
  check(config);
  const bucket = config.get("token_bucket");
  if (bucket === undefined && config.items("descriptors").length === 0) return [];
  if (share(config, "filter_enabled") === "none") {
    config.report("note", "filter_enabled is 0 %, its default, so Envoy limits nothing here, and nothing is imported");
    return [];
  }
  const mode = share(config, "filter_enforced") === "none" ? ({ mode: "shadow" } as const) : {};
  const prefix = config.text("stat_prefix") ?? "local";
  const used = new Set<string>();
  const limits = scopes.flatMap((scope) =>
    scope.rateLimits.flatMap((rateLimit) => descriptorLimits(config, scope, rateLimit, used, names, prefix)),
  );
  for (const descriptor of config.items("descriptors")) {
    if (used.has(JSON.stringify(descriptor.path))) continue;
    descriptor.report("note", "no rate_limits in this file make this descriptor, so it limits nothing");
  }
  const first = bucket && { name: names.unique(prefix), tokenBucket: tokenBucket(bucket) };
  const main = first === undefined ? [] : scopedDefault(config, first, scopes, limits);
  return [...main, ...limits].map((limit) => ({ ...limit, ...mode }));
}

/** The bucket without descriptor. */
function scopedDefault(config: Cursor, limit: Limit, scopes: readonly Scope[], others: readonly Limit[]): Limit[] {
  const except =
    config.get("always_consume_default_token_bucket")?.bool() === false ? others.map(({ match }) => match ?? {}) : [];
  if (except.length > 0 && others.some((other) => other.except !== undefined || other.missingKey !== undefined)) {
    config.report(
      "loss",
      "which requests have no descriptor cannot be told here, so all of them use the default bucket, too",
      "name them in `except` by hand",
    );
    except.length = 0;
  }
  const routes = scopes.flatMap(({ match }) => match?.values ?? []);
  const regexes = routes.flatMap((value) => ("exact" in value ? [value.exact] : "regex" in value ? [value.regex] : []));
  const [only, second] = routes;
  // Without a condition the scope is all that there is.
  const isAll = scopes.some(({ match }) => match?.values === undefined);
  const match: RequestMatch | undefined =
    isAll || only === undefined
      ? undefined
      : { values: [second === undefined ? only : { value: { routeName: {} }, regex: regexes.join("|") }] };
  return [{ ...limit, ...(match ? { match } : {}), ...(except.length > 0 ? { except } : {}) }];
}

/** The limits that a list of actions comes to, with the descriptors that it can make. */
function descriptorLimits(
  config: Cursor,
  scope: Scope,
  rateLimit: Cursor,
  used: Set<string>,
  names: Names,
  prefix: string,
): Limit[] {
  rateLimit.only("stage", "disable_key", "actions", "limit", "hits_addend", "apply_on_stream_done");
  if ((rateLimit.get("stage")?.integer() ?? 0) !== (config.get("stage")?.integer() ?? 0)) return [];
  for (const name of ["disable_key", "limit", "apply_on_stream_done"]) {
    rateLimit.get(name)?.report("loss", `${name} has no equal`, "state it by hand");
  }
  const entries = rateLimit.items("actions").map(entryOf);
  const known = entries.filter((entry) => entry !== undefined);
  if (known.length < entries.length) return [];
  const optional = known.filter(({ isOptional }) => isOptional).length;
  if (optional > 3) {
    rateLimit.report("loss", "more than three values that may be skipped; limits by them are left out");
    return [];
  }
  const cost = costOf(rateLimit);
  return variants(known).flatMap(({ present, absent }) => {
    const found = config.items("descriptors").flatMap((descriptor) => {
      const fit = fitting(descriptor, present);
      return fit === undefined ? [] : [{ descriptor, ...fit }];
    });
    const exact = found.filter(({ key }) => key.length === 0);
    return found.map(({ descriptor, match, key, tests }): Limit => {
      const id = JSON.stringify(descriptor.path);
      if (used.has(id)) {
        const message = "several rate_limits make this descriptor; each has a bucket of its own here, so more passes";
        descriptor.report("loss", message, "state it by hand");
      }
      used.add(id);
      // A descriptor with values of its own takes the place of one that is open.
      const narrower = tests.isOpen ? exact.filter((other) => !other.tests.isOpen).map((other) => other.match) : [];
      const except = [...present.flatMap((entry) => entry.except), ...narrower];
      const all = bothMatch([scope.match ?? {}, ...present.map((entry) => entry.match), match, ...absent]);
      const bucket = descriptor.get("token_bucket");
      if (bucket === undefined) descriptor.report("error", "expected a token_bucket");
      return {
        name: names.unique([prefix, ...tests.words].join("-")),
        tokenBucket: bucket ? tokenBucket(bucket) : { maxTokens: 1, tokensPerFill: 1, fillInterval: "1s" },
        ...(key.length > 0 ? { key, missingKey: "skip" } : {}),
        ...(Object.keys(all).length > 0 ? { match: all } : {}),
        ...(except.length > 0 ? { except } : {}),
        ...cost,
      };
    });
  });
}

interface Variant {
  readonly present: readonly Entry[];
  readonly absent: readonly RequestMatch[];
}

/** Each way in which values that may be skipped are there or not. */
function variants(entries: readonly Entry[]): Variant[] {
  let result: Variant[] = [{ present: [], absent: [] }];
  for (const entry of entries) {
    result = result.flatMap(({ present, absent }) => {
      const whole = { present: [...present, entry], absent };
      if (!entry.isOptional || "constant" in entry.value) return [whole];
      const without = { values: [{ value: entry.value.value, present: false }] };
      return [whole, { present, absent: [...absent, without] }];
    });
  }
  return result.filter(({ present }) => present.length > 0);
}

interface Fit {
  readonly match: RequestMatch;
  readonly key: NonNullable<Limit["key"]>;
  readonly tests: { readonly isOpen: boolean; readonly words: readonly string[] };
}

/** What a request must be like for its entries to be those of a descriptor; undefined if they never are. */
function fitting(descriptor: Cursor, entries: readonly Entry[]): Fit | undefined {
  const expected = descriptor.only("entries", "token_bucket").items("entries");
  if (expected.length !== entries.length) return undefined;
  const matches: RequestMatch[] = [];
  const key: NonNullable<Limit["key"]>[number][] = [];
  const words: string[] = [];
  let isOpen = false;
  for (const [i, entry] of entries.entries()) {
    const at = expected[i]?.only("key", "value");
    if (at?.text("key") !== entry.key) return undefined;
    const text = at.text("value") ?? "";
    words.push(text === "" ? entry.key : text);
    const { value } = entry;
    if (text === "") {
      isOpen = true;
      if (!("constant" in value)) key.push(value.part);
    } else if ("constant" in value) {
      if (value.constant !== text) return undefined;
    } else if ("clientAddress" in value.value) {
      if (matches.some((match) => match.clientAddress !== undefined)) return undefined;
      matches.push({ clientAddress: { ranges: [text] } });
    } else if ("default" in value.part && value.part.default === text) {
      at.report("loss", "a value that is also the default of its action: requests without it are not limited here");
      matches.push({ values: [{ value: value.value, exact: text }] });
    } else {
      matches.push({ values: [{ value: value.value, exact: text }] });
    }
  }
  return { match: bothMatch(matches), key, tests: { isOpen, words } };
}

function costOf(rateLimit: Cursor): { readonly cost?: { readonly hits: number } } {
  const addend = rateLimit.get("hits_addend")?.only("number", "format");
  addend?.get("format")?.report("loss", "a number by a format is not read; each request costs 1", "use `cost.header`");
  const hits = addend?.get("number")?.integer();
  return hits === undefined || hits === 1 ? {} : { cost: { hits } };
}

function tokenBucket(bucket: Cursor): TokenBucket {
  bucket.only("max_tokens", "tokens_per_fill", "fill_interval");
  const number = (name: string, preset: number): number => {
    const field = bucket.get(name);
    const value = field?.integer() ?? preset;
    if (value >= 1 && value <= 1_000_000) return value;
    (field ?? bucket).report(value < 1 ? "error" : "loss", `${name}: expected 1 to 1000000, found ${value}`);
    return Math.min(Math.max(value, 1), 1_000_000);
  };
  return {
    maxTokens: number("max_tokens", 0),
    tokensPerFill: number("tokens_per_fill", 1),
    fillInterval: interval(bucket),
  };
}

/** A `Duration` of protobuf's JSON as the filter has it. */
function interval(bucket: Cursor): string {
  const field = bucket.get("fill_interval");
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(field?.string() ?? "")?.[1];
  const milliseconds = Math.round(Number(seconds ?? 0) * 1000);
  if (milliseconds < 50 || milliseconds > 744 * 3_600_000) {
    (field ?? bucket).report("error", "expected a time from 0.05s to 744h in seconds, such as 60s");
    return "1s";
  }
  if (milliseconds % 1000 !== 0)
    return `${Math.floor(milliseconds / 1000)}s${milliseconds % 1000}ms`.replace(/^0s/, "");
  return milliseconds <= 99_999_000
    ? `${milliseconds / 1000}s`
    : `${Math.floor(milliseconds / 60_000)}m${(milliseconds / 1000) % 60}s`;
}

/** How much of the requests a `RuntimeFractionalPercent` takes. */
function share(config: Cursor, name: string): "all" | "none" {
  const field = config.get(name)?.only("default_value", "runtime_key");
  field?.get("runtime_key")?.report("note", "the runtime key is not read; its default counts");
  const value = field?.get("default_value")?.only("numerator", "denominator");
  const numerator = value?.get("numerator")?.integer() ?? 0;
  if (numerator === 0) return "none";
  const denominator = JSON.stringify(value?.get("denominator")?.value ?? "HUNDRED").replaceAll('"', "");
  const whole = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000, 0: 100, 1: 10_000, 2: 1_000_000 };
  if (numerator < (Object.entries(whole).find(([key]) => key === denominator)?.[1] ?? 100)) {
    field?.report("loss", "a share of the requests cannot be told here; it counts for all of them");
  }
  return "all";
}

function answerOf(config: Cursor): RateLimitConfiguration["response"] {
  const code = config.get("status")?.only("code").get("code")?.value ?? 429;
  const number = Number(
    typeof code === "string" && !/^\d+$/.test(code) ? StatusCode[code as keyof typeof StatusCode] : code,
  );
  if (Number.isNaN(number)) config.get("status")?.report("error", "expected a status code");
  const added = config.items("response_headers_to_add").flatMap((option) => {
    option.only("header", "append", "append_action", "keep_empty_value");
    const header = option.get("header")?.only("key", "value");
    const [name, value] = [header?.text("key") ?? "", header?.text("value") ?? ""];
    if (value !== "" && /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) return [{ name, value }];
    option.report("loss", "a header of this name, or without a text, is not added");
    return [];
  });
  return {
    // Envoy answers 429 for what is no error.
    status: number >= 400 && number <= 599 ? number : 429,
    body: "local_rate_limited",
    grpcStatus: config.flag("rate_limited_as_resource_exhausted") ? "RESOURCE_EXHAUSTED" : "UNAVAILABLE",
    ...(added.length > 0 ? { headers: added } : {}),
  };
}

/** Reports what has no equal. */
function check(config: Cursor): void {
  const read = [
    "status",
    "token_bucket",
    "filter_enabled",
    "filter_enforced",
    "response_headers_to_add",
    "descriptors",
  ];
  read.push("stat_prefix", "stage", "enable_x_ratelimit_headers", "vh_rate_limits", "rate_limits");
  read.push("always_consume_default_token_bucket", "rate_limited_as_resource_exhausted");
  const lost: readonly (readonly [name: string, message: string, advice: string])[] = [
    ["request_headers_to_add_when_not_enforced", "these headers are not added", "use `shadowHeader`"],
    ["local_cluster_rate_limit", "the bucket is not divided among the Envoys of a cluster", "use the scope `fleet`"],
    ["local_rate_limit_per_downstream_connection", "a bucket for each connection has no equal; all share it", ""],
  ];
  config.only("@type", "max_dynamic_descriptors", ...read, ...lost.map(([name]) => name));
  for (const [name, message, advice] of lost) {
    const field = config.get(name);
    if (field !== undefined && field.value !== false) field.report("loss", message, advice);
  }
  config
    .get("max_dynamic_descriptors")
    ?.report(
      "note",
      "Envoy forgets buckets beyond this number; the filter keeps `slots` of them, and lets no more pass",
    );
}
