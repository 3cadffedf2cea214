// What a composed plugin gives each of its parts beside streams: configuration, ticks, queues, logs, foreign calls, an end. In the Node host.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { HeaderMap, ProxyWasmHost } from "@meshwright/host";
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

test("each part is told of the streams of an access logger and of foreign calls, in the order of the configuration", async () => {
  const host = await ProxyWasmHost.load(readFileSync(module), { canary: false });
  const plugin = host.startPlugin({
    rootId: "life",
    configuration: JSON.stringify({
      filters: [
        { name: "told", configuration: "first" },
        { name: "putter", configuration: "none" },
        { name: "told", configuration: "second" },
      ],
    }),
  });
  assert.ok(plugin.ok, plugin.reason);
  plugin.logStream({ request: new HeaderMap("request", { ":path": "/orders" }) });
  plugin.callForeign(7, "ab");
  assert.deepEqual(
    host.log.lines.map(({ message }) => message).filter((line) => /^(first|second)/.test(line)),
    ["first logs /orders", "second logs /orders", "first is told 7 ab of 2", "second is told 7 ab of 2"],
  );
  host.close();
});
