import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { outboundEndpoints } from "./endpoints.ts";
import { outboundRoutes } from "./route-configurations.ts";
import { modelOf, resourceJson } from "./testdata/fixtures.ts";

const services = ["s", "a", "b"]
  .map(
    (name) => `{ apiVersion: meshwright.dev/v1alpha1, kind: Service, metadata: { name: ${name} }, spec: { port: 80 } }`,
  )
  .join("\n---\n");

/** The Envoy routes of an HTTPRoute with one rule. */
function routes(rule: string): JsonObject[] {
  const route = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: r, annotations: { meshwright.dev/unresolved-backends: Answer } }
spec: { parentRefs: [{ kind: Service, name: s }], rules: [${rule}] }`;
  const { virtualHosts } = resourceJson(outboundRoutes(modelOf(`${services}\n---\n${route}`))) as unknown as {
    virtualHosts: { name: string; routes: JsonObject[] }[];
  };
  return virtualHosts.find(({ name }) => name === "s")?.routes ?? [];
}

const change = (text: string): string => `{ type: RequestHeaderModifier, requestHeaderModifier: { ${text} } }`;
const rewrite = "{ type: URLRewrite, urlRewrite: { hostname: x } }";

describe("the backends of a rule", () => {
  it("are weighted clusters, each with the rule's changes of headers and then its own", () => {
    const [route, ...more] = routes(`{
      filters: [${change("set: [{ name: x, value: rule }, { name: GONE, value: rule }], remove: [y]")}],
      backendRefs: [{ name: a, port: 80, filters: [${change("set: [{ name: x, value: a }], remove: [gone]")}] }, { name: b, port: 80 }] }`);
    assert.deepEqual(more, []);
    const { clusters } = (route?.["route"] as JsonObject)["weightedClusters"] as unknown as {
      clusters: {
        name: string;
        requestHeadersToAdd: { header: { key: string; value: string } }[];
        requestHeadersToRemove: string[];
      }[];
    };
    const changes = clusters.map(({ name, requestHeadersToAdd, requestHeadersToRemove }) => [
      name,
      requestHeadersToAdd.map(({ header }) => `${header.key}=${header.value}`),
      requestHeadersToRemove,
    ]);
    assert.deepEqual(changes, [
      ["outbound|a|80", ["x=rule", "x=a"], ["y", "gone"]],
      ["outbound|b|80", ["x=rule", "GONE=rule"], ["y"]],
    ]);
    assert.equal(route?.["requestHeadersToAdd"], undefined);
  });

  it("have routes of their own where one of them is no plain cluster, by the sums of their shares", () => {
    const split = routes(`{ backendRefs: [
      { name: a, port: 80, weight: 1, filters: [${rewrite}] }, { name: b, port: 80, weight: 0 },
      { name: gone, port: 80, weight: 1 }, { name: b, port: 80, weight: 1 }] }`);
    const parts = split.map(({ name, match, route, directResponse }) => {
      const { runtimeFraction } = match as unknown as { runtimeFraction?: { defaultValue: { numerator: number } } };
      const { cluster } = (route ?? {}) as JsonObject;
      const { status } = (directResponse ?? {}) as JsonObject;
      return [name, runtimeFraction?.defaultValue.numerator, cluster ?? status];
    });
    assert.deepEqual(parts, [
      ["r/0/0/0", 333_333, "outbound|a|80"],
      ["r/0/0/1", 666_667, 500],
      ["r/0/0/2", undefined, "outbound|b|80"],
    ]);
  });
});

describe("the endpoints of a Service that prefers the same zone", () => {
  const at = (n: number, zone: string, priority = 0): string =>
    `{ address: 10.0.0.${String(n)}, port: 80, priority: ${String(priority)}, locality: { ${zone} } }`;
  const model = modelOf(`apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: s }
spec:
  port: 80
  trafficDistribution: PreferSameZone
  endpoints:
    - ${at(1, "region: us")}
    - ${at(2, "region: eu, zone: one")}
    - ${at(3, "region: eu, zone: two, subZone: x")}
    - ${at(4, "region: eu, zone: two", 5)}
    - { address: 10.0.0.5, port: 80 }
    - { address: 10.0.0.6, port: 80, ready: false, sidecar: { node: six, inboundPort: 15006 } }`);
  const service = model.services.get("s");
  assert.ok(service);
  const [us, one, two] = service.spec.endpoints;

  /** Priorities by the last number of each address. */
  const priorities = (client: typeof us): Record<string, number> => {
    const { endpoints } = resourceJson(outboundEndpoints(service, client)) as unknown as {
      endpoints: {
        priority?: number;
        lbEndpoints: { endpoint: { address: { socketAddress: { address: string } } } }[];
      }[];
    };
    return Object.fromEntries(
      endpoints.flatMap(({ priority = 0, lbEndpoints }) =>
        lbEndpoints.map(({ endpoint }) => [endpoint.address.socketAddress.address.slice(7), priority]),
      ),
    );
  };

  it("go by nearness within their own priority, without gaps", () => {
    assert.deepEqual(priorities(one), { 2: 0, 3: 1, 1: 2, 5: 2, 4: 3 });
    assert.deepEqual(priorities(two), { 3: 0, 2: 1, 1: 2, 5: 2, 4: 3 });
    // A region without zones is as near to itself as can be known.
    assert.deepEqual(priorities(us), { 1: 0, 2: 1, 3: 1, 5: 1, 4: 2 });
  });

  it("go by their own priority for a client of no known place", () => {
    assert.deepEqual(priorities(undefined), { 1: 0, 2: 0, 3: 0, 5: 0, 4: 1 });
  });
});
