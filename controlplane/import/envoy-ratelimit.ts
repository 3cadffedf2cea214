import type { Cursor } from "./cursor.ts";
import { addedHeaders, errorStatus, grpcStatus, quotaHeaders, share } from "./rate-limit-answer.ts";
import type { Limit, RateLimitConfiguration, RequestMatch } from "./rate-limit-configuration.ts";
import { descriptorsOf, type Descriptor } from "./rate-limit-descriptors.ts";
import { MAX_LIMITS } from "./envoy-local-ratelimit.ts";
import { scopesOf, type RateLimitFilter, type Scope, type Scopes } from "./rate-limit-routes.ts";
import { Names } from "./rules.ts";
import { ownLimits, type Counting } from "./service-limits.ts";
import type { ServiceDomain } from "./service-rules.ts";

const prefix = "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.";
export const rateLimitType = `${prefix}RateLimit`;

/** Who decides on what Envoy's filter asks a service for: that service, the fleet's leases, or each Envoy for itself. */
export type RateLimitScope = "service" | "fleet" | "envoy";

/** The configuration of the filter ratelimit for one ratelimit filter of Envoy; undefined where it limits nothing. */
export function importRateLimit(
  filter: RateLimitFilter,
  scope: RateLimitScope,
  domains: readonly ServiceDomain[],
  counting: Counting,
): RateLimitConfiguration | undefined {
  const { config } = filter;
  check(config, scope);
  if (share(config, "filter_enabled", "all") === "none") {
    config.report("note", "filter_enabled is 0 %, so Envoy limits nothing here, and nothing is imported");
    return undefined;
  }
  const isShadow = share(config, "filter_enforced", "all") === "none";
  const all = scopesOf(filter, { perRoute: [`${prefix}RateLimitPerRoute`], replaces: false, limitsAnswers: false });
  const denies = isDenying(config);
  if (denies && scope === "fleet") {
    const message =
      "while counts of the fleet cannot be reached, each sidecar has a tenth of a quota, with which counts also begin that may have been lost";
    config.report("note", message, "keep counts in Redis; `onLoss` of the quotas says it otherwise");
  }
  const names = new Names();
  const limits: Limit[] = [];
  for (const [domain, scopes] of byDomain(config, all.scopes)) {
    const made = descriptors(config, all, scopes);
    if (scope !== "service")
      limits.push(...ownLimits({ config, domain, scope, denies, domains, descriptors: made, names, counting }));
    else if (domain === config.text("domain")) limits.push(...made.map((one) => serviceLimit(one, names)));
    else reportDomain(scopes);
  }
  if (limits.length > MAX_LIMITS) {
    config.report("loss", `${limits.length} limits; the filter has ${MAX_LIMITS} at most`, "divide them by hand");
  }
  if (limits.length === 0) {
    config.report("note", "no rate_limits in this file make a limit for this filter, so nothing is imported");
    return undefined;
  }
  if (isShadow && scope === "service") {
    config
      .get("filter_enforced")
      ?.report("loss", "the filter refuses what the service refuses", "use shadow_mode there");
  }
  const mode = isShadow && scope !== "service" ? ({ mode: "shadow" } as const) : {};
  return {
    ...(scope === "service" ? { service: serviceOf(config) } : {}),
    limits: limits.slice(0, MAX_LIMITS).map((limit) => ({ ...limit, ...mode })),
    headers: quotaHeaders(config),
    response: responseOf(config, scope),
  };
}

/** A route can ask for a domain of its own. */
function byDomain(config: Cursor, scopes: readonly Scope[]): Map<string, Scope[]> {
  const result = new Map<string, Scope[]>();
  for (const scope of scopes) {
    const isOwn = scope.config !== config;
    if (isOwn) scope.config.only("@type", "vh_rate_limits", "override_option", "rate_limits", "domain");
    const own = isOwn ? (scope.config.text("domain") ?? "") : "";
    const domain = own === "" ? (config.text("domain") ?? "") : own;
    result.set(domain, [...(result.get(domain) ?? []), scope]);
  }
  return result;
}

function reportDomain(scopes: readonly Scope[]): void {
  for (const { config } of scopes) {
    const message = "the filter asks for one domain; limits of this one are left out";
    config.get("domain")?.report("loss", message, "give these routes a filter of their own");
  }
}

