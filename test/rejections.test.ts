import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Envoy } from "./support/envoy.ts";
import { get } from "./support/http.ts";
import type { Mesh } from "./support/mesh.ts";
import { startOneService, writePolicy, writeService, type OneService } from "./support/one-service.ts";

describe("what Envoy rejects", () => {
  let service: OneService;
  let mesh: Mesh;
  let envoy: Envoy;
  let port = 0;

  before(async () => {
    service = await startOneService("good");
    ({ mesh, envoy, port } = service);
  });
  after(() => service.stop());

  test("a filter's configuration: status shows the node and Envoy's message, and the old filter serves on", async () => {
    writePolicy(mesh, { mark: "bad", refuseInEnvoy: true });
    const report = await mesh.until("web-1", ({ state }) => state === "faulty");
    assert.deepEqual(
      report.rejections.map(({ type, resource }) => [type, resource]),
      [["envoy.config.core.v3.TypedExtensionConfig", "web-probe"]],
    );
    assert.match(report.rejections[0]?.message ?? "", /Unable to create Wasm plugin/);
    assert.equal((await get(port, "/")).headers["x-probe"], "good");

    const shown = await mesh.meshwright("status", ["--http", `127.0.0.1:${String(mesh.httpPort)}`]);
    assert.match(shown, /^web-1 +web +\S+ +delta +faulty +\S.* web-probe rejected/m);
    assert.match(shown, /web-1 rejected envoy\.config\.core\.v3\.TypedExtensionConfig web-probe:\n.*Unable to create/);

    writePolicy(mesh, { mark: "better" });
    await mesh.until("web-1", ({ state, rejections }) => state === "ready" && rejections.length === 0);
    assert.equal((await get(port, "/")).headers["x-probe"], "better");
  });

  test("a listener that cannot be opened: status shows it", async () => {
    // The port of the application is taken, which only Envoy can find out.
    writeService(mesh, { appPort: service.appPort, inboundPort: envoy.adminPort });
    const report = await mesh.until("web-1", ({ state }) => state === "faulty");
    assert.match(report.rejections[0]?.type ?? "", /Listener/);
    assert.match(report.rejections[0]?.message ?? "", /address|bind/i);
    writeService(mesh, { appPort: service.appPort, inboundPort: port });
    await mesh.until("web-1", ({ state }) => state === "ready");
    assert.equal((await get(port, "/")).headers["x-probe"], "better");
  });

  test("a change with a fault reaches no sidecar: file, line, what was found and what is allowed", async () => {
    writePolicy(mesh, { mark: 7, colour: "red" });
    await mesh.controlPlane?.waitFor(
      /policy\.yaml:\d+:\d+: spec\.configuration\.mark: expected a string.*found number 7/,
    );
    await mesh.controlPlane?.waitFor(/spec\.configuration\.colour: unknown field, expected one of mark, refuseInEnvoy/);
    const { configuration } = await mesh.status();
    assert.equal(configuration.refused.length, 2);
    assert.equal((await get(port, "/")).headers["x-probe"], "better");
    writePolicy(mesh, { mark: "best" });
    await envoy.until(async () => (await get(port, "/")).headers["x-probe"] === "best");
    assert.deepEqual((await mesh.status()).configuration.refused, []);
  });
});
