import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { GRPCRouteMatch, HTTPRouteMatch, Route } from "../model/index.ts";
import { modelOf } from "./testdata/fixtures.ts";
import { covers, inOrderOfPrecedence } from "./route-order.ts";
import type { Candidate } from "./route-order.ts";

// The reference is the text of the standard read for one request: of all matches that fit, it picks the one that no other
// precedes. It sorts nothing, and knows nothing of Envoy.

const names = ["a", "b", "c"] as const;
const times = [undefined, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"] as const;
const hostnames = ["x.com", "a.x.com", "*.x.com", "*.a.x.com", "*.com"] as const;
const paths = ["/", "/p", "/p/", "/p/q", "/p/q/r"] as const;

const headers = fc.subarray([
  { type: "Exact", name: "h1", value: "1" } as const,
  { type: "Exact", name: "h2", value: "1" } as const,
]);

const httpMatch: fc.Arbitrary<HTTPRouteMatch> = fc.record(
  {
    path: fc.record({ type: fc.constantFrom("Exact", "PathPrefix"), value: fc.constantFrom(...paths) }),
    headers,
    queryParams: fc.subarray([
      { type: "Exact", name: "q1", value: "1" } as const,
      { type: "Exact", name: "q2", value: "1" } as const,
    ]),
    method: fc.constantFrom("GET", "POST"),
  },
  { requiredKeys: ["path", "headers", "queryParams"] },
);

const grpcMatch: fc.Arbitrary<GRPCRouteMatch> = fc.record(
  {
    method: fc
      .record(
        {
          type: fc.constant("Exact" as const),
          service: fc.constantFrom("s.S", "s.Long"),
          method: fc.constantFrom("M", "Other"),
        },
        { requiredKeys: ["type"] },
      )
      .filter(({ service, method }) => service !== undefined || method !== undefined),
    headers,
  },
  { requiredKeys: ["headers"] },
);

function routes(kind: "HTTPRoute" | "GRPCRoute", match: fc.Arbitrary<object>): fc.Arbitrary<Route[]> {
  const one = fc.record({
    time: fc.constantFrom(...times),
    hostnames: fc.uniqueArray(fc.constantFrom(...hostnames), { maxLength: 3 }),
    rules: fc.array(fc.array(match, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
  });
  return fc.array(one, { minLength: 1, maxLength: 3 }).map((specs) => {
    const documents = specs.map(({ time, rules, hostnames: hosts }, index) =>
      JSON.stringify({
        apiVersion: "gateway.networking.k8s.io/v1",
        kind,
        metadata: { name: names[index], ...(time === undefined ? {} : { creationTimestamp: time }) },
        spec: {
          parentRefs: [{ kind: "Service", name: "s" }],
          hostnames: hosts,
          rules: rules.map((matches) => ({ matches })),
        },
      }),
    );
    const service = JSON.stringify({
      apiVersion: "meshwright.dev/v1alpha1",
      kind: "Service",
      metadata: { name: "s" },
      spec: { port: 80 },
    });
    const model = modelOf([service, ...documents].join("\n---\n"));
    return [...model.httpRoutes.values(), ...model.grpcRoutes.values()];
  });
}

interface Request {
  readonly host: string;
  readonly path: string;
  readonly method: string;
  readonly headers: readonly string[];
  readonly query: readonly string[];
}

const request: fc.Arbitrary<Request> = fc.record({
  host: fc.constantFrom("x.com", "a.x.com", "b.a.x.com", "c.x.com", "other.com"),
  path: fc.constantFrom("/", "/p", "/p/", "/p/q", "/px", "/p/q/r/s", "/s.S/M", "/s.Long/M", "/s.S/Other", "/t.T/M"),
  method: fc.constantFrom("GET", "POST"),
  headers: fc.subarray(["h1", "h2"]),
  query: fc.subarray(["q1", "q2"]),
});

function fitsHost(hostname: string, host: string): boolean {
  return hostname.startsWith("*.") ? host.endsWith(hostname.slice(1)) : host === hostname;
}

function fits({ match }: Candidate, { path, method, headers: sent, query }: Request): boolean {
  const { headers: wanted } = match.match;
  if (!wanted.every(({ name }) => sent.includes(name))) return false;
  if (match.kind === "GRPCRoute") {
    const [, service, name] = path.split("/");
    const { method: wantedMethod } = match.match;
    return (wantedMethod?.service ?? service) === service && (wantedMethod?.method ?? name) === name;
  }
  const { path: wantedPath, method: wantedMethod, queryParams } = match.match;
  const elements = (text: string): string[] => text.split("/").filter((part) => part !== "");
  const isPath =
    wantedPath.type === "Exact"
      ? path === wantedPath.value
      : elements(wantedPath.value).every((part, index) => elements(path)[index] === part);
  return isPath && (wantedMethod ?? method) === method && queryParams.every(({ name }) => query.includes(name));
}

/** What the standard compares, the most telling first; more is better. */
function merits({ route, match }: Candidate, host: string): number[] {
  const matching = route.spec.hostnames.filter((hostname) => fitsHost(hostname, host));
  const longest = (found: readonly string[]): number => Math.max(0, ...found.map(({ length }) => length));
  const ofHost = [longest(matching.filter((hostname) => !hostname.startsWith("*"))), longest(matching)];
  const time = route.metadata.creationTimestamp;
  const ofRoute = [time === undefined ? -Infinity : -Date.parse(time), -names.indexOf(route.metadata.name as "a")];
  if (match.kind === "GRPCRoute") {
    const { method, headers: wanted } = match.match;
    return [...ofHost, method?.service?.length ?? 0, method?.method?.length ?? 0, wanted.length, ...ofRoute];
  }
  const { path, method, headers: wanted, queryParams } = match.match;
  const prefix = path.type === "PathPrefix" ? path.value.replace(/\/$/, "").length : 0;
  const isExact = path.type === "Exact" ? 1 : 0;
  return [...ofHost, isExact, prefix, method === undefined ? 0 : 1, wanted.length, queryParams.length, ...ofRoute];
}

function precedes(a: Candidate, b: Candidate, host: string): boolean {
  const [left, right] = [merits(a, host), merits(b, host)];
  const first = left.findIndex((merit, index) => merit !== right[index]);
  if (first >= 0) return (left[first] ?? 0) > (right[first] ?? 0);
  const [ruleA, ruleB] = [
    a.route.spec.rules.findIndex((rule) => rule === a.rule),
    b.route.spec.rules.findIndex((rule) => rule === b.rule),
  ];
  return ruleA < ruleB;
}

/** The rule that the standard gives the request to. */
function reference(candidates: readonly Candidate[], sent: Request): Candidate["rule"] | undefined {
  const able = candidates.filter(
    (candidate) =>
      fits(candidate, sent) &&
      (candidate.route.spec.hostnames.length === 0 ||
        candidate.route.spec.hostnames.some((hostname) => fitsHost(hostname, sent.host))),
  );
  return able.find((one) => able.every((other) => !precedes(other, one, sent.host)))?.rule;
}

for (const [kind, match] of [
  ["HTTPRoute", httpMatch],
  ["GRPCRoute", grpcMatch],
] as const) {
  describe(`the precedence of ${kind}s`, () => {
    it("is that of a plain reading of the standard", () => {
      fc.assert(
        fc.property(routes(kind, match), request, (all, sent) => {
          // The virtual host that Envoy chooses: the name itself, or else the longest wildcard.
          const domains = [...new Set(all.flatMap(({ spec }) => spec.hostnames))].filter((domain) =>
            fitsHost(domain, sent.host),
          );
          const domain = domains.find((name) => name === sent.host) ?? domains.sort((a, b) => b.length - a.length)[0];
          fc.pre(domain !== undefined);
          const applying = all.filter(
            ({ spec }) => spec.hostnames.length === 0 || spec.hostnames.some((hostname) => covers(hostname, domain)),
          );
          const ours = inOrderOfPrecedence(applying, domain).find((candidate) => fits(candidate, sent))?.rule;
          assert.equal(ours, reference(inOrderOfPrecedence(all), sent));
        }),
        { numRuns: 1000 },
      );
    });
  });
}
