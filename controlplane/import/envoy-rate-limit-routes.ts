import type { Cursor } from "./cursor.ts";
import type { RequestMatch } from "./rate-limit-configuration.ts";
import { quoted } from "./texts.ts";

/** Requests that have one configuration of a filter and one list of `rate_limits`. */
export interface Scope {
  readonly config: Cursor;
  /** Whose `rate_limits` count. */
  readonly rateLimits: readonly Cursor[];
  /** The routes; undefined for all requests. */
  readonly match: RequestMatch | undefined;
}

interface Routed {
  readonly config: Cursor;
  readonly rateLimits: readonly Cursor[];
  readonly route: Cursor;
}

const noRoute: RequestMatch = {};

/** The scopes of a local_ratelimit filter in a connection manager, by its routes. */
export function scopesOf(filter: Cursor, name: string | undefined, manager: Cursor | undefined, type: string): Scope[] {
  const table = manager?.get("route_config");
  const own = filter.items("rate_limits");
  if (table === undefined) {
    if (manager?.get("rds") !== undefined || manager?.get("scoped_routes") !== undefined) {
      const advice = "give a file in which the routes are in route_config";
      manager.report("loss", "what routes say of rate limits is not in this file", advice);
    }
    return [{ config: filter, rateLimits: own, match: undefined }];
  }
  const routed = table.items("virtual_hosts").flatMap((host) =>
    host.items("routes").map((route): Routed => {
      const config = [route, host, table].map((level) => override(level, name, type)).find((found) => found) ?? filter;
      return { config, rateLimits: limitsOf(config, host, route), route };
    }),
  );
  if (routed.length === 0) return [{ config: filter, rateLimits: own, match: undefined }];
  return grouped(routed, table);
}

function override(level: Cursor, name: string | undefined, type: string): Cursor | undefined {
  for (const [key, config] of level.entries("typed_per_filter_config")) {
    if (config.text("@type") === type) return config;
    if (key === name) config.report("loss", "this form of a route's configuration is not read", "state it by hand");
  }
  return undefined;
}

/** The filter's own list replaces all others; the option says what becomes of the virtual host's beside a route's. */
function limitsOf(config: Cursor, host: Cursor, route: Cursor): readonly Cursor[] {
  const own = config.items("rate_limits");
  if (own.length > 0) return own;
  const ofRoute = route.get("route")?.items("rate_limits") ?? [];
  const ofHost = host.items("rate_limits");
  const option = config.get("vh_rate_limits")?.value;
  if (option === "IGNORE" || option === 2) return ofRoute;
  const isIncluded = option === "INCLUDE" || option === 1;
  const includes = isIncluded || (route.get("route")?.flag("include_vh_rate_limits") ?? false);
  if (includes) return [...ofRoute, ...ofHost];
  return ofRoute.length > 0 ? ofRoute : ofHost;
}

function grouped(routed: readonly Routed[], table: Cursor): Scope[] {
  const groups = new Map<string, Routed[]>();
  for (const one of routed) {
    const id = JSON.stringify([one.config.path, one.rateLimits.map(({ path }) => path)]);
    groups.set(id, [...(groups.get(id) ?? []), one]);
  }
  const all = table.items("virtual_hosts").flatMap((host) => host.items("routes").map((route) => route.text("name")));
  return [...groups.values()].flatMap((group): Scope[] => {
    const [first] = group;
    if (first === undefined) return [];
    const { config, rateLimits } = first;
    if (groups.size === 1) return [{ config, rateLimits, match: undefined }];
    return [{ config, rateLimits, match: routesMatch(group, all) ?? noRoute }];
  });
}

/** A condition on the name of the route. */
function routesMatch(group: readonly Routed[], all: readonly (string | undefined)[]): RequestMatch | undefined {
  const names: string[] = [];
  for (const { route } of group) {
    const name = route.text("name") ?? "";
    if (name === "" || all.filter((other) => other === name).length > 1) {
      const message = "limits differ between routes, and this one has no name of its own; it gets those of others, too";
      route.report("loss", message, "give each route a name");
      return undefined;
    }
    names.push(name);
  }
  const [only, second] = names;
  const value = { routeName: {} };
  if (only !== undefined && second === undefined) return { values: [{ value, exact: only }] };
  return { values: [{ value, regex: names.map(quoted).join("|") }] };
}
