import assert from "node:assert/strict";
import { test } from "node:test";
import { ProxyWasmHost } from "./host.ts";
import { assemble, dataStep, out, step, type Callback, type ProbeOptions, type Step } from "./testdata/probe.ts";
import { get, load, reported, said, start, statuses } from "./testdata/run.ts";

const log = (message: string): Step => ({ ...step("proxy_log", 2, message), quiet: true });
const says = (message: string, wat?: string): Callback => ({
  steps: [log(message)],
  ...(wat !== undefined && { wat }),
});

const orders: [name: string, callbacks: ProbeOptions["callbacks"], order: string[]][] = [
  [
    "_initialize and main",
    { _initialize: says("_initialize"), main: says("main"), __main_void: says("void") },
    ["_initialize", "main"],
  ],
  [
    "_initialize and __main_void",
    { _initialize: says("_initialize"), __main_void: says("void") },
    ["_initialize", "void"],
  ],
  [
    "_start is not called beside _initialize",
    { _initialize: says("_initialize"), _start: says("_start") },
    ["_initialize"],
  ],
  ["_start", { _start: says("_start"), main: says("main") }, ["_start"]],
];
for (const [name, callbacks, order] of orders) {
  test(`what runs at start: ${name}`, async () => {
    const { host } = await start({ callbacks: callbacks ?? {} });
    assert.deepEqual(said(host), order);
  });
}

test("while it starts, a module can log and read clock, environment and random bytes", async () => {
  const { host } = await start({
    callbacks: {
      _initialize: {
        steps: [
          step("proxy_log", 2, "x"),
          step("wasi:clock_time_get", 0, 0n, out(0)),
          step("wasi:random_get", out(0), 4),
          step("wasi:environ_sizes_get", out(0), out(1)),
        ],
      },
    },
  });
  assert.deepEqual(statuses(host), [0, 0, 0, 0]);
});

for (const call of [
  step("proxy_get_current_time_nanoseconds", out(0)),
  step("proxy_get_log_level", out(0)),
  step("proxy_define_metric", 0, "m", out(0)),
  step("proxy_get_buffer_bytes", 6, 0, 1, out(0), out(1)),
  step("proxy_set_tick_period_milliseconds", 1),
  step("proxy_set_shared_data", "k", "v", 0),
  step("wasi:proc_exit", 0),
]) {
  test(`while it starts, a module cannot call ${call.call}`, async () => {
    const host = await load({ callbacks: { _initialize: { steps: [call, log("not reached")] } } });
    const plugin = host.startPlugin();
    assert.equal(plugin.failure?.stage, "start");
    assert.match(plugin.failure.message, /_initialize failed: Uncaught Error: restricted_callback/);
    assert.deepEqual(said(host), []);
  });
}

test("a module that catches the refusal is dead even so", async () => {
  const host = await load({
    callbacks: {
      _initialize: { wat: "(try (do (call $not_yet)) (catch_all))", steps: [] },
      proxy_on_tick: { steps: [step("proxy_done")] },
    },
    extra: "(func $not_yet (drop (call $proxy_done)))",
  });
  assert.equal(host.startPlugin().failure?.stage, "start");
});

test("malloc is preferred, and proxy_on_memory_allocate will do", async () => {
  const steps = [dataStep("proxy_get_property", "plugin_name", out(0), out(1))];
  for (const allocatorName of ["malloc", "proxy_on_memory_allocate"] as const) {
    const extra =
      allocatorName === "malloc"
        ? `(func (export "proxy_on_memory_allocate") (param i32) (result i32) unreachable)`
        : "";
    const { host } = await start({ callbacks: { proxy_on_configure: { steps } }, allocatorName, extra });
    assert.deepEqual(
      reported(host).map(({ status, data }) => [status, data]),
      [[0, "p"]],
    );
  }
});

test("an allocator that gives nothing makes the call fail, and only the call", async () => {
  const steps = [
    step("proxy_get_property", "plugin_name", out(0), out(1)),
    step("proxy_get_shared_data", "k", out(0), out(1), out(2)),
  ];
  const { host } = await start({ callbacks: { proxy_on_configure: { steps } }, allocator: "(i32.const 0)" });
  assert.deepEqual(statuses(host), [6, 1]);
});

test("an allocator that points outside of the memory makes the call fail", async () => {
  const steps = [step("proxy_get_property", "plugin_name", out(0), out(1))];
  const { host } = await start({ callbacks: { proxy_on_configure: { steps } }, allocator: "(i32.const -1)" });
  assert.deepEqual(statuses(host), [6]);
});

