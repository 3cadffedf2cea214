import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "./clock.ts";
import { Metrics } from "./metrics.ts";
import { encodePairs } from "./pairs.ts";
import { SharedData } from "./shared-data.ts";
import { SharedQueues } from "./shared-queue.ts";
import { dataStep, out, step, type Callback, type Step } from "./testdata/probe.ts";
import { get, GET, load, reported, said, start, statuses } from "./testdata/run.ts";

const log = (message: string): Step => ({ ...step("proxy_log", 2, message), quiet: true });
const says = (message: string, wat?: string): Callback => ({
  steps: [log(message)],
  ...(wat !== undefined && { wat }),
});
const quiet = (item: Step): Step => ({ ...item, quiet: true });
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

test("a plugin starts: create, vm_start, configure, with the configurations where they belong", async () => {
  const vmConfiguration = dataStep("proxy_get_buffer_bytes", 6, 0, 100, out(0), out(1));
  const configuration = dataStep("proxy_get_buffer_bytes", 7, 0, 100, out(0), out(1));
  const { host } = await start(
    {
      callbacks: {
        proxy_on_context_create: { steps: [log("create"), configuration] },
        proxy_on_vm_start: { steps: [log("vm_start"), vmConfiguration, configuration] },
        proxy_on_configure: { steps: [log("configure"), configuration] },
      },
    },
    { vmConfiguration: "vm", configuration: "plugin" },
  );
  assert.deepEqual(said(host), ["create", "vm_start", "configure"]);
  assert.deepEqual(
    reported(host).map(({ status, data }) => [status, data]),
    [
      [0, "plugin"],
      [0, "vm"],
      [1, ""],
      [0, "plugin"],
    ],
  );
});

test("a refused configuration gives the log as the reason", async () => {
  const host = await load({
    callbacks: { proxy_on_configure: { ...says("rules[3].limit: expected a number"), returns: 0 } },
  });
  const plugin = host.startPlugin();
  assert.equal(plugin.ok, false);
  assert.equal(plugin.failure?.stage, "configure");
  assert.match(plugin.reason, /returned false\n\[info\] rules\[3\]\.limit: expected a number/);
  assert.throws(() => plugin.newHttpStream(), /is not up/);
});

test("a canary comes first, and its side effects outside of the machine stay", async () => {
  const module = {
    callbacks: {
      proxy_on_configure: {
        steps: [
          step("proxy_get_shared_data", "k", out(0), out(1), out(2)),
          step("proxy_set_shared_data", "k", "v", 0),
          step("proxy_set_tick_period_milliseconds", 10),
        ],
      },
      proxy_on_tick: says("tick"),
      proxy_on_done: says("done"),
    },
  };
  const { host } = await start(module, { canary: true });
  assert.deepEqual(statuses(host), [1, 0, 0, 0, 0, 0]);
  host.clock.advance(10);
  assert.deepEqual(said(host), ["tick"], "the canary's timer is gone, and nobody told the canary");
});

test("a canary that fails keeps the real machine from being made", async () => {
  const host = await load({ callbacks: { proxy_on_vm_start: { ...says("start"), returns: 0 } } }, { canary: true });
  assert.equal(host.startPlugin().failure?.stage, "vm_start");
  assert.deepEqual(said(host), ["start"]);
});

test("plugins of one host share a machine", async () => {
  const wat =
    "(global.set $count (i32.add (global.get $count) (i32.const 1))) (i32.store (i32.const 16) (global.get $count)) (i32.store (i32.const 12) (local.get 0)) (call $report (i32.const 0) (i32.const 0))";
  const { host, plugin } = await start({
    callbacks: { proxy_on_configure: { wat }, _initialize: says("initialize") },
    extra: "(global $count (mut i32) (i32.const 0))",
  });
  const other = host.startPlugin({ rootId: "other" });
  assert.ok(other.ok);
  assert.deepEqual(said(host), ["initialize"]);
  assert.deepEqual(
    reported(host).map(({ status: contextId, words }) => [contextId, words[0]]),
    [
      [1, 1],
      [2, 2],
    ],
  );
  assert.deepEqual([plugin.rootId, other.rootId], ["r", "other"]);
});

