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
