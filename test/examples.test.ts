import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ProxyWasmHost } from "@meshwright/host";
import { compile } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { Envoy } from "./support/envoy.ts";
import { get } from "./support/http.ts";
import { freePorts } from "./support/ports.ts";

describe("example hello", () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-hello-"));
  const module = join(folder, "hello.wasm");
  before(() => compile("examples/hello/index.ts", module));
  after(() => rmSync(folder, { recursive: true }));

  test("in the Node host", async () => {
    const host = await ProxyWasmHost.load(readFileSync(module), {});
    const plugin = host.startPlugin({ name: "hello", rootId: "hello" });
    assert.ok(plugin.ok);
    const stream = plugin.newHttpStream({});
    stream.requestHeaders(
      [
        [":method", "GET"],
        [":path", "/"],
        ["x-user", "ada"],
      ],
      { endOfStream: true },
    );
    const { headers } = stream.responseHeaders([[":status", "200"]], { endOfStream: true });
    assert.equal(headers.get("x-hello"), "ada");
  });

  test("in Envoy, with the configuration that its README names", async () => {
    const [port = 0, adminPort = 0] = await freePorts(2);
    const configuration = readFileSync(join(root, "examples", "hello", "envoy.yaml"), "utf8")
      .replace("port_value: 10000", `port_value: ${String(port)}`)
      .replace("port_value: 10001", `port_value: ${String(adminPort)}`)
      .replace("build/hello.wasm", module);
    const envoy = await Envoy.start("hello", configuration, adminPort);
    try {
      await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
      assert.equal((await get(port, "/", { headers: { "x-user": "ada" } })).headers["x-hello"], "ada");
      assert.equal((await get(port, "/")).headers["x-hello"], "stranger");
      // Bytes that are not UTF-8 do not hurt.
      const answer = await get(port, "/", { headers: { "x-user": "\xff\xfe" } });
      assert.equal(answer.status, 200);
    } finally {
      await envoy.stop();
    }
  });
});
