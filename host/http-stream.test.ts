import assert from "node:assert/strict";
import { test } from "node:test";
import { toText } from "./bytes.ts";
import { encodeFields } from "./foreign/protobuf.ts";
import { encodePairs } from "./pairs.ts";
import { dataStep, out, step, type Callback, type ProbeOptions, type Step } from "./testdata/probe.ts";
import { get, GET, POST, reported, said, start, statuses } from "./testdata/run.ts";

const log = (message: string): Step => ({ ...step("proxy_log", 2, message), quiet: true });
const says = (message: string, returns?: number): Callback => ({
  steps: [log(message)],
  ...(returns !== undefined && { returns }),
});
const requestBody = (...more: Step[]): Step[] => [
  log("body"),
  dataStep("proxy_get_buffer_bytes", 0, 0, 1000, out(0), out(1)),
  ...more,
];
/** Answers with `status` until the end of the stream, and then with Continue. */
const untilEnd = (status: number): string => `(if (i32.eqz (local.get 2)) (then (return (i32.const ${status}))))`;
const continues: Step = { ...step("proxy_continue_stream", 0), quiet: true };

async function probeStream(callbacks: ProbeOptions["callbacks"], more: object = {}) {
  const { host, plugin } = await start({ callbacks: callbacks ?? {} }, more);
  return { host, plugin, stream: plugin.newHttpStream() };
}

test("a stream without callbacks passes unchanged", async () => {
  const { stream } = await probeStream({});
  assert.equal(stream.requestHeaders(POST).action, "Continue");
  assert.equal(toText(stream.requestBody("a").body), "a");
  assert.equal(toText(stream.requestBody("b", { endOfStream: true }).body), "b");
  assert.equal(toText(stream.request.body), "ab");
  assert.ok(stream.request.ended);
  stream.responseHeaders({ ":status": "200" });
  stream.responseBody("hello");
  stream.responseTrailers({ t: "1" });
  assert.deepEqual(stream.response.trailers?.entries(), [["t", "1"]]);
  assert.ok(stream.response.ended);
});

test("the life of a stream", async () => {
  const names = [
    "context_create",
    "request_headers",
    "request_body",
    "request_trailers",
    "response_headers",
    "response_body",
    "response_trailers",
    "log",
    "done",
    "delete",
  ] as const;
  const callbacks = Object.fromEntries(names.map((name) => [`proxy_on_${name}`, says(name)]));
  const { host, stream } = await probeStream(callbacks);
  const before = said(host).length;
  stream.requestHeaders(POST);
  stream.requestBody("a");
  stream.requestTrailers({ t: "1" });
  stream.responseHeaders({ ":status": "200" });
  stream.responseBody("b");
  stream.responseTrailers({ t: "2" });
  stream.close();
  stream.close();
  assert.deepEqual(said(host).slice(before), names);
});

test("a stream that ends before its headers is created for the log", async () => {
  const { host, stream } = await probeStream({
    proxy_on_context_create: says("create"),
    proxy_on_log: { steps: [log("log"), step("proxy_get_header_map_value", 0, ":path", out(0), out(1))] },
  });
  stream.close();
  assert.deepEqual(said(host), ["create", "create", "log"]);
  assert.deepEqual(statuses(host), [1], "an absent map is NotFound in the log, and BadArgument elsewhere");
});

test("headers can be seen in their own phase and in the log", async () => {
  const path = dataStep("proxy_get_header_map_value", 0, ":path", out(0), out(1));
  const property = dataStep("proxy_get_property", "request\0path", out(0), out(1));
  const { host, stream } = await probeStream({
    proxy_on_request_headers: { steps: [path, property] },
    proxy_on_response_headers: {
      steps: [path, property, dataStep("proxy_get_property", "response\0code", out(0), out(1))],
    },
    proxy_on_log: { steps: [path, property, step("proxy_get_header_map_size", 0, out(0))] },
  });
  stream.requestHeaders(GET, { endOfStream: true });
  stream.responseHeaders({ ":status": "200" }, { endOfStream: true });
  stream.close();
  const status = { request: [0, 0], response: [2, 1, 0], log: [0, 0, 2] };
  assert.deepEqual(statuses(host), [...status.request, ...status.response, ...status.log]);
  assert.equal(reported(host)[4]?.bytes[0], 200);
});

