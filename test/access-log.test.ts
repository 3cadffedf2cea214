// Plugins without streams of their own in a real Envoy: an access logger, and services of the bootstrap.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { compile } from "../setup/filters.mjs";
import { address, cluster, listener, manager, plugin, typed } from "./support/callouts/configuration.ts";
import { Envoy } from "./support/envoy.ts";
import { get, startApp } from "./support/http.ts";
import { freePorts } from "./support/ports.ts";

describe("plugins without streams in Envoy", () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-access-log-"));
  let envoy: Envoy;
  let app: Awaited<ReturnType<typeof startApp>>;
  let port: number;

  before(async () => {
    const module = join(folder, "access-log.wasm");
    await compile("test/fixtures/access-log.ts", module);
    app = await startApp("app");
    const [admin = 0, listening = 0] = await freePorts(2);
    port = listening;
    const logger = {
      name: "wasm",
      typed_config: typed("access_loggers.wasm.v3.WasmAccessLog", { config: plugin(module, "access-log", "log") }),
    };
    const service = (singleton: boolean): object => ({
      name: "envoy.bootstrap.wasm",
      typed_config: typed("wasm.v3.WasmService", {
        singleton,
        config: plugin(module, "service", singleton ? "singleton" : "service"),
      }),
    });
    const configuration = {
      admin: { address: address(admin) },
      bootstrap_extensions: [service(true), service(false)],
      static_resources: {
        listeners: [listener("http", port, [manager("http", [], { access_log: [logger] })])],
        clusters: [cluster("app", app.port)],
      },
    };
    envoy = await Envoy.start("access-log", JSON.stringify(configuration), admin, {
      concurrency: 2,
      logLevel: "info",
    });
    await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
  });

  after(async () => {
    await envoy.stop();
    await app.stop();
    rmSync(folder, { recursive: true });
  });

  test("onLog is called for each request, with its headers and properties", async () => {
    await get(port, "/one?x=1");
    await envoy.process.waitFor(/access: \/one\?x=1 200 none via_upstream true\n/);
  });

  test("onLog is called for what is no request", async () => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write("nonsense\r\n\r\n");
    await envoy.process.waitFor(/access: none (400|none) none http1\.codec_error true\n/);
    socket.destroy();
  });

  test("a singleton runs once, another service on each worker and the main thread", async () => {
    const beats = (name: string): number =>
      [...envoy.process.output.matchAll(new RegExp(`: ${name}: beat 3 true\\n`, "g"))].length;
    await envoy.until(() => Promise.resolve(beats("service") === 3 && beats("singleton") === 1));
    // Each stops after three beats.
    assert.doesNotMatch(envoy.process.output, /beat 4/);
  });
});