function descriptors(config: Cursor, { matchOf }: Scopes, scopes: readonly Scope[]): Descriptor[] {
  const kind = config.text("request_type") ?? "";
  if (!["", "both", "internal", "external"].includes(kind)) {
    config.get("request_type")?.report("error", "expected internal, external or both");
  }
  const internal: RequestMatch = { headers: [{ name: "x-envoy-internal", exact: "true" }] };
  return descriptorsOf(config.get("stage")?.integer() ?? 0, scopes, matchOf).map((one) => {
    if (kind === "external") return { ...one, except: [...one.except, internal] };
    if (kind !== "internal") return one;
    return { ...one, match: { ...one.match, headers: [...(one.match.headers ?? []), ...(internal.headers ?? [])] } };
  });
}

function serviceLimit({ entries, match, except, cost }: Descriptor, names: Names): Limit {
  return {
    name: names.unique(entries.map(({ key, value }) => ("constant" in value ? value.constant : key)).join("-")),
    scope: "service",
    key: entries.map(({ value }) => ("constant" in value ? { constant: value.constant } : value.part)),
    names: entries.map(({ key }) => key),
    missingKey: "skip",
    ...(Object.keys(match).length > 0 ? { match } : {}),
    ...(except.length > 0 ? { except } : {}),
    ...cost,
  };
}

function serviceOf(config: Cursor): NonNullable<RateLimitConfiguration["service"]> {
  const service = config.get("rate_limit_service")?.only("grpc_service", "transport_api_version");
  const grpc = service?.get("grpc_service");
  const cluster = grpc?.get("envoy_grpc")?.text("cluster_name") ?? "";
  if (cluster === "") {
    (grpc ?? config).report("error", "expected the service as rate_limit_service.grpc_service.envoy_grpc.cluster_name");
  }
  const timeout = timeoutOf(config.get("timeout"));
  const status = errorStatus(config, "status_on_error", 500);
  return {
    cluster,
    domain: config.text("domain") ?? "",
    ...(timeout === undefined ? {} : { timeoutMilliseconds: timeout }),
    onFailure: isDenying(config) ? "deny" : "allow",
    ...(status === 500 ? {} : { errorStatus: status }),
  };
}

/** Whether a request is refused for which the service gives no answer. */
function isDenying(config: Cursor): boolean {
  return config.get("failure_mode_deny_percent")
    ? share(config, "failure_mode_deny_percent", "none") === "all"
    : config.flag("failure_mode_deny");
}

function timeoutOf(field: Cursor | undefined): number | undefined {
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(field?.string() ?? "0.02s")?.[1];
  const milliseconds = Math.round(Number(seconds) * 1000);
  if (Number.isNaN(milliseconds)) field?.report("error", "expected a time in seconds, such as 0.02s");
  if (milliseconds < 1 || milliseconds > 60_000) field?.report("loss", "a timeout is from 1 ms to 60 s");
  const allowed = Math.min(Math.max(milliseconds || 1, 1), 60_000);
  return allowed === 20 ? undefined : allowed;
}

function responseOf(config: Cursor, scope: RateLimitScope): RateLimitConfiguration["response"] {
  const isHidden = config.flag("disable_x_envoy_ratelimited_header");
  if (isHidden && scope === "service") {
    config
      .get("disable_x_envoy_ratelimited_header")
      ?.report("note", "the filter sets x-envoy-ratelimited all the same");
  }
  const own = scope === "service" || isHidden ? [] : [{ name: "x-envoy-ratelimited", value: "true" }];
  const headers = [...own, ...addedHeaders(config)];
  return {
    status: errorStatus(config, "rate_limited_status", 429),
    body: "",
    grpcStatus: grpcStatus(config),
    ...(headers.length > 0 ? { headers } : {}),
  };
}

/** Reports what is not known. */
function check(config: Cursor, scope: RateLimitScope): void {
  const asked = ["domain", "stage", "request_type", "rate_limits", "stat_prefix", "filter_enabled", "filter_enforced"];
  const failing = [
    "timeout",
    "failure_mode_deny",
    "failure_mode_deny_percent",
    "rate_limit_service",
    "status_on_error",
  ];
  const answer = ["rate_limited_as_resource_exhausted", "enable_x_ratelimit_headers", "rate_limited_status"];
  answer.push("disable_x_envoy_ratelimited_header", "response_headers_to_add");
  config.only("@type", ...asked, ...failing, ...answer);
  if ((config.text("domain") ?? "") === "") config.report("error", "expected a domain");
  if (scope === "envoy") {
    const message = "each Envoy counts for itself now: N of them let N times as much pass as the service did";
    config.report("note", message, "--scope fleet counts over all of them");
  }
}
