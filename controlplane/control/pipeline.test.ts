import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { formatProblem } from "../model/index.ts";
import { ModuleFetcher, ModuleStore } from "../modules/index.ts";
import { FolderSource } from "../source/index.ts";
import { Pipeline } from "./pipeline.ts";

const text = `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: shop }
spec: { port: 80, endpoints: [{ address: 10.0.0.1, port: 8080 }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: shop }
spec:
  parentRefs: [{ group: "", kind: Service, name: shop }]
  rules: [{ backendRefs: [{ name: shop, port: 80 }] }]
---
apiVersion: meshwright.dev/v1alpha1
kind: Rollout
metadata: { name: shop }
spec: { targetRefs: [{ kind: HTTPRoute, name: shop }] }
`;

for (const [who, isShared, problems] of [
  ["is alone", false, []],
  [
    "shares its store",
    true,
    ["mesh.yaml:14:7: kind: Rollouts are carried out by a control plane that is alone; this one shares its store"],
  ],
] as const) {
  test(`a Rollout, where the control plane ${who}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "meshwright-pipeline-"));
    try {
      writeFileSync(join(folder, "mesh.yaml"), text);
      const settings = { modulesAuthority: "plane:80", modulesCluster: "plane" };
      const store = new ModuleStore(join(folder, "state"));
      const fetcher = new ModuleFetcher(store);
      const result = await new Pipeline(new FolderSource(folder), store, fetcher, settings, { isShared }).prepare();
      assert.deepEqual(
        result.ok ? [] : result.problems.map((one) => formatProblem(one).replace(/^.*mesh\.yaml/, "mesh.yaml")),
        problems,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
