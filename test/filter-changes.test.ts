// Filters are configured anew, replaced, removed and added under load, and no request fails or meets another filter than it should.
// `npm run test:envoys` plays it with every supported Envoy.
import assert from "node:assert/strict";
import { test } from "node:test";
import { testedEnvoys } from "./support/envoys.ts";
import { get } from "./support/http.ts";
import { Load } from "./support/load.ts";
import { startOneService, writePolicy } from "./support/one-service.ts";
import { probeModule, withNote } from "./support/probe.ts";

const CHANGES = 12;

for (const { title, binary } of testedEnvoys()) {
  for (const protocol of ["delta", "sotw"] as const) {
    test(`${title}, ${protocol}: ${String(CHANGES)} changes of filters under load`, { timeout: 240_000 }, async (t) => {
      const service = await startOneService("0", { protocol, binary: await binary() });
      t.after(() => service.stop());
      const { mesh, envoy, port } = service;
      const module = await probeModule();
      const untilMark = (mark: string | undefined): Promise<void> =>
        envoy.until(async () => (await get(port, "/")).headers["x-probe"] === mark, 60_000);
      const expected = ["0"];
      // A connection that is kept stays with the listener that it began on, and with the filters of that.
      const loads = [new Load(port, "/"), new Load(port, "/", { headers: { connection: "close" } })];
      for (let n = 1; n <= CHANGES; n++) {
        const mark = n % 4 === 3 ? undefined : String(n);
        if (n % 4 === 2) mesh.write("probe.wasm", withNote(module, `of change ${String(n)}`));
        if (mark === undefined) mesh.write("policy.yaml", "# There is no filter now.\n");
        else writePolicy(mesh, { mark });
        if (mark !== undefined) expected.push(mark);
        await untilMark(mark);
        await mesh.until("web-1", ({ state }) => state === "ready", 60_000);
      }
      for (const load of loads) {
        const answers = await load.stop();
        assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
        const seen = answers.map(({ headers }) => headers["x-probe"]).filter((mark) => mark !== undefined);
        // Each filter is seen once: one that went does not come back.
        assert.deepEqual(
          seen.filter((mark, i) => mark !== seen[i - 1]),
          expected,
        );
      }
    });
  }
}