test("an allocator may log, and nothing else that acts on the proxy", async () => {
  const steps = [step("proxy_get_property", "plugin_name", out(0), out(1)), log("goes on")];
  const allowed = await start({
    callbacks: { proxy_on_configure: { steps } },
    allocator: "(drop (call $proxy_log (i32.const 2) (i32.const 0) (i32.const 0))) (i32.const 512)",
  });
  assert.deepEqual(statuses(allowed.host), [0]);

  const host = await load({
    callbacks: { proxy_on_configure: { steps: [...steps, { ...step("proxy_done"), quiet: true }] } },
    allocator: "(drop (call $proxy_done)) (i32.const 512)",
  });
  assert.match(
    host.startPlugin({ name: "p" }).failure?.message ?? "",
    /malloc failed: Uncaught Error: restricted_callback: proxy_done/,
  );
  assert.ok(said(host).includes("goes on"), "the callback that asked for memory runs to its end");
});

test("a trap names the function and where it was", async () => {
  const { host, plugin } = await start({
    callbacks: { proxy_on_request_headers: { wat: "(call $inner)" } },
    extra: "(func $inner unreachable)",
  });
  get(plugin);
  assert.match(
    plugin.trap ?? "",
    /^Function: proxy_on_request_headers failed: Uncaught RuntimeError: unreachable\nProxy-Wasm plugin in-VM backtrace:\n {2}0: 0x[0-9a-f]+ - inner\n/,
  );
  assert.deepEqual(
    host.log.lines.map(({ level, source }) => [level, source]),
    [["error", "host"]],
  );
});

test("a dead machine is not called again", async () => {
  const { host, plugin } = await start({
    callbacks: {
      proxy_on_request_headers: { wat: "unreachable" },
      proxy_on_response_headers: says("response"),
      proxy_on_log: says("log"),
      proxy_on_done: says("done"),
      proxy_on_delete: says("delete"),
      proxy_on_tick: says("tick"),
      proxy_on_configure: { steps: [step("proxy_set_tick_period_milliseconds", 10)] },
    },
  });
  get(plugin).close();
  host.clock.advance(100);
  plugin.close();
  host.close();
  assert.deepEqual(said(host), []);
});

test("a memory that the module imports is made for it", async () => {
  const bytes = await assemble(`(module (import "env" "memory" (memory 1))
    (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
    (func (export "proxy_abi_version_0_2_1"))
    (func (export "malloc") (param i32) (result i32) (i32.const 8))
    (func (export "proxy_on_tick") (param i32))
    (func (export "proxy_on_configure") (param i32 i32) (result i32)
      (i32.store (i32.const 0) (i32.const 0x6968)) (drop (call $log (i32.const 2) (i32.const 0) (i32.const 2))) (i32.const 1)))`);
  const host = await ProxyWasmHost.load(bytes, { canary: false });
  const plugin = host.startPlugin();
  assert.ok(plugin.ok, plugin.reason);
  assert.deepEqual(said(host), ["hi"]);
});

test("random bytes depend on the seed alone", async () => {
  const draw = async (random: number): Promise<string> => {
    const { host } = await start(
      { callbacks: { proxy_on_configure: { steps: [step("wasi:random_get", out(0), 24)] } } },
      { random },
    );
    return JSON.stringify(reported(host)[0]?.words);
  };
  assert.equal(await draw(7), await draw(7));
  assert.notEqual(await draw(7), await draw(8));
});

test("a capability that is not allowed answers, and a callback that is not allowed is not called", async () => {
  const steps = [step("proxy_done"), step("wasi:fd_read", 0, 0, 0, 0), step("wasi:sched_yield")];
  const { host, plugin } = await start(
    { callbacks: { proxy_on_configure: { steps }, proxy_on_request_headers: says("called") } },
    { capabilities: ["proxy_on_configure", "proxy_log", "sched_yield"] },
  );
  get(plugin);
  assert.deepEqual(statuses(host), [10, 76, 0]);
  assert.deepEqual(said(host), []);
});

test("a quota ends a module that logs without end", async () => {
  const wat = "(loop (drop (call $proxy_log (i32.const 2) (i32.const 0) (i32.const 65536))) (br 0))";
  const host = await load({ callbacks: { proxy_on_configure: { wat } } }, { quota: 1_000_000 });
  const plugin = host.startPlugin();
  assert.equal(plugin.failure?.stage, "trap");
  assert.match(plugin.failure.message, /keep more than 1000000 bytes \(the last of it: a log line\)/);
});
