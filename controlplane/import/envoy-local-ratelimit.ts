import type { Cursor } from "./cursor.ts";
import { addedHeaders, errorStatus, grpcStatus, quotaHeaders, share } from "./rate-limit-answer.ts";
import { bothMatch } from "./rate-limit-actions.ts";
import type { Limit, RateLimitConfiguration, RequestMatch } from "./rate-limit-configuration.ts";
import { descriptorsOf, type Descriptor } from "./rate-limit-descriptors.ts";
import { scopesOf, type RateLimitFilter, type Scopes } from "./rate-limit-routes.ts";
import { Names } from "./rules.ts";
import { tokenBucket } from "./token-bucket.ts";

export const localRateLimitType = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit";

/** Limits that the filter takes. */
export const MAX_LIMITS = 1000;

/** The configuration of the filter ratelimit for one local_ratelimit filter; undefined where it limits nothing. */
export function importLocalRateLimit(filter: RateLimitFilter): RateLimitConfiguration | undefined {
  const all = scopesOf(filter, { perRoute: [localRateLimitType], replaces: true, limitsAnswers: true });
  const names = new Names();
  const limits: Limit[] = [];
  const answers = new Map<string, RateLimitConfiguration["response"]>();
  let headers: RateLimitConfiguration["headers"] = "none";
  for (const config of new Map(all.scopes.map(({ config }) => [JSON.stringify(config.path), config])).values()) {
    const scopes = all.scopes.filter((scope) => JSON.stringify(scope.config.path) === JSON.stringify(config.path));
    const made = limitsOf(config, { ...all, scopes }, names);
    if (made.length === 0) continue;
    limits.push(...made);
    const answer = answerOf(config);
    answers.set(JSON.stringify(answer), answer);
    if (quotaHeaders(config) !== "none") headers = "x-ratelimit";
    if (answers.size > 1) {
      config.report("loss", "answers differ between routes; all get the first", "give the route a filter of its own");
    }
  }
  if (limits.length > MAX_LIMITS)
    filter.config.report(
      "loss",
      `${limits.length} limits; the filter has ${MAX_LIMITS} at most`,
      "divide them by hand",
    );
  const [response] = answers.values();
  return response === undefined ? undefined : { limits: limits.slice(0, MAX_LIMITS), headers, response };
}

function limitsOf(config: Cursor, { scopes, matchOf }: Scopes, names: Names): Limit[] {
  check(config);
  const bucket = config.get("token_bucket");
  if (bucket === undefined && config.items("descriptors").length === 0) return [];
  if (share(config, "filter_enabled", "none") === "none") {
    config.report("note", "filter_enabled is 0 %, its default, so Envoy limits nothing here, and nothing is imported");
    return [];
  }
  const mode = share(config, "filter_enforced", "none") === "none" ? ({ mode: "shadow" } as const) : {};
  const prefix = config.text("stat_prefix") ?? "local";
  const used = new Set<string>();
  const limits = descriptorsOf(config.get("stage")?.integer() ?? 0, scopes, matchOf).flatMap((descriptor) =>
    descriptorLimits(config, descriptor, used, names, prefix),
  );
  for (const descriptor of config.items("descriptors")) {
    if (used.has(JSON.stringify(descriptor.path))) continue;
    descriptor.report("note", "no rate_limits in this file make this descriptor, so it limits nothing");
  }
  const onRoutes = matchOf(scopes.flatMap(({ routes }) => routes));
  const except = bucket === undefined ? [] : exceptions(config, limits);
  const main = bucket && {
    name: names.unique(prefix),
    tokenBucket: tokenBucket(bucket),
    ...(onRoutes === undefined ? {} : { match: onRoutes }),
    ...(except.length > 0 ? { except } : {}),
  };
  return [...(main === undefined ? [] : [main]), ...limits].map((limit) => ({ ...limit, ...mode }));
}

/** What the bucket without descriptor is not for. */
function exceptions(config: Cursor, others: readonly Limit[]): RequestMatch[] {
  if (config.get("always_consume_default_token_bucket")?.bool() !== false) return [];
  if (!others.some((other) => other.except !== undefined || other.missingKey !== undefined)) {
    return others.map(({ match }) => match ?? {});
  }
  config.report(
    "loss",
    "which requests have no descriptor cannot be told here, so all of them use the default bucket, too",
    "name them in `except` by hand",
  );
  return [];
}

/** The limits that a descriptor of requests comes to. */
function descriptorLimits(config: Cursor, made: Descriptor, used: Set<string>, names: Names, prefix: string): Limit[] {
  const found = config.items("descriptors").flatMap((descriptor) => {
    const fit = fitting(descriptor, made);
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
    const except = [...made.except, ...narrower];
    const all = bothMatch([made.match, match]);
    const bucket = descriptor.get("token_bucket");
    if (bucket === undefined) descriptor.report("error", "expected a token_bucket");
    return {
      name: names.unique([prefix, ...tests.words].join("-")),
      tokenBucket: bucket ? tokenBucket(bucket) : { maxTokens: 1, tokensPerFill: 1, fillInterval: "1s" },
      ...(key.length > 0 ? { key, missingKey: "skip" } : {}),
      ...(Object.keys(all).length > 0 ? { match: all } : {}),
      ...(except.length > 0 ? { except } : {}),
      ...made.cost,
    };
  });
}

interface Fit {
  readonly match: RequestMatch;
  readonly key: NonNullable<Limit["key"]>;
  readonly tests: { readonly isOpen: boolean; readonly words: readonly string[] };
}

/** What a request must be like for its entries to be those of a descriptor; undefined if they never are. */
function fitting(descriptor: Cursor, { entries }: Descriptor): Fit | undefined {
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
    } else if ("default" in value.part && value.part.default === text) {
      at.report("loss", "a value that is also the default of its action: requests without it are not limited here");
      matches.push({ values: [{ value: value.value, exact: text }] });
    } else {
      matches.push({ values: [{ value: value.value, exact: text }] });
    }
  }
  return { match: bothMatch(matches), key, tests: { isOpen, words } };
}

function answerOf(config: Cursor): RateLimitConfiguration["response"] {
  const headers = addedHeaders(config);
  return {
    status: errorStatus(config, "status", 429),
    body: "local_rate_limited",
    grpcStatus: grpcStatus(config),
    ...(headers.length > 0 ? { headers } : {}),
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
