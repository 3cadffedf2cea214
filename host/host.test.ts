import assert from "node:assert/strict";
import { test } from "node:test";
import { Status } from "./abi/enums.ts";
import { ProxyWasmHost } from "./host.ts";
import { dataStep, out, probe, reports, step } from "./testdata/probe.ts";

test("a filter logs, reads a header and answers by itself", async () => {
  const bytes = await probe({
    callbacks: {
      proxy_on_configure: { steps: [{ ...step("proxy_log", 2, "configured"), quiet: true }] },
      proxy_on_request_headers: {
        steps: [
          dataStep("proxy_get_header_map_value", 0, "X-User", out(0), out(1)),
          step("proxy_send_local_response", 403, "not allowed", "no", "", -1),
        ],
      },
    },
  });
  const host = await ProxyWasmHost.load(bytes);
  const plugin = host.startPlugin({ name: "p" });
  assert.ok(plugin.ok, plugin.reason);
  assert.deepEqual(
    host.log.lines.map(({ message }) => message),
    ["configured", "configured"],
  );

  const stream = plugin.newHttpStream();
  const result = stream.requestHeaders({ ":method": "GET", ":path": "/", "x-user": "bob" }, { endOfStream: true });
  assert.equal(result.action, "StopAllIterationAndWatermark");
  assert.deepEqual(
    reports(host.log.lines.map(({ message }) => message)).map(({ status, data }) => [status, data]),
    [
      [Status.Ok, "bob"],
      [Status.Ok, ""],
    ],
  );
  assert.equal(stream.localResponse?.status, 403);
  assert.equal(stream.localResponse.details, "not_allowed");
  assert.deepEqual(stream.response.headers?.entries(), [
    [":status", "403"],
    ["content-length", "2"],
    ["content-type", "text/plain"],
  ]);
  stream.close();
  host.close();
});
