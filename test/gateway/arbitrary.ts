import fc from "fast-check";

// Resources that the model takes, with every field of routes and of the policies of Services somewhere among them.

type Json = Record<string, unknown>;

/** A record in which any of the keys may be missing. */
function optional(fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Json> {
  return fc.record(fields, { requiredKeys: [] });
}

const percent = fc.integer({ min: 0, max: 100 });
const count = fc.integer({ min: 1, max: 100_000 });
const duration = fc.constantFrom("1ms", "250ms", "1s", "1m30s", "1h");
const seconds = fc.constantFrom("1s", "30s", "2m");
const header = fc.constantFrom("x-a", "x-b", "X-Mixed", "cookie");
const value = fc.constantFrom("v", "100%", "%REQ(x)%", "ü", 'quote"', "a b");
const path = fc.constantFrom("/", "/a", "/a/", "/a.b/c+d", "/a%20b", "/(x)");
const regex = fc.constantFrom("[a-z]+", "a|b", "\\d{1,3}", ".*", "(?i)x");
const place = fc.constantFrom("", "one", "two");
const locality = fc.record({ region: fc.constantFrom("eu", "us"), zone: place, subZone: place });

const loadBalancing: fc.Arbitrary<Json> = fc
  .tuple(
    fc.constantFrom(
      { policy: "RoundRobin" },
      { policy: "RoundRobin", slowStart: { window: "10s" } },
      { policy: "LeastRequest", choiceCount: 5, slowStart: { window: "1m" } },
      { policy: "Random" },
      { policy: "RingHash", minimumRingSize: 16, maximumRingSize: 4096 },
      { policy: "Maglev", tableSize: 251 },
    ),
    fc.array(
      fc.oneof(
        fc.record({ type: fc.constantFrom("Header", "QueryParameter"), name: header, terminal: fc.boolean() }),
        fc.record({
          type: fc.constant("Cookie"),
          name: fc.constant("c"),
          ttl: fc.constantFrom("0s", "1h"),
          path: fc.constant("/p"),
        }),
        fc.constant({ type: "SourceIP" }),
      ),
      { minLength: 1, maxLength: 3 },
    ),
    optional({
      healthyPanicThreshold: fc.constantFrom(0, 12.5, 100),
      localityWeights: fc.constant([
        { region: "eu", zone: "one", weight: 3 },
        { region: "us", weight: 1 },
      ]),
    }),
  )
  .map(([policy, hashPolicies, more]) => ({
    ...policy,
    ...(/Hash|Maglev/.test(policy.policy) ? { hashPolicies } : {}),
    ...more,
  }));

const interval = { interval: duration, noTrafficInterval: duration, timeout: fc.constantFrom("1ms", "250ms") };
const thresholds = { unhealthyThreshold: fc.constantFrom(1, 3), healthyThreshold: fc.constantFrom(1, 2) };
const checks: fc.Arbitrary<Json> = fc
  .tuple(
    fc.oneof(
      fc.record({
        type: fc.constant("HTTP"),
        path,
        method: fc.constantFrom("GET", "HEAD", "POST", "PUT", "OPTIONS"),
        expectedStatuses: fc.constantFrom([200], [200, 204, 301]),
      }),
      fc.record({ type: fc.constant("GRPC"), serviceName: fc.constantFrom("", "a.B"), host: fc.constant("h") }),
      fc.constant({ type: "TCP" }),
    ),
    optional({ ...interval, ...thresholds }),
  )
  .map(([type, more]) => ({ ...type, ...more }));

const outlierDetection = fc.record({
  consecutiveGatewayFailure: count,
  ...{ interval: duration, baseEjectionTime: seconds, maxEjectionTime: fc.constant("5m"), maxEjectionPercent: percent },
  consecutive5xx: fc.option(count, { nil: 5 }),
  consecutiveLocalOriginFailure: count,
  successRate: optional({ stdevFactor: count, minimumHosts: count, requestVolume: count }),
  failurePercentage: fc.record({ threshold: percent, minimumHosts: count, requestVolume: count }),
});

const endpoint = fc
  .record({
    address: fc.constantFrom("10.0.0.1", "fd00::1", "host.invalid"),
    port: fc.integer({ min: 1, max: 65535 }),
    weight: fc.integer({ min: 1, max: 1_000_000 }),
    priority: fc.integer({ min: 0, max: 31 }),
    locality: fc.option(locality, { nil: undefined }),
  })
  .map((fields) => fields as Json);

const serviceSpec: fc.Arbitrary<Json> = fc
  .tuple(
    fc.boolean(),
    fc.uniqueArray(endpoint, { maxLength: 4, selector: ({ address, port }) => `${String(address)} ${String(port)}` }),
    fc.option(checks, { nil: undefined }),
    optional({
      connectTimeout: duration,
      trafficDistribution: fc.constant("PreferSameZone"),
      loadBalancing,
      circuitBreakers: fc.oneof(
        optional({ maxConnections: count, maxPendingRequests: fc.constant(0), maxRequests: count, maxRetries: count }),
        fc.record({ retryBudget: optional({ budgetPercent: percent, minRetryConcurrency: count }) }),
      ),
      outlierDetection,
      connectionPool: optional({
        idleTimeout: fc.constantFrom("0s", "1h"),
        maxConnectionDuration: duration,
        maxRequestsPerConnection: count,
      }),
      tcpKeepalive: optional({ idleTime: seconds, interval: seconds, probes: fc.constantFrom(1, 127) }),
    }),
    optional({
      maxConcurrentStreams: fc.constantFrom(1, 2147483647),
      initialStreamWindowSize: fc.constantFrom(65535, 2147483647),
      initialConnectionWindowSize: fc.constantFrom(65535, 2147483647),
      connectionKeepalive: fc.record({ interval: seconds, timeout: seconds }),
    }),
    fc.record({
      refreshRate: seconds,
      respectTTL: fc.boolean(),
      lookupFamily: fc.constantFrom("V4Only", "V6Only", "V4Preferred", "V6Preferred", "All"),
    }),
  )
  .map(([isHttp2, endpoints, healthCheck, more, http2, dns]) => ({
    port: 80,
    endpoints,
    ...(healthCheck === undefined || (healthCheck["type"] === "GRPC" && !isHttp2) ? {} : { healthCheck }),
    ...more,
    ...(isHttp2 ? { protocol: "HTTP2", http2 } : {}),
    ...(endpoints.some(({ address }) => address === "host.invalid") ? { dns } : {}),
  }));

const modifier = fc.record({
  set: fc.constantFrom([], [{ name: "x-set", value: "100%" }]),
  add: fc.uniqueArray(fc.record({ name: header, value }), { maxLength: 2, selector: ({ name }) => name }),
  remove: fc.constantFrom([], ["x-remove"]),
});

const backendRef = (services: number): fc.Arbitrary<Json> =>
  fc.integer({ min: 0, max: services - 1 }).map((n) => ({ name: `s${String(n)}`, port: 80 }));

const pathModifier = fc.oneof(
  fc.record({ type: fc.constant("ReplaceFullPath"), replaceFullPath: path }),
  fc.record({ type: fc.constant("ReplacePrefixMatch"), replacePrefixMatch: fc.oneof(path, fc.constant("")) }),
);

const corsList = (...values: string[]): fc.Arbitrary<string[]> =>
  fc.oneof(fc.constant<string[]>(["*"]), fc.subarray(values));
const cors = optional({
  allowOrigins: corsList("https://a.b", "http://*.b.c:8080", "https://*"),
  allowMethods: corsList("GET", "PUT"),
  allowHeaders: corsList("x-a", "x-b"),
  exposeHeaders: fc.subarray(["x-a", "x-b"]),
  allowCredentials: fc.boolean(),
  maxAge: count,
});

type FilterKind = "common" | "rewrite" | "redirect";

function filters(services: number, kind: FilterKind): fc.Arbitrary<Json[]> {
  const mirror = fc.record(
    { backendRef: backendRef(services), percent, fraction: fc.constant({ numerator: 1, denominator: 3 }) },
    { requiredKeys: ["backendRef", "percent"] },
  );
  const parts: fc.Arbitrary<Json[]>[] = [
    modifier.map((requestHeaderModifier) => [{ type: "RequestHeaderModifier", requestHeaderModifier }]),
    modifier.map((responseHeaderModifier) => [{ type: "ResponseHeaderModifier", responseHeaderModifier }]),
    fc.array(
      mirror.map(({ fraction, percent: share, ...rest }) => ({
        type: "RequestMirror",
        requestMirror: { ...rest, ...(fraction === undefined ? { percent: share } : { fraction }) },
      })),
      { maxLength: 2 },
    ),
  ];
  if (kind !== "common") parts.push(cors.map((found) => [{ type: "CORS", cors: found }]));
  const hostname = fc.constant("other.example.com");
  if (kind === "rewrite") {
    parts.push(optional({ hostname, path: pathModifier }).map((urlRewrite) => [{ type: "URLRewrite", urlRewrite }]));
  }
  if (kind === "redirect") {
    const statusCode = fc.constantFrom(301, 302, 303, 307, 308);
    const scheme = fc.constantFrom("http", "https");
    const fields = { scheme, hostname, path: pathModifier, port: fc.constantFrom(80, 443, 8443), statusCode };
    parts.push(optional(fields).map((requestRedirect) => [{ type: "RequestRedirect", requestRedirect }]));
  }
  return fc.tuple(...parts).map((lists) => lists.flat());
}

const headerMatches = fc.uniqueArray(
  fc.oneof(
    fc.record({ type: fc.constant("Exact"), name: fc.constantFrom("x-a", "x-b"), value }),
    fc.record({ type: fc.constant("RegularExpression"), name: fc.constantFrom("x-a", "x-b"), value: regex }),
  ),
  { maxLength: 2, selector: ({ name }) => name },
);

/** With a prefix, which filters may replace. */
const httpMatch = fc.record({
  path: fc.record({ type: fc.constant("PathPrefix"), value: path }),
  headers: headerMatches,
  queryParams: headerMatches,
  method: fc.constantFrom("GET", "POST", "PATCH"),
});

const otherMatch = fc.record({
  path: fc.constantFrom({ type: "Exact", value: "/a" }, { type: "RegularExpression", value: "/[a-z]+" }),
});

const session = fc.constantFrom<Json>(
  {},
  { cookie: { name: "c", path: "/p" } },
  { absoluteTimeout: "1h", cookie: { lifetimeType: "Permanent" } },
  { type: "Header" },
);

function backends(services: number, kind: FilterKind): fc.Arbitrary<Json[]> {
  const one = fc.tuple(
    backendRef(services),
    fc.integer({ min: 1, max: 1_000_000 }),
    filters(services, kind),
    fc.boolean(),
  );
  return fc.array(
    one.map(([ref, weight, own, isPlain]) => ({ ...ref, weight, filters: isPlain ? [] : own })),
    { minLength: 1, maxLength: 3 },
  );
}

const timeouts = fc.constantFrom<Json>({}, { request: "0s" }, { request: "2s", backendRequest: "500ms" });
const retry = optional({
  codes: fc.constantFrom([], [500, 503]),
  attempts: fc.constantFrom(1, 100),
  backoff: duration,
});

function httpRule(services: number): fc.Arbitrary<Json> {
  return fc.oneof(
    fc
      .record({
        match: httpMatch,
        filters: filters(services, "rewrite"),
        backendRefs: backends(services, "rewrite"),
        timeouts,
        retry,
        session,
      })
      .map(({ match, session: sessionPersistence, backendRefs, ...rule }) => ({
        ...rule,
        matches: [match],
        backendRefs,
        ...(backendRefs.length === 1 ? { sessionPersistence } : {}),
      })),
    fc.record({ matches: fc.tuple(httpMatch), filters: filters(services, "redirect") }),
    fc.record({
      matches: fc.array(otherMatch, { minLength: 1, maxLength: 2 }),
      backendRefs: backends(services, "common"),
    }),
  );
}

function grpcRule(services: number): fc.Arbitrary<Json> {
  const method = fc.constantFrom<Json | undefined>(
    undefined,
    { service: "a.B" },
    { method: "M" },
    { service: "a.B", method: "M" },
    { type: "RegularExpression", service: "a\\..*", method: "M|N" },
  );
  const match = fc.record({ method, headers: headerMatches });
  return fc.record({
    matches: fc.array(match, { minLength: 1, maxLength: 2 }),
    filters: filters(services, "common"),
    backendRefs: backends(services, "common"),
  });
}

function resource(kind: string, name: string, spec: Json): string {
  const apiVersion = kind === "Service" ? "meshwright.dev/v1alpha1" : "gateway.networking.k8s.io/v1";
  // What is undefined is not written.
  return `${JSON.stringify({ apiVersion, kind, metadata: { name }, spec })}\n`;
}

/** So many resources, the same for the same seed. */
export function generatedResources(seed: number, services: number, routes: number): string[] {
  const sample = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number): T[] => fc.sample(arbitrary, { seed, numRuns });
  const routesOf = (kind: "HTTPRoute" | "GRPCRoute", rule: fc.Arbitrary<Json>, mark: string): string[] =>
    sample(fc.array(rule, { minLength: 1, maxLength: 3 }), routes).flatMap((rules, r) => {
      const name = `${mark}${String(r)}`;
      const hostnames = r % 2 === 0 ? [`${name}.example.com`, `*.${name}.example.com`] : [];
      const parentRefs = [{ kind: "Service", name }];
      return [resource("Service", name, { port: 80 }), resource(kind, name, { parentRefs, hostnames, rules })];
    });
  return [
    ...sample(serviceSpec, services).map((spec, s) => resource("Service", `s${String(s)}`, spec)),
    ...routesOf("HTTPRoute", httpRule(services), "h"),
    ...routesOf("GRPCRoute", grpcRule(services), "g"),
  ];
}
