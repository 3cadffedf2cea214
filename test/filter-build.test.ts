import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { after, before, describe, test } from "node:test";
import { testFilter } from "@meshwright/host";
import { root } from "../setup/paths.mjs";
import { runCommand } from "./support/command.ts";
import { Envoy } from "./support/envoy.ts";
import { get } from "./support/http.ts";
import { freePorts } from "./support/ports.ts";

mkdirSync(join(root, ".cache"), { recursive: true });
const folder = mkdtempSync(join(root, ".cache", "build-"));
after(() => rmSync(folder, { recursive: true }));

/** Traps as the request asks it to. */
const trapping = `import { FilterHeadersStatus, HttpContext, registerHttpContext, requestHeaders } from "proxy-wasm-assemblyscript-sdk";
function pick(items: i32[], i: i32): i32 {
  return items[i];
}
class Trapping extends HttpContext {
  onRequestHeaders(end: bool): FilterHeadersStatus {
    const how = requestHeaders.get("x-trap");
    if (how === null) return FilterHeadersStatus.Continue;
    if (how == "throw") throw new Error("thrown");
    assert(how != "assert", "asserted");
    if (how == "range") pick([1], how.length);
    if (how == "divide") pick([1], 1 / (how.length - 6));
    if (how == "unreachable") unreachable();
    return FilterHeadersStatus.Continue;
  }
}
registerHttpContext("trapping", () => new Trapping());
`;

describe("a debug module in Envoy", () => {
  let envoy: Envoy;
  let port = 0;
  before(async () => {
    const file = join(folder, "index.ts");
    writeFileSync(file, trapping);
    const module = join(folder, "trapping.wasm");
    const { code, output } = await runCommand(["filter", "build", file, "--debug", "--out", module]);
    assert.equal(code, 0, output);
    const [listener = 0, adminPort = 0] = await freePorts(2);
    port = listener;
    const configuration = readFileSync(join(root, "examples", "hello", "envoy.yaml"), "utf8")
      .replace("port_value: 10000", `port_value: ${String(port)}`)
      .replace("port_value: 10001", `port_value: ${String(adminPort)}`)
      .replace("root_id: hello", "root_id: trapping\n                        failure_policy: FAIL_RELOAD")
      .replace("build/hello.wasm", module);
    envoy = await Envoy.start("trapping", configuration, adminPort, { concurrency: 1 });
    await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
  });
  after(() => envoy.stop());

  const cases: [how: string, said: RegExp, frames: RegExp[]][] = [
    ["throw", /thrown at .*\/index\.ts:9:\d+/, [/1: .* Trapping#onRequestHeaders@.*\/index\.ts:[67]$/m]],
    ["assert", /asserted at .*\/index\.ts:10:\d+/, [/1: .* Trapping#onRequestHeaders@/m]],
    ["range", /Index out of range at ~lib\/array\.ts:\d+:\d+/, [/2: .* pick@.*\/index\.ts:[23]$/m, /3: .* Trapping#/m]],
    ["divide", /divide by zero/, [/0: .* Trapping#onRequestHeaders@/m]],
    ["unreachable", /RuntimeError: unreachable/, [/0: .* Trapping#onRequestHeaders@/m]],
  ];
  for (const [how, said, frames] of cases) {
    test(`${how}: Envoy's log names functions, files and lines`, async () => {
      // After a trap, Envoy makes a new VM for a later request only.
      await envoy.until(async () => (await get(port, "/")).status === 200);
      const from = envoy.process.output.length;
      assert.equal((await get(port, "/", { headers: { "x-trap": how } })).status, 503);
      await envoy.process.waitFor(/proxy_on_request_headers@.*\n/, { from });
      for (const pattern of [said, ...frames]) assert.match(envoy.process.output.slice(from), pattern);
    });
  }
});

describe("the command line", () => {
  test("build of a manifest: several filters in one module, under its name", async () => {
    const manifest = join(folder, "edge.json");
    const filters = ["hello", "header-edit"].map((name) => relative(folder, join(root, "examples", name)));
    writeFileSync(manifest, JSON.stringify({ name: "edge", filters }));
    const module = join(folder, "edge.wasm");
    const { code, output } = await runCommand(["filter", "build", manifest, "--out", module]);
    assert.equal(code, 0, output);
    const configuration = { filters: [{ name: "hello" }] };
    const filter = await testFilter(module, { rootId: "edge", configuration });
    const stream = filter.stream();
    stream.get("/", { "x-user": "ada" });
    stream.respond({ status: 200 });
    assert.equal(stream.response.headers?.get("x-hello"), "ada");
    filter.close();
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith(".compose")),
      [],
    );
  });

  test("build of what is no manifest: exit status 1, and the field", async () => {
    const manifest = join(folder, "bad.json");
    writeFileSync(manifest, JSON.stringify({ name: "edge", filters: [1] }));
    const { code, output } = await runCommand(["filter", "build", manifest]);
    assert.equal(code, 1);
    assert.match(output, /bad\.json: filters\[0\]: expected a path/);
  });

  test("build: exit status 0 and a module that Envoy loads", async () => {
    const out = join(folder, "out", "hello.wasm");
    const { code, output } = await runCommand(["filter", "build", "examples/hello", "--out", out], { cwd: root });
    assert.equal(code, 0, output);
    assert.match(output, /hello\.wasm: [\d,]+ bytes, ABI 0\.2\.1\ncallbacks: .*onRequestHeaders, onResponseHeaders/);
    const inspected = await runCommand(["filter", "inspect", out, "--json"]);
    assert.equal(inspected.code, 0);
    const report = JSON.parse(inspected.output) as { abiVersion: string; problems: string[]; size: number };
    assert.deepEqual([report.abiVersion, report.problems, report.size], ["0.2.1", [], readFileSync(out).length]);
  });

  const faults: [what: string, args: string[], code: number, said: RegExp][] = [
    ["a source that is not there", ["build", "no-such.ts"], 1, /no-such\.ts: no such file or folder/],
    [
      "a folder without a filter",
      ["build", "docs"],
      1,
      /expected a filter's source at assembly\/index\.ts or index\.ts/,
    ],
    ["a place without the SDK", ["build", "/"], 1, /expected a filter's source/],
    ["an unknown option", ["build", "--fast"], 2, /unknown option '--fast'/],
    ["no module to inspect", ["inspect", "no-such.wasm"], 1, /cannot read no-such\.wasm/],
    [
      "a file that is no module",
      ["inspect", "README.md"],
      1,
      /Envoy refuses it:\n {2}not a readable WebAssembly module/,
    ],
    ["an image without a name", ["pack", "x.wasm"], 2, /required option '--tag <reference>'/],
    ["an image that goes nowhere", ["pack", "x.wasm", "--tag", "localhost/a:1"], 1, /expected --out, --push or both/],
    ["a name that is none", ["new", "My Filter"], 1, /expected a name of lower-case letters/],
    ["an unknown command", ["bild"], 2, /unknown command 'bild'/],
    [
      "a configuration that is not there",
      ["dev", "examples/hello", "--config", "x.json"],
      1,
      /--config x\.json: no such file/,
    ],
    ["a port that is none", ["dev", "--port", "x"], 2, /expected HOST:PORT/],
  ];
  for (const [what, args, status, said] of faults) {
    test(`${what}: exit status ${String(status)}`, async () => {
      const { code, output } = await runCommand(["filter", ...args], { cwd: root });
      assert.equal(code, status, output);
      assert.match(output, said);
      assert.doesNotMatch(output, /\n {4}at /);
    });
  }
});
