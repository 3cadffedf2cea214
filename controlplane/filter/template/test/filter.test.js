import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ProxyWasmHost } from "@meshwright/host";

const module = readFileSync(new URL("../build/__NAME__.wasm", import.meta.url));
const request = [
  [":method", "GET"],
  [":path", "/"],
  [":authority", "example.com"],
];

async function start(configuration) {
  const host = await ProxyWasmHost.load(module, {});
  return host.startPlugin({ name: "__NAME__", rootId: "__NAME__", configuration: JSON.stringify(configuration) });
}

function greet(plugin, headers) {
  const stream = plugin.newHttpStream({});
  stream.requestHeaders([...request, ...headers], { endOfStream: true });
  return stream.responseHeaders([[":status", "200"]], { endOfStream: true }).headers.get("x-greeting");
}

test("greets who calls", async () => {
  const plugin = await start({ greeting: "hello" });
  assert.ok(plugin.ok);
  assert.equal(greet(plugin, [["x-user", "ada"]]), "hello, ada");
  assert.equal(greet(plugin, []), "hello, stranger");
});

test("refuses a configuration without a greeting", async () => {
  const plugin = await start({});
  assert.equal(plugin.ok, false);
});
