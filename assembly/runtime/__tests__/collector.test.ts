import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ProxyWasmHost } from "@meshwright/host";
import { compile } from "../../../setup/filters.mjs";

test("what is referred to stays whole, and the rest is freed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "collector-"));
  try {
    const file = join(folder, "collector.wasm");
    await compile("assembly/runtime/__tests__/collector-fixture.ts", file);
    const host = await ProxyWasmHost.load(await readFile(file));
    const plugin = host.startPlugin();
    assert.ok(plugin.ok, plugin.reason);
    const send = (): number => {
      const stream = plugin.newHttpStream();
      stream.requestHeaders({ ":method": "GET", ":path": "/" }, { endOfStream: true });
      stream.close();
      assert.equal(stream.localResponse?.status, 200, plugin.trap);
      return Number(stream.localResponse.body);
    };
    // Some 100 MB are allocated; memory grows by doubling and stays within 2 MiB.
    for (let i = 0; i < 3500; i += 1) assert.ok(send() <= 32);
    host.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});
