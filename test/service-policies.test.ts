import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Seen } from "./gateway/backends.ts";
import { call } from "./gateway/grpc.ts";
import { startGatewayMesh } from "./gateway/mesh.ts";
import type { GatewayMesh } from "./gateway/mesh.ts";
import { get } from "./support/http.ts";
import type { Answer } from "./support/http.ts";
import { freePorts } from "./support/ports.ts";

const names = ["infra-backend-v1", "infra-backend-v2", "infra-backend-v3"];
const [v1 = "", v2 = "", v3 = ""] = names;
const [g1, gFailing] = ["grpc-infra-backend-v1", "grpc-failing"];

type Port = (backend: string) => number;

/** A Service of these backends, each with more to its endpoint, and fields of `spec`. */
function service(
  name: string,
  port: Port,
  backends: Readonly<Record<string, string>> | readonly string[],
  fields = "",
): string {
  const entries = isList(backends) ? backends.map((backend) => ({ backend, more: "" })) : moreOf(backends);
  const endpoints = entries.map(({ backend, more }) => `{ address: 127.0.0.1, port: ${String(port(backend))}${more} }`);
  return `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: ${name} }
spec:
  port: 80
  endpoints: [${endpoints.join(", ")}]
${fields}
`;
}

function isList(backends: Readonly<Record<string, string>> | readonly string[]): backends is readonly string[] {
  return Array.isArray(backends);
}

function moreOf(backends: Readonly<Record<string, string>>): { readonly backend: string; readonly more: string }[] {
  return Object.entries(backends).map(([backend, more]) => ({ backend, more }));
}

/** Checks often enough for a test, with traffic and without. */
const quick = "interval: 100ms, noTrafficInterval: 100ms, timeout: 500ms, unhealthyThreshold: 1, healthyThreshold: 1";
const noPanic = "loadBalancing: { healthyPanicThreshold: 0 }";
const at = (locality: string): string => `, locality: { ${locality} }`;

