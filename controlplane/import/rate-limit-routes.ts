import type { Cursor } from "./cursor.ts";
import type { RequestMatch, RequestValue } from "./rate-limit-configuration.ts";
import { quoted } from "./texts.ts";

/** A filter of a connection manager that reads the `rate_limits` of routes. */
export interface RateLimitFilter {
  readonly config: Cursor;
  /** What configurations of routes name it by; undefined where it stands alone. */
  readonly name: string | undefined;
  /** Whether it is off but where a route turns it on. */
  readonly isOff: boolean;
  readonly manager: Cursor | undefined;
}

/** What tells the two filters apart. */
export interface RateLimitFilterKind {
  /** Types of the configuration that a route may have. */
  readonly perRoute: readonly string[];
  /** Whether a route's configuration is one of the filter, in place of it. */
  readonly replaces: boolean;
  /** Whether it looks at routes without a cluster, such as redirects. */
  readonly limitsAnswers: boolean;
}

export interface Route {
  readonly route: Cursor;
  readonly host: string;
  readonly name: string;
}

/** Requests that have one configuration of a filter and one list of `rate_limits`. */
export interface Scope {
  readonly config: Cursor;
  /** Whose `rate_limits` count. */
  readonly rateLimits: readonly Cursor[];
  /** Whether they are the filter's, and not of a route or a virtual host. */
  readonly isOwn: boolean;
  readonly routes: readonly Route[];
}

export interface Scopes {
  readonly scopes: readonly Scope[];
  /** What requests to these routes, and to no others, are like; undefined for all requests. */
  readonly matchOf: (routes: readonly Route[]) => RequestMatch | undefined;
}

const filterConfig = "type.googleapis.com/envoy.config.route.v3.FilterConfig";

/** The scopes of a filter, by the routes of its connection manager. */
export function scopesOf(filter: RateLimitFilter, kind: RateLimitFilterKind): Scopes {
  const { config, manager } = filter;
  const table = manager?.get("route_config");
  const everything: Scopes = {
    scopes: filter.isOff ? [] : [{ config, rateLimits: config.items("rate_limits"), isOwn: true, routes: [] }],
    matchOf: () => undefined,
  };
  if (table === undefined) {
    if (manager?.get("rds") !== undefined || manager?.get("scoped_routes") !== undefined) {
      const advice = "give a file in which the routes are in route_config";
      manager.report("loss", "what routes say of rate limits is not in this file", advice);
    }
    return everything;
  }
  const routes: Route[] = [];
  const scopes: Scope[] = [];
  for (const host of table.items("virtual_hosts")) {
    for (const route of host.items("routes")) {
      const one = { route, host: host.text("name") ?? "", name: route.text("name") ?? "" };
      routes.push(one);
      reportClusters(route, filter, kind);
      const found = [route, host, table].map((level) => override(level, filter, kind)).find((it) => it !== undefined);
      if (found === "off" || (found === undefined && filter.isOff)) continue;
      if (!kind.limitsAnswers && route.get("route") === undefined) continue;
      const own = found ?? config;
      scopes.push({ config: own, ...limitsOf(own, kind.replaces ? own : config, host, route), routes: [one] });
    }
  }
  return routes.length === 0 ? everything : { scopes, matchOf: (some) => routesMatch(some, routes) };
}

/** A level's configuration for the filter. */
function override(level: Cursor, filter: RateLimitFilter, kind: RateLimitFilterKind): Cursor | "off" | undefined {
  for (const [key, outer] of level.entries("typed_per_filter_config")) {
    if (filter.name !== undefined && key !== filter.name) continue;
    const isWrapped = outer.text("@type") === filterConfig;
    if (isWrapped && outer.only("@type", "config", "is_optional", "disabled").flag("disabled")) return "off";
    const config = isWrapped ? outer.get("config") : outer;
    // A route can turn a filter on and leave its configuration as it is.
    if (config === undefined || (isWrapped && config.keys().length === 0)) return filter.config;
    if (kind.perRoute.includes(config.text("@type") ?? "")) return config;
    if (key === filter.name)
      config.report("loss", "this form of a route's configuration is not read", "state it by hand");
  }
  return undefined;
}

