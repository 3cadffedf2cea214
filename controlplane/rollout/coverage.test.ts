import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { loadModel, type RolloutTarget } from "../model/index.ts";
import { translate } from "../translate/index.ts";
import { covers, listenersOf } from "./coverage.ts";
import { versionOf } from "./version.ts";

/** A Service that is called and one that calls, each with a sidecar. */
const text = `
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: called }
spec: { port: 80, endpoints: [{ address: 10.0.0.1, port: 80, sidecar: { node: called, inboundPort: 1 } }] }
---
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: caller }
spec: { port: 81, endpoints: [{ address: 10.0.0.2, port: 80, sidecar: { node: caller, inboundPort: 1, outboundPort: 2 } }] }
---
apiVersion: meshwright.dev/v1alpha1
kind: EnvoyPatch
metadata: { name: all }
spec: { patches: [{ operation: Merge, target: { type: Listener, direction: Inbound }, value: {} }] }
---
apiVersion: meshwright.dev/v1alpha1
kind: EnvoyPatch
metadata: { name: one }
spec:
  targetRefs: [{ name: caller }]
  patches: [{ operation: Merge, target: { type: Cluster }, value: {} }]
---
apiVersion: meshwright.dev/v1alpha1
kind: Telemetry
metadata: { name: logs }
spec: { targetRefs: [{ name: called }], accessLogs: [{ type: File }] }
---
apiVersion: meshwright.dev/v1alpha1
kind: Mesh
metadata: { name: default }
spec: {}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: route }
spec:
  parentRefs: [{ group: "", kind: Service, name: called }]
  rules: [{ backendRefs: [{ name: called, port: 80 }] }]
`;
const result = loadModel([{ path: "mesh.yaml", text }]);
assert.ok(result.ok, JSON.stringify(result));
const { model } = result;
const { sidecars } = translate(model, new Map(), { modulesAuthority: "plane:1", modulesCluster: "plane" });

describe("a Rollout", () => {
  for (const [kind, name, nodes, listeners] of [
    ["EnvoyPatch", "all", ["called", "caller"], ["inbound"]],
    ["EnvoyPatch", "one", ["caller"], ["inbound", "outbound"]],
    ["Telemetry", "logs", ["called"], ["inbound", "outbound"]],
    ["Mesh", "default", ["called", "caller"], ["inbound", "outbound"]],
    ["Service", "called", ["called", "caller"], ["inbound", "outbound"]],
    ["Service", "caller", ["caller"], ["inbound", "outbound"]],
    ["HTTPRoute", "route", ["caller"], ["outbound"]],
  ] as const) {
    it(`of ${kind} ${name} is about ${nodes.join(" and ")}, and judged by ${listeners.join(" and ")} requests`, () => {
      const targets: readonly RolloutTarget[] = [{ kind, name }];
      const versions = [versionOf(targets, model, new Map())];
      const covered = [...sidecars.values()].filter((place) => covers(versions, place));
      assert.deepEqual(
        covered.map(({ sidecar }) => sidecar.node),
        nodes,
      );
      assert.deepEqual([...listenersOf(versions)].sort(), listeners);
    });
  }
});
