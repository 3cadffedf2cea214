import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { loadModel, type Model } from "../model/index.ts";
import { translate } from "../translate/index.ts";
import { retargeted, versionOf, withPins } from "./version.ts";

const settings = { modulesAuthority: "plane:8080", modulesCluster: "plane" };
const targets = [
  { kind: "FilterPolicy", name: "authz" },
  { kind: "HTTPRoute", name: "shop" },
] as const;

function model(configuration: string, weight = 1): Model {
  const text = `
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: shop }
spec:
  port: 80
  endpoints: [{ address: 10.0.0.1, port: 80, sidecar: { node: n, inboundPort: 1, outboundPort: 2 } }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: shop }
spec:
  parentRefs: [{ group: "", kind: Service, name: shop }]
  rules: [{ backendRefs: [{ name: shop, port: 80, weight: ${weight} }] }]
---
apiVersion: meshwright.dev/v1alpha1
kind: WasmModule
metadata: { name: wasm }
spec: { file: wasm.wasm }
---
apiVersion: meshwright.dev/v1alpha1
kind: FilterPolicy
metadata: { name: authz }
spec: ${configuration}
`;
  const result = loadModel([{ path: "mesh.yaml", text }]);
  assert.ok(result.ok, JSON.stringify(result));
  return result.model;
}

const first = "{ targetRefs: [{ name: shop }], module: wasm, configuration: { a: 1, b: 2 } }";
const moduleOf = (sha256: string): ReadonlyMap<string, { sha256: string; size: number }> =>
  new Map([["wasm", { sha256, size: 1 }]]);
const old = moduleOf("a".repeat(64));
const fresh = moduleOf("b".repeat(64));
const find = (sha256: string): { sha256: string; size: number } => ({ sha256, size: 1 });

describe("a version", () => {
  it("changes with the content of its targets, and with the bytes of their modules", () => {
    const { id } = versionOf(targets, model(first), old);
    assert.equal(versionOf(targets, model(first), old).id, id);
    assert.notEqual(versionOf(targets, model(first), fresh).id, id);
    assert.notEqual(versionOf(targets, model(first.replace("a: 1", "a: 2")), old).id, id);
    assert.notEqual(versionOf(targets, model(first, 2), old).id, id);
  });

  it("does not change with the order of fields", () => {
    const { id } = versionOf(targets, model(first), old);
    assert.equal(versionOf(targets, model(first.replace("a: 1, b: 2", "b: 2, a: 1")), old).id, id);
  });
});

describe("a version with other targets", () => {
  it("keeps what it says of those that it has, and takes the others from elsewhere", () => {
    const [policy, route] = targets;
    const version = versionOf([policy], model(first), old);
    const now = versionOf(targets, model(first.replace("a: 1", "a: 2"), 2), fresh);
    const both = retargeted(version, targets, now);
    assert.deepEqual(both.resources, [version.resources[0], now.resources[1]]);
    assert.deepEqual(retargeted(both, [route], now), versionOf([route], model(first, 2), old));
  });
});

describe("a pinned version", () => {
  it("is translated to what its own model is, byte for byte", () => {
    const before = translate(model(first), old, settings);
    const version = versionOf(targets, model(first), old);
    const changed = model(first.replace("b: 2", "b: 3"), 2);
    const { model: pinned, modules } = withPins({ model: changed, modules: fresh }, [version], find);
    const node = { id: "n", cluster: "shop" };
    const snapshot = (translation: ReturnType<typeof translate>): unknown => {
      const found = translation.snapshotFor(node).snapshot;
      return [...(found?.sets ?? [])].map(([type, set]) => [
        type,
        [...set.resources.values()].map(({ name, version, body }) => [
          name,
          version,
          Buffer.from(body).toString("hex"),
        ]),
      ]);
    };
    assert.deepEqual(snapshot(translate(pinned, modules, settings)), snapshot(before));
    assert.notDeepEqual(snapshot(translate(changed, fresh, settings)), snapshot(before));
  });

  it("leaves out what did not exist", () => {
    const version = { id: "", targets, resources: [] };
    const { model: pinned } = withPins({ model: model(first), modules: old }, [version], find);
    assert.deepEqual([pinned.filterPolicies.size, pinned.httpRoutes.size], [0, 0]);
  });

  it("survives being kept as JSON", () => {
    const version = versionOf(targets, model(first), old);
    assert.deepEqual(JSON.parse(JSON.stringify(version)), version);
  });
});

