import assert from "node:assert/strict";
import { test } from "node:test";
import { toText } from "./bytes.ts";
import { dataStep, out, step } from "./testdata/probe.ts";
import { get, GET, log, POST, probeStream, reported, said, says, statuses } from "./testdata/run.ts";

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
  assert.deepEqual(stream.request.headers?.entries(), headers.entries());
  assert.equal(stream.responseHeaders({ ":status": "200" }).headers.get("server-timing"), "a");
});

test("a stream that the filter closes is reset", async () => {
  const { stream } = await probeStream({ proxy_on_request_headers: { steps: [step("proxy_close_stream", 0)] } });
  stream.requestHeaders(GET, { endOfStream: true });
  assert.equal(stream.resetReason, "wasm_close_stream");
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
