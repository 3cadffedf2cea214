import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Envoy } from "./support/envoy.ts";
import { get } from "./support/http.ts";
import { Load } from "./support/load.ts";
import type { Mesh } from "./support/mesh.ts";
import { startOneService, writePolicy, type OneService } from "./support/one-service.ts";
import { updatesOf } from "./support/updates.ts";

for (const protocol of ["delta", "sotw"] as const) {
  describe(`the control plane is killed and comes back, ${protocol}`, () => {
    let service: OneService;
    let mesh: Mesh;
    let envoy: Envoy;
    let port = 0;

    before(async () => {
      service = await startOneService("one", { protocol });
      ({ mesh, envoy, port } = service);
    });
    after(() => service.stop());

    test("sidecars serve without it, reconnect, and are sent nothing that they have", async () => {
      const load = new Load(port, "/");
      const earlier = await updatesOf(envoy);
      assert.ok(
        [...earlier.keys()].some((name) => name.endsWith("config_reload")),
        "there are counters to compare",
      );

      await mesh.controlPlane?.stop("SIGKILL");
      await envoy.until(async () => (await envoy.stat("control_plane.connected_state")) === 0);
      assert.equal((await get(port, "/")).headers["x-probe"], "one");

      await mesh.startControlPlane();
      await mesh.until("web-1", ({ state }) => state === "ready");
      assert.equal(await envoy.stat("control_plane.connected_state"), 1);
      assert.deepEqual(await updatesOf(envoy), earlier);

      const answers = await load.stop();
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
      assert.deepEqual([...new Set(answers.map(({ headers }) => headers["x-probe"]))], ["one"]);
    });

    test("a change made meanwhile arrives after the restart, and only that", async () => {
      const earlier = await updatesOf(envoy);
      await mesh.controlPlane?.stop("SIGKILL");
      writePolicy(mesh, { mark: "two" });
      await mesh.startControlPlane();
      // When Envoy connects again is up to Envoy, which waits ever longer between its tries.
      await mesh.until("web-1", ({ state }) => state === "ready");
      await envoy.until(async () => (await get(port, "/")).headers["x-probe"] === "two");
      const changed = [...(await updatesOf(envoy))].filter(([name, value]) => earlier.get(name) !== value);
      assert.deepEqual(
        changed
          .map(([name]) => name.replace(/\.[^.]+$/, ""))
          .filter((name) => !name.includes("extension_config_discovery")),
        [],
      );
    });
  });
}