test("ticks fire as time passes, one timer for a plugin", async () => {
  const { host, plugin } = await start({
    callbacks: {
      proxy_on_configure: { steps: [quiet(step("proxy_set_tick_period_milliseconds", 100))] },
      proxy_on_tick: says("tick"),
      proxy_on_request_headers: { steps: [quiet(step("proxy_set_tick_period_milliseconds", 0))] },
    },
  });
  assert.equal(plugin.tickPeriod, 100);
  host.clock.advance(99);
  assert.equal(said(host).length, 0);
  host.clock.advance(201);
  assert.equal(said(host).length, 3);
  get(plugin);
  host.clock.advance(1000);
  assert.equal(said(host).length, 3);
});

const callHeaders = encodePairs(
  Object.entries({ ":method": "GET", ":path": "/keys", ":authority": "id" }).map(
    ([k, v]) => [utf8(k), utf8(v)] as const,
  ),
);
const callout = {
  proxy_on_request_headers: {
    steps: [quiet(step("proxy_http_call", "up", callHeaders, "ask", "", 500, out(0)))],
    returns: 1,
  },
  proxy_on_http_call_response: {
    steps: [
      dataStep("proxy_get_header_map_value", 6, ":status", out(0), out(1)),
      dataStep("proxy_get_buffer_bytes", 4, 0, 100, out(0), out(1)),
      step("proxy_get_header_map_value", 7, "t", out(0), out(1)),
      step("proxy_get_status", out(0), out(1), out(2)),
      quiet(step("proxy_set_effective_context", 2)),
      dataStep("proxy_get_header_map_value", 0, ":path", out(0), out(1)),
      quiet(step("proxy_continue_stream", 0)),
    ],
  },
};

test("a callout is answered, and the stream that waited goes on", async () => {
  const { host, plugin } = await start({ callbacks: callout });
  const stream = get(plugin);
  const [call, ...others] = plugin.httpCalls;
  assert.ok(call !== undefined && others.length === 0);
  assert.deepEqual(
    [call.cluster, call.bodyText, call.timeoutMs, call.headers.get("content-length")],
    ["up", "ask", 500, "3"],
  );
  call.respond({ headers: { ":status": "201" }, body: "{}", trailers: { t: "1" } });
  assert.deepEqual(
    reported(host).map(({ status, data }) => [status, data]),
    [
      [0, "201"],
      [0, "{}"],
      [0, ""],
      [0, ""],
      [0, "/a?b=c"],
    ],
  );
  assert.ok(stream.request.ended);
  assert.deepEqual(plugin.httpCalls, []);
  assert.throws(() => call.respond({}), /is over already/);
});

test("a callout that breaks off has no headers and says why", async () => {
  const { host, plugin } = await start({ callbacks: callout });
  get(plugin);
  plugin.httpCalls[0]?.fail();
  assert.deepEqual(statuses(host).slice(0, 4), [2, 1, 2, 0]);
  assert.deepEqual([reported(host)[3]?.words[0], reported(host)[3]?.words[2]], [11, 5]);
});

test("a callout that takes too long is answered by Envoy", async () => {
  const { host, plugin } = await start({ callbacks: callout });
  get(plugin);
  host.clock.advance(499);
  assert.equal(reported(host).length, 0);
  host.clock.advance(1);
  assert.deepEqual(
    reported(host)
      .slice(0, 2)
      .map(({ data }) => data),
    ["504", "upstream request timeout"],
  );
});

test("an item of a shared queue reaches the last one who registered, in its own root context", async () => {
  const dequeue = dataStep("proxy_dequeue_shared_queue", 1, out(0), out(1));
  const module = {
    callbacks: {
      proxy_on_configure: { steps: [quiet(step("proxy_register_shared_queue", "q", out(0)))] },
      proxy_on_request_headers: { steps: [quiet(step("proxy_enqueue_shared_queue", 1, "item")), log("enqueued")] },
      proxy_on_queue_ready: { steps: [log("ready"), dequeue] },
    },
  };
  const sharedQueues = new SharedQueues();
  const first = await start(module, { sharedQueues });
  const second = await start(module, { sharedQueues });
  get(first.plugin);
  assert.deepEqual(said(first.host), ["enqueued"]);
  assert.deepEqual(said(second.host), ["ready"]);
  assert.equal(reported(second.host)[0]?.data, "item");
});

