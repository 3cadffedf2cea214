import type { GRPCRouteMatch, HTTPRouteMatch, Route, RouteRule } from "../model/index.ts";

/** One way in which a request can come to a rule. */
export interface Candidate {
  readonly route: Route;
  readonly rule: RouteRule;
  readonly match: RouteMatch;
  /** `<route>/<index of the rule>/<index of the match>`: unique, and seen in access logs. */
  readonly name: string;
}

export type RouteMatch =
  | { readonly kind: "HTTPRoute"; readonly match: HTTPRouteMatch }
  | { readonly kind: "GRPCRoute"; readonly match: GRPCRouteMatch };

/**
 * All matches of the routes in the order in which Envoy must try them, which takes the first that fits: the order that the
 * Gateway API gives. First the routes with the most of the host in their hostnames, then the more specific matches, then
 * the older routes, those whose names are first in the alphabet, and rules as they are written.
 *
 * @param host the hostname of the virtual host; `undefined` for the name of a Service, to which all its routes apply alike.
 */
export function inOrderOfPrecedence(routes: readonly Route[], host?: string): Candidate[] {
  const candidates = [...routes].sort(compareRoutes).flatMap((route) => candidatesOf(route));
  const rank = new Map(routes.map((route) => [route, host === undefined ? 0 : hostRank(route, host)]));
  // The sort is stable, so what compares as equal keeps the order above.
  return candidates.sort(
    (a, b) => (rank.get(b.route) ?? 0) - (rank.get(a.route) ?? 0) || compareMatches(a.match, b.match),
  );
}

function candidatesOf(route: Route): Candidate[] {
  const { name } = route.metadata;
  if (route.kind === "GRPCRoute") {
    return route.spec.rules.flatMap((rule, r) =>
      rule.matches.map((match, m) => ({ route, rule, match: { kind: route.kind, match }, name: `${name}/${r}/${m}` })),
    );
  }
  return route.spec.rules.flatMap((rule, r) =>
    rule.matches.map((match, m) => ({ route, rule, match: { kind: route.kind, match }, name: `${name}/${r}/${m}` })),
  );
}

/** The oldest first, then by name. Routes of no known time are younger than all others. */
function compareRoutes(a: Route, b: Route): number {
  const age = ({ metadata }: Route): number => Date.parse(metadata.creationTimestamp ?? "") || Infinity;
  const [ageA, ageB] = [age(a), age(b)];
  if (ageA !== ageB) return ageA < ageB ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

const longestHostname = 253;

/**
 * How much of a host the best of a route's hostnames gives: its characters, where one without wildcard is above all that
 * have one. A route without hostnames gives nothing.
 */
function hostRank({ spec }: Route, host: string): number {
  const ranks = spec.hostnames.map((hostname) => {
    if (!covers(hostname, host)) return 0;
    return hostname.startsWith("*.") ? hostname.length : longestHostname + hostname.length;
  });
  return Math.max(0, ...ranks);
}

/** Whether every request to `host`, which may have a wildcard itself, is one to `hostname`. */
export function covers(hostname: string, host: string): boolean {
  return hostname === host || (hostname.startsWith("*.") && host.endsWith(hostname.slice(1)));
}

function compareMatches(a: RouteMatch, b: RouteMatch): number {
  if (a.kind === "GRPCRoute" && b.kind === "GRPCRoute") return compareGrpc(a.match, b.match);
  if (a.kind === "HTTPRoute" && b.kind === "HTTPRoute") return compareHttp(a.match, b.match);
  return 0;
}

const pathRank = { Exact: 0, RegularExpression: 1, PathPrefix: 2 } as const;

/**
 * HTTPRouteRule, "matches": exact paths, the longest prefix, a method, the most headers, the most query parameters. The
 * standard leaves the place of regular expressions open: here it is between exact paths and prefixes, longest first, so
 * that a catch-all prefix does not hide them.
 */
function compareHttp(a: HTTPRouteMatch, b: HTTPRouteMatch): number {
  return (
    pathRank[a.path.type] - pathRank[b.path.type] ||
    pathLength(b.path) - pathLength(a.path) ||
    Number(a.method === undefined) - Number(b.method === undefined) ||
    b.headers.length - a.headers.length ||
    b.queryParams.length - a.queryParams.length
  );
}

/** A slash at the end of a prefix says nothing, so it does not make it longer. */
function pathLength({ type, value }: HTTPRouteMatch["path"]): number {
  return type === "PathPrefix" ? value.replace(/\/$/, "").length : value.length;
}

/**
 * GRPCRouteRule, "matches": the most characters of the service, then of the method, then the most headers. Regular
 * expressions, whose place is open here too, are behind all that are exact.
 */
function compareGrpc(a: GRPCRouteMatch, b: GRPCRouteMatch): number {
  return (
    methodRank(b, "service") - methodRank(a, "service") ||
    methodRank(b, "method") - methodRank(a, "method") ||
    b.headers.length - a.headers.length
  );
}

const longestName = 1024;

function methodRank({ method }: GRPCRouteMatch, part: "service" | "method"): number {
  const value = method?.[part];
  if (value === undefined) return 0;
  return method?.type === "Exact" ? longestName + value.length : value.length;
}
