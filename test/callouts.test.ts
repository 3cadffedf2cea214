// What a filter asks others for, in a real Envoy: HTTP calls, gRPC, queues and timers.
import assert from "node:assert/strict";
import { request } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { compile } from "../setup/filters.mjs";
import { Callee } from "./support/callouts/callee.ts";
import { calloutConfiguration } from "./support/callouts/configuration.ts";
import { GrpcCallee } from "./support/callouts/grpc-callee.ts";
import { Envoy } from "./support/envoy.ts";
import { get, startApp, type Answer } from "./support/http.ts";
import { freePorts } from "./support/ports.ts";

const reset503 = /^503 "upstream connect error or disconnect\/reset before headers\. reset reason: /;

/** What the scenario of test/fixtures/callouts.ts answers: its lines, or a pattern of them. */
const scenarios: Readonly<Record<string, RegExp | readonly string[]>> = {
  echo: ['200 "PUT /echo?q=1 callee.example a+b body é" trailer of the callee'],
  once: [
    '200 "GET /echo?q=2 callee.example c+d " trailer of the callee',
    '200 "GET /echo?q=1 callee.example a+b " trailer of the callee',
  ],
  // Envoy answers these in place of the upstream.
  timeout: ['504 "upstream request timeout"'],
  unreachable: reset503,
  reset: reset503,
  // The answer had begun.
  broken: ["failure BrokenConnection reset"],
  unknown: ["BadArgument"],
  empty: ["InternalFailure"],
  sequence: ['200 "status 200"', '202 "status 202"', '201 "status 201"'],
  parallel: /^(204 ""\n404 "status 404"|404 "status 404"\n204 "")\njoined, 0 left$/,
  forget: ["Ok"],

  "grpc-unary": ['message "hello from filter"'],
  "grpc-empty": ['message ""'],
  "grpc-authority": ['message "callee.example"'],
  // The service's message as it comes on the wire.
  "grpc-failure": /^failure 7 not%20for%20you/,
  // Envoy's time-out and the service's, which Envoy tells it of, are a race.
  "grpc-timeout": /^failure (14 upstream request timeout|4 )/,
  "grpc-unreachable": /^failure 14 /,
  "grpc-unknown": ["InternalFailure"],
  "grpc-no-service": ["ParseFailure"],
  "grpc-server-stream": [
    "send Ok BadArgument",
    "initial first",
    'message "1"',
    'message "2"',
    'message "3"',
    "trailing last",
    "close 0 OK, send BadArgument, open false",
  ],
  "grpc-client-stream": [
    "close Ok BadArgument",
    "initial first",
    'message "0+1+2"',
    "trailing last",
    "close 0 OK, send BadArgument, open false",
  ],
  "grpc-bidi": [
    "open true again BadArgument",
    "initial first",
    'message "pong 1"',
    'message "pong 2"',
    'message "pong 3"',
    "trailing last",
    "close 0 OK, send BadArgument, open false",
  ],
  "grpc-early-close": ["initial first", "trailing last", "close 8 enough, send BadArgument, open false"],
  "grpc-cancel": ["initial first", 'message "pong 1"', "cancel Ok, send BadArgument, open false"],
  "grpc-stream-unreachable": /close 14 .*, send BadArgument, open false$/,
  "grpc-stream-unknown": ["InternalFailure"],

  "queue-status": [
    "absent true, same true",
    "empty true Empty",
    "gone true NotFound",
    "enqueue NotFound Ok",
    "first 0 Ok",
  ],

  timers: ["at once", "10", "20", "30"],
  periodic: ["every 10", "every 10", "every 10"],
  ticks: ["ticked"],
};

