import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeFields } from "./foreign/protobuf.ts";
import type { GrpcCall } from "./grpc-call.ts";
import { dataStep, out, step, type Callback, type Step } from "./testdata/probe.ts";
import { get, log, reported, said, start } from "./testdata/run.ts";

const quiet = (item: Step): Step => ({ ...item, quiet: true });
const says = (message: string): Callback => ({
  steps: [
    log(message),
    dataStep("proxy_get_buffer_bytes", 5, 0, 100, out(0), out(1)),
    dataStep("proxy_get_status", out(2), out(0), out(1)),
  ],
});
const callbacks = {
  proxy_on_grpc_receive_initial_metadata: says("initial metadata"),
  proxy_on_grpc_receive: says("message"),
  proxy_on_grpc_receive_trailing_metadata: says("trailing metadata"),
  proxy_on_grpc_close: says("close"),
};

async function begun(kind: "call" | "stream", target: string | Uint8Array = "up") {
  const begin =
    kind === "call"
      ? step("proxy_grpc_call", target, "s.S", "M", "", "ping", 500, out(0))
      : step("proxy_grpc_stream", target, "s.S", "M", "", out(0));
  const { host, plugin } = await start({
    callbacks: { ...callbacks, proxy_on_request_headers: { steps: [quiet(begin)] } },
  });
  get(plugin);
  const [call] = plugin.grpcCalls;
  assert.ok(call);
  return { host, plugin, call };
}

/** What the server does, what the module is told of, and the last status and message. Envoy 1.40 gave the same. */
const answers: [
  kind: "call" | "stream",
  name: string,
  act: (call: GrpcCall) => void,
  told: string[],
  status: string,
][] = [
  ["call", "a reply", (call) => call.reply("pong"), ["message"], "0 "],
  ["call", "no message", (call) => call.end(), ["close"], "13 "],
  ["call", "a refusal", (call) => call.end({ status: 7, message: "no" }), ["close"], "7 no{via_upstream}"],
  ["call", "no gRPC", (call) => call.answerWithoutGrpc(), ["close"], "13 via_upstream"],
  [
    "stream",
    "two messages",
    (call) => {
      call.send("1");
      call.send("2");
      call.end({ trailers: { t: "1" } });
    },
    ["initial metadata", "message", "message", "trailing metadata", "close"],
    "0 via_upstream",
  ],
  [
    "stream",
    "a refusal",
    (call) => call.end({ status: 7, message: "n\u00f6" }),
    ["initial metadata", "trailing metadata", "close"],
    "7 n%C3%B6{via_upstream}",
  ],
];
describe("what a module hears of", () => {
  for (const [kind, name, act, told, status] of answers) {
    test(`${name} to a ${kind}`, async () => {
      const { host, plugin, call } = await begun(kind);
      act(call);
      assert.deepEqual(said(host), told);
      const [last] = reported(host).slice(-1);
      assert.equal(`${last?.words[2] ?? ""} ${last?.data ?? ""}`, status);
      assert.deepEqual(plugin.grpcCalls, []);
      assert.throws(() => call.end(), /is over already/);
    });
  }
});

test("a call times out", async () => {
  const { host, call } = await begun("call");
  host.clock.advance(499);
  assert.ok(call.pending);
  host.clock.advance(1);
  assert.deepEqual(said(host), ["close"]);
  const [last] = reported(host).slice(-1);
  assert.equal(last?.data, "upstream request timeout{response_timeout}");
});

test("a serialized GrpcService names a cluster too", async () => {
  const { call } = await begun("call", encodeFields({ 1: encodeFields({ 1: "up" }) }));
  assert.deepEqual([call.cluster, call.path, call.messageTexts, call.ended], ["up", "/s.S/M", ["ping"], true]);
});

test("a call or stream that is under way is forgotten with its plugin", async () => {
  const { host, plugin, call } = await begun("stream");
  plugin.close();
  assert.ok(!call.pending);
  host.clock.advance(1000);
  assert.deepEqual(said(host), []);
});

test("an empty name of a cluster would crash Envoy", async () => {
  const begin = step("proxy_grpc_call", "", "s.S", "M", "", "ping", 500, out(0));
  const { host, plugin } = await start({ callbacks: { proxy_on_request_headers: { steps: [begin] } } });
  get(plugin);
  assert.equal(reported(host)[0]?.status, 10);
  assert.match(
    host.log.lines[0]?.message ?? "",
    /^Envoy crashes here: the gRPC service reads as a GrpcService without a target/,
  );
});