test("workers share data, metrics and time; the last one of a vm_id takes the data with it", async () => {
  const shared = { sharedData: new SharedData(), metrics: new Metrics(), clock: new Clock(), vmId: "vm" };
  const module = {
    callbacks: {
      proxy_on_request_headers: {
        steps: [
          dataStep("proxy_get_shared_data", "k", out(0), out(1), out(2)),
          step("proxy_set_shared_data", "k", "v", 0),
          step("proxy_define_metric", 0, "requests", out(0)),
          step("proxy_increment_metric", 4, 1n),
        ],
      },
    },
  };
  const [one, two, stranger] = [
    await start(module, shared),
    await start(module, shared),
    await start(module, { ...shared, vmId: "x" }),
  ];
  get(one.plugin);
  get(two.plugin);
  get(stranger.plugin);
  assert.equal(statuses(one.host)[0], 1);
  assert.deepEqual([statuses(two.host)[0], reported(two.host)[0]?.data], [0, "v"]);
  assert.equal(statuses(stranger.host)[0], 1, "another vm_id has other data");
  assert.equal(shared.metrics.get("requests"), 3);
  one.host.close();
  assert.equal(shared.sharedData.getText("vm", "k"), "v");
  two.host.close();
  assert.equal(shared.sharedData.get("vm", "k"), undefined);
});

test("the end of a plugin", async () => {
  const { host, plugin } = await start({ callbacks: { proxy_on_done: says("done"), proxy_on_delete: says("delete") } });
  assert.ok(plugin.close());
  host.close();
  assert.deepEqual(said(host), ["done", "delete"]);
});

test("a plugin that still has something to do ends when it says so", async () => {
  const { host, plugin } = await start({
    callbacks: {
      proxy_on_done: { ...says("done"), returns: 0 },
      proxy_on_tick: { steps: [log("tick"), step("proxy_done"), step("proxy_done")] },
      proxy_on_delete: says("delete"),
      proxy_on_configure: { steps: [quiet(step("proxy_set_tick_period_milliseconds", 10))] },
    },
  });
  assert.equal(plugin.close(), false);
  host.clock.advance(10);
  assert.ok(plugin.close());
  host.clock.advance(100);
  assert.deepEqual(said(host), ["done", "tick", "delete"]);
});

const traps = {
  callbacks: { proxy_on_request_headers: { wat: "(if (i32.eq (local.get 1) (i32.const 5)) (then unreachable))" } },
};
const poison = { ...GET, "x-poison": "1" };

test("a trap under FAIL_CLOSED: 503 for this stream and all that follow", async () => {
  const { plugin } = await start({ callbacks: { ...traps.callbacks, proxy_on_response_headers: says("response") } });
  const running = plugin.newHttpStream();
  running.requestHeaders(GET, { endOfStream: true });
  const failed = get(plugin, poison);
  for (const stream of [failed, get(plugin)]) {
    assert.deepEqual([stream.localResponse?.status, stream.localResponse?.details], [503, "wasm_fail_stream"]);
    assert.equal(stream.response.headers?.get(":status"), "503");
  }
  assert.match(plugin.trap ?? "", /unreachable/);
  running.responseHeaders({ ":status": "200" });
  assert.equal(running.localResponse?.status, 503, "a stream that was under way fails too");
});

test("a trap under FAIL_OPEN: traffic passes", async () => {
  const { plugin } = await start(traps, { failurePolicy: "FAIL_OPEN" });
  for (const stream of [get(plugin, poison), get(plugin)]) {
    assert.equal(stream.localResponse, undefined);
    assert.ok(stream.request.ended);
  }
});

test("a trap under FAIL_RELOAD: 503 for this stream, and a new machine for the next, but not too often", async () => {
  const { host, plugin } = await start(traps, { failurePolicy: "FAIL_RELOAD", reloadBackoffMs: 1000 });
  host.clock.advance(1000);
  assert.equal(get(plugin, poison).localResponse?.status, 503);
  assert.ok(get(plugin).request.ended);
  assert.equal(get(plugin, poison).localResponse?.status, 503);
  host.clock.advance(999);
  assert.equal(get(plugin).localResponse?.status, 503);
  host.clock.advance(1);
  assert.ok(get(plugin).request.ended);
});

test("the log level can be changed at any time, and drops what is below", async () => {
  const { host, plugin } = await start({
    callbacks: {
      proxy_on_request_headers: { steps: [quiet(step("proxy_log", 1, "debug")), step("proxy_get_log_level", out(0))] },
    },
  });
  get(plugin);
  host.log.level = "debug";
  get(plugin);
  assert.deepEqual(said(host), ["debug"]);
  assert.deepEqual(
    reported(host).map(({ words }) => words[0]),
    [2, 1],
  );
});
