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
spec: { port: 80, endpoints: [{ address: 10.0.0.1, port: 80 }] }
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

test("a Rollout, which nobody would carry out, is refused", async () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-pipeline-"));
  try {
    writeFileSync(join(folder, "mesh.yaml"), text);
    const settings = { modulesAuthority: "plane:80", modulesCluster: "plane" };
    const store = new ModuleStore(join(folder, "state"));
    const result = await new Pipeline(new FolderSource(folder), store, new ModuleFetcher(store), settings).prepare();
    assert.ok(!result.ok);
    assert.deepEqual(
      result.problems.map((problem) => formatProblem(problem).replace(/^.*mesh\.yaml/, "mesh.yaml")),
      [
        "mesh.yaml:14:7: kind: this control plane does not carry out Rollouts yet; a change reaches all sidecars at once",
      ],
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