describe("a version of other kinds", () => {
  const others = [
    { kind: "Service", name: "shop" },
    { kind: "EnvoyPatch", name: "limits" },
    { kind: "Telemetry", name: "logs" },
    { kind: "Mesh", name: "default" },
  ] as const;
  const endpoint = (address: string): string =>
    `{ address: ${address}, port: 80, sidecar: { node: n, inboundPort: 1, outboundPort: 2 } }`;
  const written = { service: "connectTimeout: 1s", endpoints: endpoint("10.0.0.1"), patch: 100, log: 1, mesh: "3" };

  function meshOf(change: Partial<typeof written> = {}): Model {
    const { service, endpoints, patch, log, mesh } = { ...written, ...change };
    const resource = (kind: string, name: string, spec: string): string =>
      `apiVersion: meshwright.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: ${spec}\n`;
    const target = "target: { type: Listener, direction: Inbound }";
    const text = [
      resource("Service", "shop", `{ port: 80, endpoints: [${endpoints}], ${service} }`),
      resource(
        "EnvoyPatch",
        "limits",
        `{ patches: [{ operation: Merge, ${target}, value: { perConnectionBufferLimitBytes: ${patch} } }] }`,
      ),
      resource("Telemetry", "logs", `{ accessLogs: [{ type: File, percentage: ${log} }] }`),
      resource("Mesh", "default", `{ services: { tcpKeepalive: { probes: ${mesh} } } }`),
    ].join("---\n");
    const result = loadModel([{ path: "mesh.yaml", text }]);
    assert.ok(result.ok, JSON.stringify(result));
    return result.model;
  }
  const version = (change?: Partial<typeof written>) => versionOf(others, meshOf(change), new Map());
  const pinned = (change: Partial<typeof written>): Model =>
    withPins({ model: meshOf(change), modules: new Map() }, [version()], () => undefined).model;

  for (const [what, change] of [
    ["a Service", { service: "connectTimeout: 2s" }],
    ["an EnvoyPatch", { patch: 200 }],
    ["a Telemetry", { log: 2 }],
    ["a Mesh", { mesh: "4" }],
  ] as const) {
    it(`changes with ${what}, and holds it`, () => {
      assert.notEqual(version(change).id, version().id);
      const bytes = (model: Model): unknown =>
        [...(translate(model, new Map(), settings).snapshotFor({ id: "n", cluster: "shop" }).snapshot?.sets ?? [])].map(
          ([, set]) => [...set.resources.values()].map(({ name, version: hash }) => [name, hash]),
        );
      assert.notDeepEqual(bytes(meshOf(change)), bytes(meshOf()));
      assert.deepEqual(bytes(pinned(change)), bytes(meshOf()));
    });
  }

  it("leaves to all at once where endpoints are and what both ends of a connection agree on", () => {
    const change = { endpoints: `${written.endpoints}, ${endpoint("10.0.0.2").replace("node: n", "node: m")}` };
    assert.equal(version(change).id, version().id);
    const both = { service: "connectTimeout: 2s, mtls: Permissive", endpoints: change.endpoints };
    const { spec } = pinned(both).services.get("shop") ?? assert.fail();
    assert.deepEqual([spec.connectTimeout, spec.mtls, spec.endpoints.length], ["1s", "Permissive", 2]);
    assert.equal(version({ service: "connectTimeout: 1s, mtls: Strict" }).id, version().id);
  });

  it("has the defaults of a Mesh where there was none, but for what reaches all at once", () => {
    const model = { ...meshOf(), meshes: new Map() };
    const before = versionOf(others, model, new Map());
    const now = meshOf({ mesh: "4 }, mtls: Permissive, connectionPool: { maxRequestsPerConnection: 3" });
    const { spec } = withPins({ model: now, modules: new Map() }, [before], () => undefined).model.meshes.get(
      "default",
    )!;
    assert.deepEqual(spec, { unknownHosts: "Refuse", services: { mtls: "Permissive" } });
  });

  it("keeps no Service that is gone, and holds back none that is new", () => {
    const without = { ...meshOf(), services: new Map() };
    const gone = withPins({ model: without, modules: new Map() }, [version()], () => undefined).model;
    assert.equal(gone.services.size, 0);
    const before = versionOf(others, without, new Map());
    const fresh = withPins({ model: meshOf(), modules: new Map() }, [before], () => undefined).model;
    assert.equal(fresh.services.size, 1);
  });
});
