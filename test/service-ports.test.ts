import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { root } from "../setup/paths.mjs";

import { get, startApp } from "./support/http.ts";
import { Mesh } from "./support/mesh.ts";
import { freePorts } from "./support/ports.ts";

describe("a Service with two ports", () => {
  const apps: { readonly port: number; stop(): Promise<void> }[] = [];
  let mesh: Mesh;
  let [first, second, outbound] = [0, 0, 0];

  const write = (target: string): void => {
    mesh.write(
      "policy.yaml",
      `apiVersion: meshwright.dev/v1alpha1
kind: FilterPolicy
metadata: { name: guard }
spec:
  targetRefs: [${target}]
  module: authz
  configuration: { rules: [{ name: open, action: allow, principals: [{ any: true }], paths: [{ exact: /open }] }] }
`,
    );
  };

  before(async () => {
    apps.push(await startApp("one"), await startApp("two"));
    const [one, two] = apps.map(({ port }) => String(port));
    [first = 0, second = 0, outbound = 0] = await freePorts(3);
    mesh = await Mesh.create();
    mesh.write("authz.wasm", readFileSync(join(root, "build", "authz.wasm")));
    const at = (port: string | undefined, ports: string): string =>
      `endpoints: [{ address: 127.0.0.1, port: ${String(port)}, sidecar: { node: web-1, ${ports} } }]`;
    mesh.write(
      "mesh.yaml",
      `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: web }
spec:
  port: 80
  otherPorts: [{ port: 81, service: web.81 }]
  ${at(one, `inboundPort: ${String(first)}, outboundPort: ${String(outbound)}`)}
---
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: web.81 }
spec:
  port: 81
  portOf: web
  mtls: Strict
  ${at(two, `inboundPort: ${String(second)}`)}
---
apiVersion: meshwright.dev/v1alpha1
kind: WasmModule
metadata: { name: authz }
spec: { file: authz.wasm }
`,
    );
    write("{ name: web }");
    await mesh.startControlPlane();
    await mesh.startSidecar("web-1", "web");
    await mesh.untilReady();
  });

  after(async () => {
    await mesh.stop();
    for (const app of apps) await app.stop();
  });

  const status = async (host: string, path: string): Promise<number | undefined> =>
    (await get(outbound, path, { headers: { host } })).status;

  test("has the filter before both from a sidecar's first start on, and mutual TLS as each of them says", async () => {
    for (const host of ["web", "web:81"]) {
      assert.deepEqual([host, await status(host, "/open")], [host, 200]);
      assert.deepEqual([host, await status(host, "/closed")], [host, 403]);
    }
    assert.equal((await get(first, "/open", { headers: { host: "web" } })).status, 200);
    await assert.rejects(get(second, "/open", { headers: { host: "web" } }));
  });

  test("is open at the one that the policy does no longer name", async () => {
    write("{ name: web, port: 81 }");
    await mesh.envoys.get("web-1")?.until(async () => (await status("web", "/closed")) === 200);
    assert.equal(await status("web:81", "/closed"), 403);
  });
});
