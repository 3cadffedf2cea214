import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { envoyBinary } from "../setup/envoy.mjs";
import { root } from "../setup/paths.mjs";
import { command, runCommand } from "./support/command.ts";
import { get, startApp } from "./support/http.ts";
import { Load } from "./support/load.ts";
import { freePorts } from "./support/ports.ts";
import type { Process } from "./support/processes.ts";

/** A filter that marks answers, and traps when it is asked to. */
const filter = (
  mark: string,
): string => `import { Bytes, Config, FilterHeadersStatus, HttpContext, RootContext, logInfo, registerRootContext, requestHeaders, responseHeaders } from "proxy-wasm-assemblyscript-sdk";
import { divide } from "./math";
class Root extends RootContext {
  onConfigure(configuration: Bytes): bool {
    const config = new Config(configuration);
    const name = config.root.string("name");
    if (!config.accept()) return false;
    logInfo("configured: " + name);
    this.sharedHttpContext = new Stream(name);
    return true;
  }
}
class Stream extends HttpContext {
  constructor(private name: string) {
    super();
  }
  onRequestHeaders(end: bool): FilterHeadersStatus {
    const by = requestHeaders.get("x-divide");
    if (by !== null) divide(1, by.length - 1);
    return FilterHeadersStatus.Continue;
  }
  onResponseHeaders(end: bool): FilterHeadersStatus {
    responseHeaders.set("x-mark", "${mark} " + this.name);
    return FilterHeadersStatus.Continue;
  }
}
registerRootContext("edited", () => new Root());
`;

/** Counts the connections that it makes. */
class CountedAgent extends Agent {
  connections = 0;

  override createConnection(
    ...parameters: Parameters<Agent["createConnection"]>
  ): ReturnType<Agent["createConnection"]> {
    this.connections += 1;
    return super.createConnection(...parameters);
  }
}

describe("meshwright filter dev", () => {
  mkdirSync(join(root, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(root, ".cache", "dev-"));
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  let dev: Process;
  let port = 0;
  let app: Awaited<ReturnType<typeof startApp>>;

  /** Waits for a line that an edit leads to. */
  const following = async (edit: () => void, pattern: RegExp): Promise<string> => {
    const from = dev.output.length;
    edit();
    await dev.waitFor(pattern, { from });
    return dev.output.slice(from);
  };
  const mark = async (agent?: Agent): Promise<unknown> =>
    (await get(port, "/", agent === undefined ? {} : { agent })).headers["x-mark"];

  before(async () => {
    write("index.ts", filter("one"));
    write("math.ts", "export function divide(a: i32, b: i32): i32 {\n  return a / b;\n}\n");
    write("config.json", '{ "name": "ada" }');
    app = await startApp("upstream");
    [port = 0] = await freePorts(1);
    const args = ["filter", "dev", folder, "--root-id", "edited"];
    dev = command([...args, "--port", String(port), "--upstream", `localhost:${String(app.port)}`], {
      env: { ...process.env, ENVOY_BIN: await envoyBinary() },
    });
    await dev.waitFor(/live after [\d,]+ ms/);
  });
  after(async () => {
    await dev.stop("SIGINT");
    await app.stop();
    rmSync(folder, { recursive: true });
  });

  test("runs the filter before an upstream, and shows what it logs", async () => {
    assert.equal(await mark(), "one ada");
    assert.equal((JSON.parse((await get(port, "/")).body) as { app: string }).app, "upstream");
    assert.match(dev.output, /^info {5}configured: ada$/m);
  });

  test("an edit of the source or the configuration changes the next answers; no connection and no request is lost", async () => {
    const agent = new CountedAgent({ keepAlive: true, maxSockets: 1 });
    const load = new Load(port, "/");
    try {
      assert.equal(await mark(agent), "one ada");
      await following(() => write("index.ts", filter("two")), /live after/);
      assert.equal(await mark(agent), "two ada");
      await following(() => write("config.json", '{ "name": "grace" }'), /live after/);
      assert.equal(await mark(agent), "two grace");
    } finally {
      agent.destroy();
      await load.stop();
    }
    assert.equal(agent.connections, 1);
    assert.deepEqual([...new Set(load.answers.map(({ status }) => status))], [200]);
    const marks = load.answers.map(({ headers }) => headers["x-mark"]).filter((value, i, all) => value !== all[i - 1]);
    assert.deepEqual(marks, ["one ada", "two ada", "two grace"]);
  });

  test("what does not build, or is refused, leaves the filter before in place", async () => {
    const broken = await following(() => write("index.ts", `${filter("three")}\nlet x: i32 = "text";`), /refused;/);
    assert.match(broken, /Type '~lib\/string\/String' is not assignable to type 'i32'/);
    assert.match(broken, /index\.ts\(\d+,\d+\)/);
    assert.equal(await mark(), "two grace");
    await following(() => write("index.ts", filter("three")), /live after/);
    const refused = await following(() => write("config.json", "{}"), /refused;/);
    assert.match(refused, /config\.json: name: expected a string/);
    assert.equal(await mark(), "three grace");
    await following(() => write("config.json", '{ "name": "ada" }'), /live after/);
  });

  test("a trap is shown with names, files and lines", async () => {
    const from = dev.output.length;
    assert.equal((await get(port, "/", { headers: { "x-divide": "1" } })).status, 503);
    await dev.waitFor(/proxy_on_request_headers at/, { from });
    const said = dev.output.slice(from);
    assert.match(said, /trap in proxy_on_request_headers: RuntimeError: divide by zero/);
    assert.match(said, /0: {2}divide at .*\/math\.ts:2:\d+/);
    assert.match(said, /1: {2}Stream#onRequestHeaders at .*\/index\.ts:19:\d+/);
  });

  test("Ctrl-C ends everything", async () => {
    await dev.stop("SIGINT");
    assert.equal(dev.child.exitCode, 0);
    await assert.rejects(get(port, "/"));
    assert.deepEqual(readdirSync(join(root, ".meshwright")), []);
  });

  test("an address that is taken is named", async () => {
    const { code, output } = await runCommand(["filter", "dev", folder, "--port", String(app.port)], {
      env: { ...process.env, ENVOY_BIN: await envoyBinary() },
    });
    assert.equal(code, 1);
    assert.match(output, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${String(app.port)}: .*EADDRINUSE.*--port`));
  });
});
