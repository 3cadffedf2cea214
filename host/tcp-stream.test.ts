import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "node:test";
import { concat, toText } from "./bytes.ts";
import { step, type ProbeOptions } from "./testdata/probe.ts";
import { says, said, start } from "./testdata/run.ts";

const life = Object.fromEntries(
  [
    "context_create",
    "new_connection",
    "downstream_data",
    "upstream_data",
    "downstream_connection_close",
    "upstream_connection_close",
    "done",
    "log",
    "delete",
  ].map((name) => [`proxy_on_${name}`, says(name)]),
);

async function connection(callbacks: ProbeOptions["callbacks"], options: object = {}) {
  const { host, plugin } = await start({ callbacks: callbacks ?? {} }, options);
  return { host, plugin, stream: plugin.newTcpStream() };
}

test("the life of a connection", async () => {
  const { host, stream } = await connection(life);
  const begun = said(host).length;
  assert.deepEqual(said(host).slice(1), ["context_create", "new_connection"]);
  stream.downstreamData("ping");
  stream.upstreamData("pong", { endOfStream: true });
  stream.downstreamData("", { endOfStream: true });
  assert.deepEqual(said(host).slice(begun), [
    "downstream_data",
    "upstream_data",
    "upstream_connection_close",
    "downstream_data",
    "downstream_connection_close",
    "done",
    "log",
    "delete",
  ]);
  assert.deepEqual([toText(stream.upstream.data), stream.upstream.ended], ["ping", true]);
  assert.deepEqual([toText(stream.downstream.data), stream.downstream.ended], ["pong", true]);
  assert.equal(stream.closedBy, "remote");
  assert.throws(() => stream.upstreamData("x"), /has sent its last byte already/);
});

test("data is held back until the filter has enough", async () => {
  const wat = "(if (i32.lt_u (local.get 1) (i32.const 4)) (then (return (i32.const 1))))";
  const { stream } = await connection({ proxy_on_downstream_data: { wat } });
  assert.deepEqual(stream.downstreamData("ab").action, "StopIteration");
  const { action, paused, data } = stream.downstreamData("cd");
  assert.deepEqual([action, paused, toText(data)], ["Continue", false, "abcd"]);
});

test("a connection that is stopped reaches no upstream until it is continued", async () => {
  const { host, plugin, stream } = await connection({
    proxy_on_new_connection: { returns: 1 },
    proxy_on_downstream_data: says("data"),
    proxy_on_foreign_function: {
      steps: [
        { ...step("proxy_set_effective_context", 2), quiet: true },
        { ...step("proxy_continue_stream", 2), quiet: true },
      ],
    },
  });
  assert.equal(stream.action, "StopIteration");
  assert.equal(stream.downstreamData("ab").action, "NotCalled");
  assert.throws(() => stream.upstreamData("x"), /there is no upstream/);
  plugin.callForeign(0, "");
  assert.deepEqual(said(host), ["data"]);
  assert.equal(toText(stream.upstream.data), "ab");
});

test("a trap closes the connection, or lets it pass if the plugin fails open", async () => {
  const callbacks = { proxy_on_downstream_data: { wat: "unreachable" } };
  const closed = await connection(callbacks);
  closed.stream.downstreamData("ab");
  assert.equal(closed.stream.closedBy, "local");
  assert.equal(closed.plugin.newTcpStream().closedBy, "local");
  const open = await connection(callbacks, { failurePolicy: "FAIL_OPEN" });
  open.stream.downstreamData("ab");
  assert.equal(toText(open.stream.upstream.data), "ab");
  assert.equal(open.plugin.newTcpStream().connected, true);
});

test("whatever is sent in whatever pieces arrives in order", async () => {
  const { plugin } = await start({
    callbacks: { proxy_on_downstream_data: { wat: "(return (i32.and (local.get 1) (i32.const 1)))" } },
  });
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 5 })), (pieces) => {
      const stream = plugin.newTcpStream();
      for (const piece of pieces) stream.downstreamData(piece);
      const all = concat(...pieces);
      const { data } = stream.upstream;
      assert.deepEqual(data, all.subarray(0, data.length));
      // An odd number of bytes is held back by this filter.
      if (all.length % 2 === 0) assert.equal(data.length, all.length);
      stream.close();
    }),
  );
});
