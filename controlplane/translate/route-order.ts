import type { HTTPRoute, HTTPRouteMatch, HTTPRouteRule } from "../model/index.ts";

/** One way in which a request can come to a rule. */
export interface Candidate {
  readonly route: HTTPRoute;
  readonly rule: HTTPRouteRule;
  readonly match: HTTPRouteMatch;
  /** `<HTTPRoute>/<index of the rule>/<index of the match>`: unique, and seen in access logs. */
  readonly name: string;
}

/**
 * All matches of the routes in the order in which Envoy must try them, which takes the first that fits: the order that the
 * Gateway API gives (HTTPRouteRule, "matches"). Exact paths first, then the longest prefix, a method, the most headers, the
 * most query parameters; then the routes by name, as there are no creation times in files, and rules as they are written.
 * The standard leaves the place of regular expressions open: here it is between exact paths and prefixes, longest first, so
 * that a catch-all prefix does not hide them.
 */
export function inOrderOfPrecedence(routes: readonly HTTPRoute[]): Candidate[] {
  const byName = [...routes].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const candidates = byName.flatMap((route) =>
    route.spec.rules.flatMap((rule, r) =>
      rule.matches.map((match, m) => ({ route, rule, match, name: `${route.metadata.name}/${r}/${m}` })),
    ),
  );
  // The sort is stable, so what compares as equal keeps the order above.
  return candidates.sort((a, b) => compare(a.match, b.match));
}

const pathRank = { Exact: 0, RegularExpression: 1, PathPrefix: 2 } as const;

function compare(a: HTTPRouteMatch, b: HTTPRouteMatch): number {
  return (
    pathRank[a.path.type] - pathRank[b.path.type] ||
    b.path.value.length - a.path.value.length ||
    Number(a.method === undefined) - Number(b.method === undefined) ||
    b.headers.length - a.headers.length ||
    b.queryParams.length - a.queryParams.length
  );
}