test("changed headers go on changed", async () => {
  const { stream } = await probeStream({
    proxy_on_request_headers: {
      steps: [
        step("proxy_replace_header_map_value", 0, "X-Tenant", "t"),
        step("proxy_remove_header_map_value", 0, "x-secret"),
      ],
    },
    proxy_on_response_headers: { steps: [step("proxy_add_header_map_value", 2, "server-timing", "a")] },
  });
  const { headers } = stream.requestHeaders({ ...GET, "x-secret": "s" }, { endOfStream: true });
  assert.deepEqual([headers.get("x-tenant"), headers.has("x-secret")], ["t", false]);
  assert.equal(stream.request.headers, headers);
  assert.equal(stream.responseHeaders({ ":status": "200" }).headers.get("server-timing"), "a");
});

const answers: [returned: number, allowStopIteration: boolean, action: string][] = [
  [0, false, "Continue"],
  [1, false, "StopAllIterationAndWatermark"],
  [1, true, "StopIteration"],
  [2, false, "Continue"],
  [3, false, "StopAllIterationAndBuffer"],
  [4, false, "StopAllIterationAndWatermark"],
  [5, false, "StopAllIterationAndWatermark"],
  [-1, false, "StopAllIterationAndWatermark"],
];
for (const [returns, allowOnHeadersStopIteration, action] of answers) {
  test(`${returns} for headers is ${action}${allowOnHeadersStopIteration ? " if allowed" : ""}`, async () => {
    const { stream } = await probeStream({ proxy_on_request_headers: { returns } }, { allowOnHeadersStopIteration });
    const result = stream.requestHeaders(GET, { endOfStream: true });
    assert.equal(result.action, action);
    assert.equal(result.paused, action !== "Continue");
    assert.equal(stream.request.headers === undefined, result.paused);
  });
}

test("9 for a body is StopIterationNoBuffer", async () => {
  const { stream } = await probeStream({ proxy_on_request_body: { returns: 9 } });
  stream.requestHeaders(POST);
  assert.equal(stream.requestBody("a").action, "StopIterationNoBuffer");
});

test("a body is held back until the filter lets it go", async () => {
  const { host, stream } = await probeStream({ proxy_on_request_body: { steps: requestBody(), wat: untilEnd(1) } });
  stream.requestHeaders(POST);
  const first = stream.requestBody("ab");
  assert.deepEqual([first.action, first.paused, first.body.length], ["StopIterationAndBuffer", true, 0]);
  const last = stream.requestBody("cd", { endOfStream: true });
  assert.deepEqual([last.action, last.paused, toText(last.body)], ["Continue", false, "abcd"]);
  assert.deepEqual(
    reported(host).map(({ data }) => data),
    ["ab", "abcd"],
  );
});

test("with a watermark the filter sees each part alone, and nothing is lost", async () => {
  const { host, stream } = await probeStream({ proxy_on_request_body: { steps: requestBody(), wat: untilEnd(2) } });
  stream.requestHeaders(POST);
  stream.requestBody("ab");
  assert.equal(toText(stream.requestBody("cd", { endOfStream: true }).body), "abcd");
  assert.deepEqual(
    reported(host).map(({ data }) => data),
    ["ab", "cd"],
  );
});

test("without a buffer, what is stopped is gone, and the end passes even so", async () => {
  const { stream } = await probeStream({ proxy_on_request_body: { steps: requestBody(), wat: untilEnd(3) } });
  stream.requestHeaders(POST);
  stream.requestBody("ab");
  stream.requestBody("cd", { endOfStream: true });
  assert.equal(toText(stream.request.body), "cd");
  assert.ok(stream.request.ended);
});