describe("callouts in Envoy", () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-callouts-"));
  let envoy: Envoy;
  let http: Callee;
  let grpc: GrpcCallee;
  let app: Awaited<ReturnType<typeof startApp>>;
  let plugins: ReadonlyMap<string, number>;

  before(async () => {
    const module = join(folder, "callouts.wasm");
    await compile("test/fixtures/callouts.ts", module);
    [http, grpc, app] = await Promise.all([Callee.start(), GrpcCallee.start(), startApp("app")]);
    const [admin = 0, closed = 0, own = 0, shared = 0] = await freePorts(4);
    plugins = new Map([
      ["own", own],
      ["shared", shared],
    ]);
    const ports = { admin, closed, plugins, app: app.port, http: http.port, grpc: grpc.port };
    envoy = await Envoy.start("callouts", calloutConfiguration(module, ports), admin, {
      concurrency: 1,
      logLevel: "info",
    });
    await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
  });

  after(async () => {
    await envoy.stop();
    await Promise.all([http.stop(), app.stop()]);
    grpc.stop();
    rmSync(folder, { recursive: true });
  });

  function ask(scenario: string, plugin = "own", headers: Record<string, string> = {}): Promise<Answer> {
    return get(plugins.get(plugin) ?? 0, "/", { headers: { ...headers, "x-scenario": scenario } });
  }

  for (const [scenario, expected] of Object.entries(scenarios)) {
    for (const plugin of ["own", "shared"]) {
      test(`${scenario}, of a plugin with ${plugin} contexts`, async () => {
        const { body } = await ask(scenario, plugin);
        if (expected instanceof RegExp) assert.match(body, expected);
        // Envoy adds its details in braces to the message of a status.
        else assert.deepEqual(body.replace(/\{[a-z_]+\}/, "").split("\n"), expected);
      });
    }
  }

  test("a reply continues a held request, or answers it", async () => {
    const allowed = await ask("verdict", "own", { "x-user": "ada" });
    assert.equal(allowed.status, 200);
    const { headers } = JSON.parse(allowed.body) as { headers: Record<string, string> };
    assert.equal(headers["x-verdict"], "allowed ada by filter");
    assert.deepEqual(await ask("verdict").then(({ status, body }) => [status, body]), [403, "denied"]);
  });

  test("many requests side by side each get their own answer", async () => {
    const users = Array.from({ length: 50 }, (_, i) => `user-${String(i)}`);
    const answers = await Promise.all(
      users.map((user, i) => ask("verdict", i % 2 ? "own" : "shared", { "x-user": user })),
    );
    assert.deepEqual(
      answers.map(({ body }) => (JSON.parse(body) as { headers: Record<string, string> }).headers["x-verdict"]),
      users.map((user) => `allowed ${user} by filter`),
    );
  });

  test("the plugin's own call is answered to the plugin", async () => {
    await envoy.until(async () => (await ask("root-call")).body !== "nothing");
    assert.equal((await ask("root-call")).body, '201 "status 201"');
  });

  test("messages of a queue come to the plugin that registered it", async () => {
    // Both plugins register it, the second one last.
    assert.equal((await ask("queue", "shared")).body, "one two ");
  });

  /** Sends a request that is held, and gives what ends it without an answer. */
  async function leave(scenario: string, plugin: string): Promise<() => void> {
    const from = envoy.process.output.length;
    const outgoing = request({
      host: "127.0.0.1",
      port: plugins.get(plugin),
      headers: { "x-scenario": scenario },
      agent: false,
    });
    outgoing.on("error", () => undefined);
    outgoing.end();
    await envoy.process.waitFor(new RegExp(`${scenario}: (sent|started)`), { from });
    return () => outgoing.destroy();
  }

  /** Waits until Envoy has no request of a plugin. */
  function idle(plugin: string): Promise<void> {
    return envoy.until(async () => (await envoy.stat(`http.${plugin}.downstream_rq_active`)) === 0);
  }

  for (const plugin of ["own", "shared"]) {
    test(`what belongs to a stream that is gone is dropped (${plugin})`, async () => {
      const from = envoy.process.output.length;
      const ends = [
        await leave("gone", plugin),
        await leave("grpc-unary-gone", plugin),
        await leave("grpc-stream-gone", plugin),
        await leave("timer-gone", plugin),
      ];
      const open = await http.gate();
      const held = [await grpc.held(), await grpc.held()];
      for (const end of ends) end();
      await idle(plugin);
      // gRPC calls are cancelled; an HTTP call cannot be, so its answer comes.
      await Promise.all(held.map(({ cancelled }) => cancelled));
      open();
      await envoy.until(async () => (await envoy.stat("cluster.http.upstream_rq_active")) === 0);
      await ask("late", plugin);
      assert.doesNotMatch(envoy.process.output.slice(from), /handled|failed|closed \d/);
    });
  }

  test("nothing was in another context, and nothing trapped", () => {
    assert.doesNotMatch(envoy.process.output, /another context|wasm-function|Wasm VM failed|RuntimeError/);
  });
});