function reportClusters(route: Cursor, filter: RateLimitFilter, kind: RateLimitFilterKind): void {
  for (const cluster of route.get("route")?.get("weighted_clusters")?.items("clusters") ?? []) {
    for (const [key, config] of cluster.entries("typed_per_filter_config")) {
      const isIts = key === filter.name || kind.perRoute.includes(config.text("@type") ?? "");
      if (!isIts) continue;
      const advice = "match the limit on clusterName by hand, or give each cluster a route";
      config.report("loss", "what a weighted cluster says is not read; it has the limits of its route", advice);
    }
  }
}

/** A list of the filter or of its configuration for a route replaces all others; options say what becomes of the virtual host's. */
function limitsOf(config: Cursor, preset: Cursor, host: Cursor, route: Cursor): Pick<Scope, "rateLimits" | "isOwn"> {
  const own = [config, preset].map((level) => level.items("rate_limits")).find((list) => list.length > 0);
  return own === undefined
    ? { rateLimits: limitsOfRoute(config, host, route), isOwn: false }
    : { rateLimits: own, isOwn: true };
}

function limitsOfRoute(config: Cursor, host: Cursor, route: Cursor): readonly Cursor[] {
  const ofRoute = route.get("route")?.items("rate_limits") ?? [];
  const ofHost = host.items("rate_limits");
  const option = virtualHostOption(config);
  if (option === "include" || (route.get("route")?.flag("include_vh_rate_limits") ?? false)) {
    return [...ofRoute, ...ofHost];
  }
  return option === "ignore" || ofRoute.length > 0 ? ofRoute : ofHost;
}

function virtualHostOption(config: Cursor): "include" | "ignore" | "override" {
  const policy = config.get("override_option")?.value;
  if (policy === "INCLUDE_POLICY" || policy === 2) return "include";
  if (policy === "IGNORE_POLICY" || policy === 3) return "ignore";
  if (policy === "OVERRIDE_POLICY" || policy === 1) return "override";
  const option = config.get("vh_rate_limits")?.value;
  if (option === "INCLUDE" || option === 1) return "include";
  return option === "IGNORE" || option === 2 ? "ignore" : "override";
}

/** Whole virtual hosts are known by their names; other routes by theirs, and by the virtual host if that is needed. */
function routesMatch(some: readonly Route[], all: readonly Route[]): RequestMatch | undefined {
  const chosen = new Set(some.map(({ route }) => JSON.stringify(route.path)));
  const isChosen = ({ route }: Route): boolean => chosen.has(JSON.stringify(route.path));
  const others = all.filter((route) => !isChosen(route));
  if (others.length === 0) return undefined;
  const routes = all.filter(isChosen);
  const hosts = [...new Set(routes.map(({ host }) => host))];
  const onHost = oneOf({ property: ["xds", "virtual_host_name"] }, hosts);
  if (!others.some(({ host }) => hosts.includes(host))) return { values: [onHost] };
  const names = [...new Set(routes.map(({ name }) => name))];
  const onName = oneOf({ routeName: {} }, names);
  if (!names.includes("")) {
    if (!others.some(({ name }) => names.includes(name))) return { values: [onName] };
    const isTold = !others.some(({ host, name }) => hosts.includes(host) && names.includes(name));
    if (isTold && hosts.length === 1) return { values: [onHost, onName] };
  }
  const unknown = routes.find(({ name }) => name === "" || others.some((other) => other.name === name));
  const message = "limits differ between routes, and this one has no name of its own; it gets those of others, too";
  unknown?.route.report("loss", message, "give each route a name");
  return undefined;
}

function oneOf(value: RequestValue, texts: readonly string[]): NonNullable<RequestMatch["values"]>[number] {
  const [only = "", second] = texts;
  return second === undefined ? { value, exact: only } : { value, regex: texts.map(quoted).join("|") };
}