test("while headers are stopped the body waits, and the filter sees it as one when it continues", async () => {
  const { host, plugin, stream } = await probeStream({
    proxy_on_request_headers: { returns: 1 },
    proxy_on_request_body: { steps: requestBody(step("proxy_get_header_map_value", 0, ":path", out(0), out(1))) },
    proxy_on_foreign_function: { steps: [{ ...step("proxy_set_effective_context", 2), quiet: true }, continues] },
  });
  assert.ok(stream.requestHeaders(POST).paused);
  assert.equal(stream.requestBody("ab").action, "NotCalled");
  assert.equal(stream.requestBody("cd", { endOfStream: true }).action, "NotCalled");
  assert.deepEqual(said(host), []);
  plugin.callForeign(0, "");
  assert.deepEqual(
    reported(host).map(({ status, data }) => [status, data]),
    [
      [0, "abcd"],
      [2, ""],
    ],
  );
  assert.equal(toText(stream.request.body), "abcd");
  assert.ok(stream.request.ended);
});

test("a stream that is paused with its trailers goes on with them", async () => {
  const { host, plugin, stream } = await probeStream({
    proxy_on_request_headers: { returns: 4 },
    proxy_on_request_trailers: says("trailers"),
    proxy_on_foreign_function: { steps: [{ ...step("proxy_set_effective_context", 2), quiet: true }, continues] },
  });
  stream.requestHeaders(POST);
  assert.equal(stream.requestTrailers({ t: "1" }).action, "NotCalled");
  plugin.callForeign(0, "");
  assert.deepEqual(said(host), ["trailers"]);
  assert.deepEqual(stream.request.trailers?.entries(), [["t", "1"]]);
});

test("trailers can be stopped", async () => {
  const { stream } = await probeStream({ proxy_on_request_trailers: { returns: 1 } });
  stream.requestHeaders(POST);
  const { action, paused } = stream.requestTrailers({ t: "1" });
  assert.deepEqual([action, paused], ["StopIteration", true]);
  assert.equal(stream.request.trailers, undefined);
});

const splices: [start: number, length: number, data: string, status: number, body: string][] = [
  [0, 0, "<", 0, "<abc"],
  [0, 3, "x", 0, "x"],
  [0, 100, "x", 0, "x"],
  [0, 2, "x", 0, "xc"],
  [3, 0, ">", 0, "abc>"],
  [100, 7, ">", 0, "abc>"],
  [1, 0, "x", 2, "abc"],
  [1, 1, "x", 2, "abc"],
  [1, 100, "x", 2, "abc"],
];
for (const [at, length, data, status, body] of splices) {
  test(`a splice at ${at} of ${length} gives ${body}`, async () => {
    const { host, stream } = await probeStream({
      proxy_on_request_body: { steps: [step("proxy_set_buffer_bytes", 0, at, length, data)] },
    });
    stream.requestHeaders(POST);
    assert.equal(toText(stream.requestBody("abc", { endOfStream: true }).body), body);
    assert.deepEqual(statuses(host), [status]);
  });
}

test("trailers that the filter adds at the end of a body go on", async () => {
  const { host, stream } = await probeStream({
    proxy_on_response_body: { steps: [step("proxy_add_header_map_value", 3, "t", "1")] },
    proxy_on_response_trailers: says("trailers"),
  });
  stream.requestHeaders(GET, { endOfStream: true });
  stream.responseHeaders({ ":status": "200" });
  stream.responseBody("a");
  stream.responseBody("b", { endOfStream: true });
  assert.deepEqual(statuses(host), [2, 0]);
  assert.deepEqual(stream.response.trailers?.entries(), [["t", "1"]]);
  assert.deepEqual(said(host), [], "they are for the filters after this one");
});

