import type { Document } from "../model/document.ts";
import { formatPath } from "../model/index.ts";
import type { Configuration, JwtProvider, Rule } from "./configuration.ts";
import { Cursor } from "./cursor.ts";
import { importJwt } from "./envoy-jwt.ts";
import { importLocalRateLimit, localRateLimitType } from "./envoy-local-ratelimit.ts";
import { importRateLimit, rateLimitType } from "./envoy-ratelimit.ts";
import { actionOf, rbacRules } from "./envoy-rbac.ts";
import type { Findings } from "./finding.ts";
import type { RateLimitFilter } from "./rate-limit-routes.ts";
import type { ServiceDomain, ServiceRule } from "./service-rules.ts";
import type { Imported, ImportOptions } from "./index.ts";
import { Names } from "./rules.ts";

const prefix = "type.googleapis.com/envoy.extensions.filters.";
const types = { jwt: `${prefix}http.jwt_authn.v3.JwtAuthentication`, rbac: `${prefix}http.rbac.v3.RBAC` } as const;

/** Parts of Envoy's configuration that also decide, and that no configuration of one filter can take over. */
const elsewhere: readonly (readonly [type: string, advice: string])[] = [
  [`${prefix}network.rbac.v3.RBAC`, "keep this network filter"],
  [`${prefix}http.rbac.v3.RBACPerRoute`, "give the route the filter with a configuration of its own"],
  [`${prefix}http.jwt_authn.v3.PerRouteConfig`, "give the route the filter with a configuration of its own"],
];

interface Found {
  readonly kind: keyof typeof types;
  readonly filter: Cursor;
}

/** Translates the rbac, jwt_authn, local_ratelimit and ratelimit filters of a bootstrap, a listener, a list of HTTP filters or of one alone. */
export function importEnvoy(
  document: Document,
  findings: Findings,
  options: ImportOptions,
  service: { readonly domains: readonly ServiceDomain[]; readonly used: Set<ServiceRule> },
): Imported[] {
  const root = Cursor.ofMessage(document, findings);
  const bare = bareFilter(root);
  const chains = bare === undefined ? chainsOf(root) : new Map([["", [bare]]]);
  const limiters = limitersOf(root);
  if (chains.size + limiters.length === 0) {
    root.report("note", "neither rbac, jwt_authn, local_ratelimit nor ratelimit is in this document");
  }
  const imported = [...chains].map(([place, filters], i): Imported => ({
    name: chains.size === 1 ? "authz" : `authz-${i + 1}`,
    filter: "authz",
    target: { filters: place },
    configuration: configurationOf(filters, findings, options),
  }));
  const limits = limiters.flatMap((filter, i): Imported[] => {
    const counting = { used: service.used, quotas: [] };
    const isLocal = filter.config.text("@type") === localRateLimitType;
    const configuration = isLocal
      ? importLocalRateLimit(filter)
      : importRateLimit(filter, options.scope ?? "service", service.domains, counting);
    const name = limiters.length === 1 ? "ratelimit" : `ratelimit-${i + 1}`;
    const target = { filters: formatPath(filter.config.path) };
    return configuration === undefined
      ? []
      : [{ name, filter: "ratelimit", target, configuration, quotas: counting.quotas }];
  });
  return [...imported, ...limits];
}

/** The local_ratelimit and ratelimit filters, each with the connection manager around it; those of routes belong to these. */
function limitersOf(root: Cursor): RateLimitFilter[] {
  const found: RateLimitFilter[] = [];
  const walk = (part: Cursor, around: readonly Cursor[]): void => {
    const type = part.get("@type")?.value;
    if (type === localRateLimitType || type === rateLimitType) {
      // A connection manager, its list of filters, an item of it, the configuration.
      const [manager, list, item] = around.slice(-3);
      const name = item?.get("name")?.value;
      found.push({
        config: part,
        name: typeof name === "string" ? name : undefined,
        isOff: Array.isArray(list?.value) && item?.get("disabled")?.value === true,
        manager: Array.isArray(list?.value) ? manager : undefined,
      });
      return;
    }
    const inner = [...around, part];
    if (Array.isArray(part.value)) part.value.forEach((_, i) => walk(part.at(i), inner));
    else for (const key of part.keys()) if (!/^route_?config$/i.test(key)) walk(part.at(key), inner);
  };
  walk(root, []);
  return found;
}

/** A filter's configuration without its type. */
function bareFilter(root: Cursor): Found | undefined {
  if (root.get("@type") !== undefined || !root.isMap) return undefined;
  if (root.get("providers") !== undefined) return { kind: "jwt", filter: root };
  const isRbac = ["rules", "shadow_rules"].some((name) => root.get(name)?.get("policies") !== undefined);
  return isRbac ? { kind: "rbac", filter: root } : undefined;
}

/** The filters, by the list of HTTP filters that they are in. */
function chainsOf(root: Cursor): Map<string, Found[]> {
  const chains = new Map<string, Found[]>();
  const walk = (part: Cursor): void => {
    const type = part.get("@type")?.value;
    const kind = (["jwt", "rbac"] as const).find((name) => types[name] === type);
    if (kind !== undefined) {
      const list = part.path.findLastIndex((segment) => typeof segment === "number");
      const place = formatPath(part.path.slice(0, Math.max(list, 0)));
      chains.set(place, [...(chains.get(place) ?? []), { kind, filter: part }]);
      return;
    }
    for (const [other, advice] of elsewhere) {
      if (type === other) part.report("loss", `${other.slice(prefix.length)} is not carried over`, advice);
    }
    if (Array.isArray(part.value)) part.value.forEach((_, i) => walk(part.at(i)));
    else for (const key of part.keys()) walk(part.at(key));
  };
  walk(root);
  return chains;
}

function configurationOf(filters: readonly Found[], findings: Findings, options: ImportOptions): Configuration {
  const [names, providerNames] = [new Names(), new Names()];
  const providers: JwtProvider[] = [];
  const payloads = new Map<string, string>();
  const rules: Rule[] = [];
  let isSecond = false;
  for (const { kind, filter } of filters) {
    if (kind === "jwt") {
      const jwt = importJwt(filter, names, providerNames, findings);
      providers.push(...jwt.providers);
      for (const [name, provider] of jwt.payloads) payloads.set(name, provider);
      rules.push(...jwt.rules);
    } else {
      rules.push(...rbacRules(filter, names, findings, { payloads, trustedHops: options.trustedHops, isSecond }));
      const enforced = filter.get("rules");
      if (enforced !== undefined && actionOf(enforced) === "allow") isSecond = true;
    }
  }
  // Where no filter allows by rules, whatever is not refused passes.
  if (!rules.some(({ action, shadow }) => action === "allow" && shadow !== true)) {
    rules.push({ name: names.unique("everybody-else"), action: "allow", principals: [{ any: true }] });
  }
  return {
    ...(providers.length > 0 ? { jwtProviders: providers } : {}),
    evaluation: "precedence",
    rules,
  };
}