const resources = (port: Port, closed: number): string[] => {
  const withClosed: Port = (backend) => (backend === "closed" ? closed : port(backend));
  return [
    service(
      "ring",
      port,
      names,
      "  loadBalancing: { policy: RingHash, hashPolicies: [{ type: Header, name: x-user }] }",
    ),
    service(
      "maglev",
      port,
      names,
      "  loadBalancing: { policy: Maglev, hashPolicies: [{ type: QueryParameter, name: user }] }",
    ),
    service(
      "cookie",
      port,
      names,
      "  loadBalancing: { policy: RingHash, hashPolicies: [{ type: Cookie, name: lb, ttl: 1h }] }",
    ),
    service("source", port, names, "  loadBalancing: { policy: Maglev, hashPolicies: [{ type: SourceIP }] }"),
    service(
      "least",
      port,
      names,
      "  loadBalancing: { policy: LeastRequest, choiceCount: 3, slowStart: { window: 1s } }",
    ),
    service("random", port, names, "  loadBalancing: { policy: Random }"),
    service("breaker", port, [v1], "  circuitBreakers: { maxConnections: 1, maxPendingRequests: 1 }"),
    service(
      "no-retries",
      port,
      [v1],
      "  circuitBreakers: { retryBudget: { budgetPercent: 0, minRetryConcurrency: 0 } }",
    ),
    service("retries", port, [v1], "  circuitBreakers: { retryBudget: { budgetPercent: 20 } }"),
    service(
      "outlier",
      port,
      [v1, "failing"],
      `  outlierDetection: { consecutive5xx: 2, interval: 1s, baseEjectionTime: 60s, maxEjectionPercent: 100 }
  ${noPanic}`,
    ),
    service(
      "unreachable",
      withClosed,
      [v1, "closed"],
      `  outlierDetection: { consecutiveLocalOriginFailure: 1, baseEjectionTime: 60s, maxEjectionPercent: 100 }
  ${noPanic}`,
    ),
    service(
      "http-checked",
      port,
      [v1, "failing"],
      `  healthCheck: { type: HTTP, path: /healthz, ${quick} }\n  ${noPanic}`,
    ),
    service("tcp-checked", withClosed, [v1, "closed"], `  healthCheck: { type: TCP, ${quick} }\n  ${noPanic}`),
    service(
      "grpc-checked",
      port,
      [g1, gFailing],
      `  protocol: HTTP2\n  healthCheck: { type: GRPC, ${quick} }\n  ${noPanic}\n  http2: { maxConcurrentStreams: 100 }`,
    ),
    service(
      "priority",
      port,
      { failing: "", [v2]: ", priority: 3", [v3]: ", priority: 7" },
      `  healthCheck: { type: HTTP, path: /healthz, ${quick} }`,
    ),
    service(
      "near",
      port,
      { [v1]: at("region: us"), [v2]: at("region: eu, zone: eu-1"), [v3]: at("region: eu, zone: eu-2") },
      "  trafficDistribution: PreferSameZone",
    ),
    service(
      "near-failing",
      port,
      { [v1]: at("region: us"), failing: at("region: eu, zone: eu-1"), [v3]: at("region: eu, zone: eu-2") },
      `  trafficDistribution: PreferSameZone\n  healthCheck: { type: HTTP, path: /healthz, ${quick} }`,
    ),
    service(
      "localities",
      port,
      { [v1]: at("region: eu, zone: eu-1"), [v2]: at("region: eu, zone: eu-2"), [v3]: at("region: eu, zone: eu-2") },
      "  loadBalancing: { localityWeights: [{ region: eu, zone: eu-1, weight: 9 }] }",
    ),
    service("dns", port, [v1], "  dns: { lookupFamily: V4Only }").replace("127.0.0.1", "localhost"),
    service(
      "connections",
      port,
      [v1],
      `  connectionPool: { idleTimeout: 10s, maxConnectionDuration: 10m, maxRequestsPerConnection: 1 }
  tcpKeepalive: { idleTime: 60s, interval: 10s, probes: 3 }`,
    ),
    ...["no-retries", "retries"].map(
      (name) => `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name} }
spec:
  parentRefs: [{ kind: Service, name: ${name} }]
  rules: [{ retry: { codes: [500], attempts: 3 }, backendRefs: [{ name: ${name}, port: 80 }] }]
`,
    ),
  ];
};