const deny = step(
  "proxy_send_local_response",
  403,
  "denied by rule\t1",
  "no",
  encodePairs([[Buffer.from("x-rule"), Buffer.from("1")]]),
  -1,
);

test("a local response goes through the filter's own response callbacks", async () => {
  const { host, stream } = await probeStream({
    proxy_on_request_headers: { steps: [deny] },
    proxy_on_response_headers: { steps: [log("headers"), step("proxy_add_header_map_value", 2, "x-seen", "1")] },
    proxy_on_response_body: says("body"),
  });
  const { localResponse, action } = stream.requestHeaders(POST);
  assert.equal(action, "StopAllIterationAndWatermark", "what the callback returned is not looked at");
  assert.deepEqual(
    [localResponse?.status, localResponse?.details, localResponse?.body],
    [403, "denied_by_rule_1", "no"],
  );
  assert.deepEqual(localResponse?.headers.entries(), [["x-rule", "1"]]);
  assert.deepEqual(said(host), ["headers", "body"]);
  assert.deepEqual(stream.response.headers?.entries(), [
    [":status", "403"],
    ["x-rule", "1"],
    ["content-length", "2"],
    ["content-type", "text/plain"],
    ["x-seen", "1"],
  ]);
  assert.equal(toText(stream.response.body), "no");
  assert.equal(stream.request.headers, undefined, "no upstream sees the request");
  assert.equal(stream.requestBody("late").action, "NotCalled");
  assert.throws(() => stream.responseHeaders({ ":status": "200" }), /answered by a local response/);
});

test("a local response to the response takes its place and passes the filter by", async () => {
  const { host, stream } = await probeStream({ proxy_on_response_headers: { steps: [log("headers"), deny] } });
  stream.requestHeaders(GET, { endOfStream: true });
  stream.responseHeaders({ ":status": "200" });
  assert.deepEqual(said(host), ["headers"]);
  assert.equal(stream.response.headers?.get(":status"), "403");
});

