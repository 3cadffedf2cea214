// The examples of the Rust SDK, unmodified, do in the Node host what they are meant to do. `npm run test:peers` builds and runs them.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ProxyWasmHost, type Plugin } from "@meshwright/host";
import { cacheFolder } from "../../controlplane/envoy-binary/cache.mjs";

const get = (path: string): Record<string, string> => ({ ":method": "GET", ":path": path, ":authority": "example" });

const folder = cacheFolder("peers", "rust-examples");

const missing = existsSync(join(folder, "http_config.wasm")) ? false : "no Rust compiler for them was here";

describe("the examples of the Rust SDK", { skip: missing }, () => {
  async function start(example: string, configuration = ""): Promise<{ host: ProxyWasmHost; plugin: Plugin }> {
    const host = await ProxyWasmHost.load(readFileSync(join(folder, `${example}.wasm`)), {
      logLevel: "trace",
      clusters: ["httpbin"],
    });
    const plugin = host.startPlugin({ name: example, configuration });
    assert.ok(plugin.ok, plugin.reason);
    return { host, plugin };
  }

  const messages = (plugin: Plugin): string[] => plugin.log.map(({ message }) => message);

  test("hello_world greets, and tells the time every five seconds", async () => {
    const { host, plugin } = await start("hello_world");
    // Envoy tries a plugin in a machine of its own first, and so does the host.
    assert.deepEqual(messages(plugin), ["Hello, World!", "Hello, World!"]);
    assert.equal(plugin.tickPeriod, 5000);
    host.clock.advance(10_000);
    assert.deepEqual(messages(plugin).slice(2), [
      "It's 2026-01-01 00:00:05 UTC, there is no lucky number.",
      "It's 2026-01-01 00:00:10 UTC, there is no lucky number.",
    ]);
  });

  test("http_headers logs all headers and answers /hello itself", async () => {
    const { plugin } = await start("http_headers");
    const answered = plugin.newHttpStream();
    const { localResponse } = answered.requestHeaders(get("/hello"), { endOfStream: true });
    assert.equal(localResponse?.status, 200);
    assert.equal(localResponse.body, "Hello, World!\n");
    assert.equal(answered.response.headers?.get("hello"), "World");
    assert.equal(answered.response.headers.get("powered-by"), "proxy-wasm");
    answered.close();
    assert.ok(messages(plugin).some((line) => / -> :path: \/hello$/.test(line)));
    assert.ok(messages(plugin).some((line) => / <- powered-by: proxy-wasm$/i.test(line)));
    assert.match(messages(plugin).at(-1), /^#\d+ completed\.$/);

    const passed = plugin.newHttpStream();
    passed.requestHeaders(get("/other"), { endOfStream: true });
    assert.equal(passed.request.headers?.get(":path"), "/other");
    passed.close();
  });

  describe("http_auth_random holds a request until an even number comes", () => {
    const cases: { name: string; answer: (host: ProxyWasmHost, plugin: Plugin) => void; granted: boolean }[] = [
      {
        name: "even",
        answer: (_, plugin) => plugin.httpCalls[0]!.respond({ body: new Uint8Array([2]) }),
        granted: true,
      },
      {
        name: "odd",
        answer: (_, plugin) => plugin.httpCalls[0]!.respond({ body: new Uint8Array([3]) }),
        granted: false,
      },
      { name: "an empty answer", answer: (_, plugin) => plugin.httpCalls[0]!.respond({}), granted: false },
      { name: "no answer in time", answer: (host) => host.clock.advance(5000), granted: false },
    ];
    for (const { name, answer, granted } of cases) {
      test(name, async () => {
        const { host, plugin } = await start("http_auth_random");
        const stream = plugin.newHttpStream();
        assert.ok(stream.requestHeaders(get("/"), { endOfStream: true }).paused);
        const call = plugin.httpCalls[0]!;
        assert.equal(call.cluster, "httpbin");
        assert.equal(call.headers.get(":path"), "/bytes/1");
        assert.equal(call.timeoutMs, 5000);
        answer(host, plugin);
        if (granted) {
          assert.equal(stream.localResponse, undefined);
          stream.responseHeaders({ ":status": "200" }, { endOfStream: true });
        } else {
          assert.equal(stream.localResponse?.status, 403);
          assert.equal(stream.localResponse.body, "Access forbidden.\n");
        }
        assert.equal(stream.response.headers?.get("powered-by"), "proxy-wasm");
        assert.equal(messages(plugin).at(-1), granted ? "Access granted." : "Access forbidden.");
        stream.close();
      });
    }
  });

  describe("http_body redacts a response that has a secret", () => {
    for (const { name, chunks, expected } of [
      { name: "in one piece", chunks: ["a secret"], expected: "Original message body (8 bytes) redacted." },
      { name: "over pieces", chunks: ["a sec", "", "ret!"], expected: "Original message body (9 bytes) redacted." },
      { name: "without one", chunks: ["nothing ", "here"], expected: "nothing here" },
    ]) {
      test(name, async () => {
        const { plugin } = await start("http_body");
        const stream = plugin.newHttpStream();
        stream.requestHeaders(get("/"), { endOfStream: true });
        const length = chunks.join("").length;
        stream.responseHeaders({ ":status": "200", "content-length": String(length) });
        chunks.forEach((chunk, index) => stream.responseBody(chunk, { endOfStream: index === chunks.length - 1 }));
        assert.equal(stream.response.headers?.get("content-length"), undefined);
        assert.equal(new TextDecoder().decode(stream.response.body), expected);
        stream.close();
      });
    }
  });

  test("http_config adds its configuration to each response", async () => {
    const { plugin } = await start("http_config", "some text");
    const stream = plugin.newHttpStream();
    stream.requestHeaders(get("/"), { endOfStream: true });
    stream.responseHeaders({ ":status": "200" }, { endOfStream: true });
    assert.equal(stream.response.headers?.get("custom-header"), "some text");
    stream.close();
  });
});
