import assert from "node:assert/strict";
import { test } from "node:test";
import { step, UNWRITTEN } from "../testdata/probe.ts";
import { get, reported, start } from "../testdata/run.ts";
import { STATUS_REQUEST, STATUS_TABLES } from "../testdata/status-tables.ts";

for (const [name, rows] of Object.entries(STATUS_TABLES)) {
  test(name, async () => {
    const { host, plugin } = await start(
      { callbacks: { proxy_on_request_headers: { steps: rows.map(([call]) => call) } } },
      {
        vmId: "vm",
        vmConfiguration: "vm configuration",
        clusters: ["up"],
        environment: { LANG: "" },
        properties: { "xds.cluster_name": "up" },
      },
    );
    get(plugin, STATUS_REQUEST);
    const reports = reported(host);
    assert.equal(plugin.trap, undefined);
    assert.equal(reports.length, rows.length);
    for (const [i, [call, status, written]] of rows.entries()) {
      const report = reports[i];
      const where = `row ${i}: ${call.call}(${call.args.map((argument) => JSON.stringify(argument, replaceBigint)).join(", ")})`;
      assert.equal(report?.status, status, where);
      if (typeof written === "string") assert.equal(report.data, written, where);
      else if (written !== undefined) {
        const expected = report.words.map((_, at) => written[at] ?? UNWRITTEN);
        assert.deepEqual(report.words, expected, where);
      }
    }
  });
}

function replaceBigint(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

test("what is written to a file descriptor is logged without its last line break", async () => {
  const write = (fd: number): string =>
    `(drop (call $fd_write (i32.const ${fd}) (i32.const 16) (i32.const 1) (i32.const 24)))`;
  const wat = `(i32.store (i32.const 16) (i32.const 512)) (i32.store (i32.const 20) (i32.const 3))
    (i32.store (i32.const 512) (i32.const 0x0a6968)) ${write(1)} ${write(2)}`;
  const steps = [{ ...step("wasi:fd_write", 3, 0, 0, 0), quiet: true }];
  const { host, plugin } = await start({ callbacks: { proxy_on_request_headers: { steps, wat } } });
  get(plugin);
  assert.deepEqual(
    host.log.lines.map(({ level, message }) => [level, message]),
    [
      ["info", "hi"],
      ["error", "hi"],
    ],
  );
});