test("a local response after the response's headers resets the stream", async () => {
  const { stream } = await probeStream({ proxy_on_response_body: { steps: [deny] } });
  stream.requestHeaders(GET, { endOfStream: true });
  stream.responseHeaders({ ":status": "200" });
  stream.responseBody("a");
  assert.match(stream.resetReason ?? "", /after the response's headers/);
  assert.equal(stream.localResponse, undefined);
});

test("a local response to a gRPC request is a gRPC response", async () => {
  const steps = [step("proxy_send_local_response", 403, "d", "n\u00e9 %", "", 7)];
  const { stream } = await probeStream({ proxy_on_request_headers: { steps } });
  stream.requestHeaders({ ...POST, "content-type": "application/grpc" });
  assert.deepEqual(stream.response.headers?.entries(), [
    [":status", "200"],
    ["content-type", "application/grpc"],
    ["grpc-status", "7"],
    ["grpc-message", "n%C3%A9 %25"],
  ]);
  assert.ok(stream.response.ended);
});

test("a stream that the filter closes is reset", async () => {
  const { stream } = await probeStream({ proxy_on_request_headers: { steps: [step("proxy_close_stream", 0)] } });
  stream.requestHeaders(GET, { endOfStream: true });
  assert.equal(stream.resetReason, "wasm_close_stream");
});

test("to continue what is not paused does nothing, also from inside of the callback", async () => {
  const { stream } = await probeStream({ proxy_on_request_headers: { steps: [continues], returns: 1 } });
  assert.ok(stream.requestHeaders(GET, { endOfStream: true }).paused);
});

const limits: [name: string, callbacks: ProbeOptions["callbacks"], status: number, details: string][] = [
  ["a body that is held back", { proxy_on_request_body: { returns: 1 } }, 413, "request_payload_too_large"],
  ["a body behind stopped headers", { proxy_on_request_headers: { returns: 3 } }, 413, "request_payload_too_large"],
  ["a response that is held back", { proxy_on_response_headers: { returns: 3 } }, 500, "response_payload_too_large"],
];
for (const [name, callbacks, status, details] of limits) {
  test(`over the limit: ${name}`, async () => {
    const { plugin } = await start({ callbacks: callbacks ?? {} });
    const stream = plugin.newHttpStream({ bufferLimit: 4 });
    stream.requestHeaders(POST);
    assert.equal(stream.requestBody("abcd").localResponse, undefined);
    if (status === 413) stream.requestBody("e");
    else {
      stream.responseHeaders({ ":status": "200" });
      stream.responseBody("abcde");
    }
    assert.deepEqual([stream.localResponse?.status, stream.localResponse?.details], [status, details]);
    assert.equal(stream.response.headers?.get(":status"), String(status));
  });
}

test("a watermark has no limit", async () => {
  const { plugin } = await start({ callbacks: { proxy_on_request_headers: { returns: 4 } } });
  const stream = plugin.newHttpStream({ bufferLimit: 4 });
  stream.requestHeaders(POST);
  assert.equal(stream.requestBody("abcdefgh").localResponse, undefined);
});

test("filter state and the route cache", async () => {
  const object = encodeFields({ 1: "envoy.tcp_proxy.cluster", 2: "blue" });
  const { stream } = await probeStream({
    proxy_on_request_headers: {
      steps: [
        step("proxy_set_property", "user", "bob"),
        step("proxy_call_foreign_function", "clear_route_cache", "", 0, 0),
        step("proxy_call_foreign_function", "set_envoy_filter_state", object, 0, 0),
      ],
    },
  });
  stream.requestHeaders(GET, { endOfStream: true });
  assert.equal(stream.filterState("user"), "bob");
  assert.equal(stream.routeCacheCleared, 1);
  assert.equal(stream.envoyFilterState("envoy.tcp_proxy.cluster"), "blue");
});

test("a property that is declared read-only by the root context is written once", async () => {
  const declare = step("proxy_call_foreign_function", "declare_property", encodeFields({ 1: "once", 2: true }), 0, 0);
  const write = step("proxy_set_property", "once", "x");
  const { host, stream } = await probeStream({
    proxy_on_configure: { steps: [declare] },
    proxy_on_request_headers: { steps: [write, write] },
  });
  stream.requestHeaders(GET, { endOfStream: true });
  assert.deepEqual(statuses(host), [0, 0, 2]);
});

test("properties of the stream lie over those that it has by itself", async () => {
  const property = (path: string): Step => dataStep("proxy_get_property", path, out(0), out(1));
  const { host, plugin } = await start({
    callbacks: {
      proxy_on_request_headers: {
        steps: [
          property("source\0address"),
          property("request\0id"),
          property("request\0path"),
          property("metadata\0filter_metadata\0a\0b"),
        ],
      },
    },
  });
  const properties = {
    "source.address": "10.0.0.1:1",
    "request.id": "7",
    metadata: { filter_metadata: { a: { b: "c" } } },
  };
  plugin.newHttpStream({ properties }).requestHeaders(GET);
  assert.deepEqual(
    reported(host).map(({ data }) => data),
    ["10.0.0.1:1", "7", "/a?b=c", "c"],
  );
});

test("a test that confuses the order of things is told", async () => {
  const { stream, plugin } = await probeStream({ proxy_on_request_headers: { returns: 1 } });
  assert.throws(() => stream.requestBody("x"), /the request's headers were not sent yet/);
  stream.requestHeaders(GET, { endOfStream: true });
  assert.throws(() => stream.requestHeaders(GET), /sent already/);
  assert.throws(() => stream.requestBody("x"), /the request has ended already/);
  assert.throws(() => stream.responseHeaders({ ":status": "200" }), /has not let the request pass/);
  get(plugin).close();
});
