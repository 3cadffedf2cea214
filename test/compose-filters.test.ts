// The filters of this repository as parts of one plugin, in the Node host.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { ProxyWasmHost, type HttpStream, type Plugin } from "@meshwright/host";
import { compileComposed } from "./support/compose/compile.ts";

const folder = mkdtempSync(join(tmpdir(), "meshwright-compose-"));
const module = join(folder, "edge.wasm");
before(() => compileComposed("edge", ["filters/ab-routing", "filters/authz", "filters/ratelimit"], module));
after(() => rmSync(folder, { recursive: true }));

const key = "a-key-for-tests";
const authz = {
  name: "authz",
  configuration: {
    apiKeys: { keys: [{ name: "tester", sha256: createHash("sha256").update(key).digest("hex") }] },
    rules: [{ name: "all", action: "allow" }],
  },
};
const ratelimit = {
  name: "ratelimit",
  configuration: { limits: [{ name: "two", tokenBucket: { maxTokens: 2, fillInterval: "1h" } }] },
};
const abRouting = {
  name: "ab-routing",
  configuration: { experiments: [{ name: "e", header: "x-e", responseHeader: "x-e-variant", default: "old" }] },
};

let host: ProxyWasmHost;
beforeEach(async () => {
  host = await ProxyWasmHost.load(readFileSync(module));
});
afterEach(() => host.close());

const start = (...filters: readonly object[]): Plugin =>
  host.startPlugin({ name: "edge", rootId: "edge", configuration: JSON.stringify({ filters }) });

function send(plugin: Plugin, headers: Readonly<Record<string, string>> = {}): HttpStream {
  const stream = plugin.newHttpStream();
  stream.requestHeaders(
    { ":method": "GET", ":path": "/", ":authority": "a.example", ...headers },
    { endOfStream: true },
  );
  if (stream.localResponse === undefined) stream.responseHeaders({ ":status": "200" }, { endOfStream: true });
  stream.close();
  return stream;
}

const statuses = (streams: readonly HttpStream[]): (string | undefined)[] =>
  streams.map(({ response }) => response.headers?.get(":status"));

describe("authz, ratelimit and ab-routing as one plugin", () => {
  test("what authz refuses is neither counted nor routed", () => {
    const plugin = start(authz, ratelimit, abRouting);
    assert.ok(plugin.ok, plugin.reason);
    const refused = [1, 2, 3].map(() => send(plugin));
    assert.deepEqual(statuses(refused), ["401", "401", "401"]);
    assert.equal(refused[0]?.response.headers?.get("x-e-variant"), undefined);
    const first = send(plugin, { "x-api-key": key });
    const passed = [first, ...[2, 3].map(() => send(plugin, { "x-api-key": key }))];
    assert.deepEqual(statuses(passed), ["200", "200", "429"]);
    assert.equal(first.request.headers?.get("x-e"), "old");
    assert.equal(first.response.headers?.get("x-e-variant"), "old");
    assert.equal(first.response.headers.get("x-ratelimit-remaining"), "1");
    assert.equal(host.metrics.get("authz.allowed"), 3);
  });

  test("in another order, refused requests are counted", () => {
    const plugin = start(ratelimit, authz, abRouting);
    assert.deepEqual(statuses([1, 2, 3].map(() => send(plugin))), ["401", "401", "429"]);
  });

  test("with shared contexts only, nothing is kept of a stream", () => {
    const quiet = { ...ratelimit.configuration, headers: "none" };
    const plugin = start(authz, { name: "ratelimit", configuration: quiet });
    assert.deepEqual(statuses([1, 2, 3].map(() => send(plugin, { "x-api-key": key }))), ["200", "200", "429"]);
    assert.deepEqual(statuses([send(plugin)]), ["401"]);
  });

  test("each still is a plugin of its own", () => {
    const plugin = host.startPlugin({
      name: "ratelimit",
      rootId: "ratelimit",
      configuration: JSON.stringify(ratelimit.configuration),
    });
    assert.deepEqual(statuses([1, 2, 3].map(() => send(plugin))), ["200", "200", "429"]);
  });

  test("a part may stand there twice", () => {
    const one = { limits: [{ name: "one", tokenBucket: { maxTokens: 1, fillInterval: "1h" } }] };
    const plugin = start(ratelimit, { name: "ratelimit", configuration: one });
    assert.deepEqual(statuses([1, 2].map(() => send(plugin))), ["200", "429"]);
  });
});

describe("configurations that are refused", () => {
  const cases: readonly (readonly [what: string, configuration: string, error: RegExp])[] = [
    ["no JSON", "{", /^configuration: line 1, column 2: /],
    ["no filters", "{}", /^filters: expected at least one filter$/],
    [
      "a part that the module has not",
      `{"filters":[{"name":"x"}]}`,
      /^filters\[0\]\.name: expected one of "ab-routing", "authz", /,
    ],
    ["an unknown field", `{"filters":[{"name":"authz","colour":1}]}`, /^filters\[0\]\.colour: unknown field/],
    [
      "another failure policy",
      `{"filters":[{"name":"authz","onFailure":"maybe"}]}`,
      /^filters\[0\]\.onFailure: expected one of "closed", "open", found string "maybe"$/,
    ],
    [
      "a part that refuses its own",
      JSON.stringify({ filters: [authz, { name: "ratelimit", configuration: { limits: [{ name: "x" }] } }] }),
      /^filters\[1\] "ratelimit": limits\[0\]: expected exactly one of tokenBucket, gcra, /,
    ],
  ];
  for (const [what, configuration, error] of cases) {
    test(what, () => {
      const plugin = host.startPlugin({ name: "edge", rootId: "edge", configuration });
      assert.equal(plugin.failure?.stage, "configure");
      const errors = plugin.log.filter(({ level }) => level === "error").map(({ message }) => message);
      assert.ok(
        errors.some((line) => error.test(line)),
        errors.join("\n"),
      );
    });
  }
});
