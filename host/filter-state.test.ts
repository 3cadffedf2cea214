import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeFields } from "./foreign/protobuf.ts";
import { dataStep, out, step, type Step } from "./testdata/probe.ts";
import { GET, probeStream, reported, start, statuses } from "./testdata/run.ts";

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
