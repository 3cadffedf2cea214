import assert from "node:assert/strict";
import { test } from "node:test";
import { toText } from "./bytes.ts";
import { encodePairs } from "./pairs.ts";
import { step } from "./testdata/probe.ts";
import { GET, log, POST, probeStream, said, says } from "./testdata/run.ts";

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