describe("the policies of a Service in a real Envoy", () => {
  let mesh: GatewayMesh | undefined;
  before(async () => {
    const [closed = 0] = await freePorts(1);
    mesh = await startGatewayMesh((port) => resources(port, closed));
  });
  after(() => mesh?.stop());

  const ask = (host: string, path = "/", headers: Record<string, string> = {}): Promise<Answer> =>
    get(mesh?.port ?? 0, path, { headers: { ...headers, host } });
  const backendOf = ({ status, body }: Answer): string =>
    status === 200 ? (JSON.parse(body) as Seen).backend : String(status);

  async function answers(count: number, send: (n: number) => Promise<Answer>): Promise<string[]> {
    return (await Promise.all(Array.from({ length: count }, (_, n) => send(n)))).map(backendOf);
  }

  it("are accepted without a complaint", async () => {
    const report = await mesh?.mesh.until("web-1", ({ state }) => state !== "updating");
    assert.deepEqual([report?.state, report?.rejections], ["ready", []]);
  });

  describe("choose an endpoint by what of a request is hashed", () => {
    const users = Array.from({ length: 40 }, (_, n) => `user-${String(n)}`);
    const cases: [what: string, host: string, send: (user: string) => Promise<Answer>][] = [
      ["a header", "ring", (user) => ask("ring", "/", { "x-user": user })],
      ["a query parameter", "maglev", (user) => ask("maglev", `/?user=${user}`)],
      ["a cookie", "cookie", (user) => ask("cookie", "/", { cookie: `lb=${user}` })],
    ];
    for (const [what, , send] of cases) {
      it(what, async () => {
        const [first, second] = [
          await answers(40, (n) => send(users[n] ?? "")),
          await answers(40, (n) => send(users[n] ?? "")),
        ];
        assert.deepEqual(second, first);
        assert.deepEqual([...new Set(first)].sort(), names);
      });
    }

    it("a cookie that is given to those without", async () => {
      const first = await ask("cookie");
      const [cookie = ""] = first.headers["set-cookie"] ?? [];
      assert.match(cookie, /^lb="?[0-9a-f]+"?; Max-Age=3600; HttpOnly$/i);
      const again = await answers(20, () => ask("cookie", "/", { cookie: cookie.split(";")[0] ?? "" }));
      assert.deepEqual([...new Set(again)], [backendOf(first)]);
    });

    it("the address of the client", async () => {
      assert.equal(new Set(await answers(20, () => ask("source"))).size, 1);
    });
  });

  for (const host of ["least", "random"]) {
    it(`spread requests (${host})`, async () => {
      assert.deepEqual([...new Set(await answers(60, () => ask(host)))].sort(), names);
    });
  }

  it("limit what is open, and say so", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => ask("breaker", "/?delay=300")));
    const refused = all.filter(({ status }) => status === 503);
    assert.ok(refused.length >= 4 && refused.length < 8, String(refused.length));
    assert.ok(refused.every(({ headers }) => headers["x-envoy-overloaded"] === "true"));
    assert.equal((await ask("breaker")).status, 200);
  });

  it("limit retries by a budget", async () => {
    assert.equal((await ask("retries", "/?fail=500&times=1&id=budget")).status, 200);
    assert.equal((await ask("no-retries", "/?fail=500&times=1&id=no-budget")).status, 500);
  });

  it("take out an endpoint that fails", async () => {
    const found: string[] = [];
    for (let n = 0; n < 12; n++) found.push(backendOf(await ask("outlier")));
    assert.ok(found.filter((name) => name === "500").length >= 2);
    assert.deepEqual([...new Set(await answers(30, () => ask("outlier")))], [v1]);
  });

  it("take out an endpoint that cannot be reached", async () => {
    for (let n = 0; n < 6; n++) await ask("unreachable");
    assert.deepEqual([...new Set(await answers(30, () => ask("unreachable")))], [v1]);
  });

  for (const [host, type] of [
    ["http-checked", "HTTP"],
    ["tcp-checked", "TCP"],
  ] as const) {
    it(`send nothing to an endpoint whose health check fails (${type})`, async () => {
      assert.deepEqual([...new Set(await answers(30, () => ask(host)))], [v1]);
    });
  }

  it("send nothing to an endpoint whose health check fails (GRPC)", async () => {
    for (let n = 0; n < 10; n++) {
      const { seen } = await call(mesh?.port ?? 0, "/a.B/C", { ":authority": "grpc-checked" });
      assert.equal(seen?.backend, g1);
    }
  });

  it("go on to the next priority where none is healthy", async () => {
    assert.deepEqual([...new Set(await answers(30, () => ask("priority")))], [v2]);
  });

  it("prefer the same zone, and go on to the next where none there is healthy", async () => {
    assert.deepEqual([...new Set(await answers(30, () => ask("near")))], [v2]);
    assert.deepEqual([...new Set(await answers(30, () => ask("near-failing")))], [v3]);
  });

  it("give localities their weights", async () => {
    const requests = 300;
    const found = await answers(requests, () => ask("localities"));
    const share = 0.9;
    const inFirst = found.filter((name) => name === v1).length;
    assert.ok(Math.abs(inFirst - requests * share) <= 5 * Math.sqrt(requests * share * (1 - share)), String(inFirst));
  });

  it("look up a host name", async () => assert.equal(backendOf(await ask("dns")), v1));

  it("keep connections as long as they say", async () => {
    const stat = "cluster.outbound|connections|80.upstream_cx_total";
    for (let n = 0; n < 3; n++) assert.equal(backendOf(await ask("connections")), v1);
    const envoy = mesh?.mesh.envoys.get("web-1");
    assert.equal((await envoy?.stats("connections.*upstream_cx_total"))?.get(stat), 3);
  });
});
