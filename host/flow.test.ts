import assert from "node:assert/strict";
import { test } from "node:test";
import { toText } from "./bytes.ts";
import { dataStep, out, step, type ProbeOptions, type Step } from "./testdata/probe.ts";
import {
  continues,
  GET,
  log,
  POST,
  probeStream,
  reported,
  said,
  says,
  start,
  statuses,
  untilEnd,
} from "./testdata/run.ts";

const requestBody = (...more: Step[]): Step[] => [
  log("body"),
  dataStep("proxy_get_buffer_bytes", 0, 0, 1000, out(0), out(1)),
  ...more,
];

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
