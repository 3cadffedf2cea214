import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { testedEnvoys } from "./support/envoys.ts";
import { get } from "./support/http.ts";
import { Load } from "./support/load.ts";
import type { Mesh } from "./support/mesh.ts";
import { startOneService, writePolicy, type OneService } from "./support/one-service.ts";
import { probeModule, withNote } from "./support/probe.ts";

for (const { title, binary } of testedEnvoys()) {
  for (const protocol of ["delta", "sotw"] as const) {
    describe(`a new module on a live listener, ${title}, ${protocol}`, () => {
      let service: OneService;
      let mesh: Mesh;
      let port = 0;

      before(async () => {
        service = await startOneService("one", { protocol, binary: await binary() });
        ({ mesh, port } = service);
      });
      after(() => service.stop());

      const untilMark = async (mark: string): Promise<void> => {
        await mesh.envoys.get("web-1")?.until(async () => (await get(port, "/")).headers["x-probe"] === mark);
      };

      test("no request meets an error or passes the filter by, whatever changes", async () => {
        assert.equal((await get(port, "/")).headers["x-probe"], "one");
        const load = new Load(port, "/");
        const first = (await mesh.sidecar("web-1")).filters[0]?.module;

        // Module and configuration change together, so the mark tells which module answered.
        mesh.write("probe.wasm", withNote(await probeModule(), "two"));
        writePolicy(mesh, { mark: "two" });
        await untilMark("two");
        await mesh.until("web-1", ({ state, filters }) => state === "ready" && filters[0]?.module !== first);

        // Back to the first module, which Envoy still has.
        mesh.write("probe.wasm", await probeModule());
        writePolicy(mesh, { mark: "three" });
        await untilMark("three");
        await mesh.until("web-1", ({ state, filters }) => state === "ready" && filters[0]?.module === first);

        const answers = await load.stop();
        assert.ok(answers.length > 20);
        assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
        const marks = answers.map(({ headers }) => headers["x-probe"]).filter((mark, i, all) => mark !== all[i - 1]);
        // Between the two writes the old mark may come from either module; a mark never comes back.
        assert.deepEqual(marks, ["one", "two", "three"]);
      });

      test("a cold module was fetched ahead of the switch, and the log says so", () => {
        assert.match(mesh.controlPlane?.output ?? "", /web-1 fetches the module of filter web-probe/);
        assert.match(mesh.controlPlane?.output ?? "", /web-1 accepted filter web-probe/);
      });
    });
  }
}
