// What a composed plugin gives each of its parts beside streams: configuration, ticks, queues, an end. In the Node host.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ProxyWasmHost } from "@meshwright/host";
import { compile } from "../setup/filters.mjs";

const folder = mkdtempSync(join(tmpdir(), "meshwright-compose-"));
const module = join(folder, "life.wasm");
before(() => compile("test/fixtures/compose/life.ts", module));
after(() => rmSync(folder, { recursive: true }));

test("each part has a tick, a queue and an end of its own", async () => {
  const host = await ProxyWasmHost.load(readFileSync(module), { vmConfiguration: "shared", canary: false });
  const plugin = host.startPlugin({
    rootId: "life",
    configuration: JSON.stringify({
      filters: [
        { name: "slow", configuration: "20" },
        { name: "slow", configuration: "50" },
        { name: "putter", configuration: "queue-50" },
      ],
    }),
  });
  assert.ok(plugin.ok, plugin.reason);
  host.clock.advance(100);
  assert.equal(plugin.close(), false);
  host.clock.advance(100);
  const lines = host.log.lines.map(({ message }) => message);
  assert.deepEqual(
    lines.filter((line) => line.includes("VM")),
    ['filters[0] "slow": VM: shared', 'filters[1] "slow": VM: shared'],
  );
  assert.deepEqual(
    lines.filter((line) => line.includes("got")),
    ["50 got hello"],
  );
  const tickOf = (period: number): number => lines.filter((line) => line === `tick of ${String(period)}`).length;
  assert.deepEqual([tickOf(20), tickOf(50)], [6, 3]);
  assert.deepEqual(lines.slice(-2), ["end of 20", "end of 50"]);
  host.close();
});
