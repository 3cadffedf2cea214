import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { toText } from "./bytes.ts";
import { formatLog } from "./log.ts";
import { encodePairs } from "./pairs.ts";
import { testFilter, type TestFilterOptions } from "./test-filter.ts";
import { dataStep, out, probe, reports, step, type ProbeOptions, type Step } from "./testdata/probe.ts";
import { WasmTrap } from "./trap.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const pairs = (headers: Record<string, string>): Uint8Array =>
  encodePairs(Object.entries(headers).map(([name, value]) => [utf8(name), utf8(value)] as const));
const log = (level: number, message: string): Step => ({ ...step("proxy_log", level, message), quiet: true });

async function filterOf(callbacks: ProbeOptions["callbacks"], options: TestFilterOptions = {}) {
  return testFilter(await probe({ callbacks: callbacks ?? {} }), { canary: false, ...options });
}

test("a whole request and its response", async () => {
  const filter = await filterOf({
    proxy_on_request_headers: { steps: [step("proxy_add_header_map_value", 0, "x-user", "ada")] },
    proxy_on_response_headers: { steps: [step("proxy_add_header_map_value", 2, "x-seen", "1")] },
  });
  const stream = filter.stream({ source: "10.0.0.1:4711" });
  const settled = stream.send({
    method: "POST",
    path: "/orders",
    headers: { a: "b" },
    body: ["x", "y"],
    trailers: { t: "1" },
  });
  assert.deepEqual(settled, { paused: false, localResponse: undefined });
  assert.deepEqual(stream.request.headers?.entries(), [
    [":authority", "test.example"],
    [":path", "/orders"],
    [":method", "POST"],
    [":scheme", "http"],
    ["a", "b"],
    ["x-user", "ada"],
  ]);
  assert.equal(toText(stream.request.body), "xy");
  assert.equal(stream.request.trailers?.get("t"), "1");
  stream.respond({ status: 201, body: "made" });
  assert.deepEqual([stream.response.headers?.get(":status"), stream.response.headers?.get("x-seen")], ["201", "1"]);
  assert.ok(stream.response.ended);
  filter.close({ idle: true });
});

test("a local response ends the sending of the request", async () => {
  const filter = await filterOf({
    proxy_on_request_headers: { steps: [step("proxy_send_local_response", 403, "d", "no", "", -1)] },
  });
  const stream = filter.stream();
  assert.equal(stream.send({ body: ["x", "y"] }).localResponse?.status, 403);
  assert.equal(filter.stream().get("/").localResponse?.body, "no");
});

test("callouts are answered by the name of their cluster", async () => {
  const headers = pairs({ ":method": "GET", ":path": "/", ":authority": "a" });
  const filter = await filterOf({
    proxy_on_request_headers: {
      steps: [
        step("proxy_http_call", "auth", headers, "", "", 1000, out(0)),
        step("proxy_grpc_call", "limits", "v1.Limits", "Check", "", "ping", 1000, out(0)),
      ],
      returns: 1,
    },
    proxy_on_http_call_response: { steps: [log(3, "answered")] },
    proxy_on_grpc_receive: {
      steps: [dataStep("proxy_get_buffer_bytes", 5, 0, 100, out(0), out(1)), log(3, "received")],
    },
    proxy_on_grpc_close: { steps: [log(3, "closed")] },
  });
  const stream = filter.stream();
  assert.ok(stream.get("/").paused);
  filter.callout("auth").respond({ body: "yes" });
  assert.deepEqual(filter.grpcCall("v1.Limits").messageTexts, ["ping"]);
  filter.grpcCall("limits").reply("pong");
  const said = filter.logs("warn").filter((message) => !message.startsWith("probe "));
  assert.deepEqual(said, ["answered", "received"]);
  assert.throws(() => filter.callout("auth"), /no HTTP call to "auth"; there is nothing/);

  filter.stream().get("/");
  assert.throws(() => filter.callout("other"), /no HTTP call to "other"; there are: auth/);
  filter.advance("1s");
  assert.deepEqual(filter.logs("warn").slice(-2), ["answered", "closed"]);
  filter.stream().get("/");
  assert.throws(
    () => filter.close({ idle: true }),
    /left when the filter was closed: the HTTP call 12 to auth, the gRPC call 13/,
  );
});

test("metrics are read by type and name", async () => {
  const filter = await filterOf({
    proxy_on_configure: {
      steps: [
        step("proxy_define_metric", 0, "denied", out(0)),
        step("proxy_define_metric", 1, "open", out(0)),
        step("proxy_define_metric", 2, "sizes", out(0)),
        step("proxy_increment_metric", 4, 3n),
        step("proxy_record_metric", 5, 2n),
        step("proxy_record_metric", 6, 7n),
      ],
    },
  });
  assert.deepEqual([filter.counter("denied"), filter.gauge("open"), filter.histogram("sizes")], [3, 2, [7]]);
  assert.throws(() => filter.counter("open"), /no counter "open"; there are: denied, open, sizes/);
});

test("time, the seed and the configuration are what the test says", async () => {
  const filter = await filterOf(
    {
      proxy_on_configure: {
        steps: [
          dataStep("proxy_get_buffer_bytes", 7, 0, 100, out(0), out(1)),
          step("proxy_set_tick_period_milliseconds", 500),
        ],
      },
      proxy_on_tick: { steps: [log(2, "tick")] },
    },
    { now: "2030-01-01T00:00:00Z", configuration: { a: 1 } },
  );
  assert.equal(filter.plugin.configuration, `{"a":1}`);
  assert.equal(filter.host.clock.realtime, BigInt(Date.UTC(2030, 0, 1)) * 1_000_000n);
  filter.advance("1.2s");
  assert.deepEqual(filter.logs("info").filter((line) => line === "tick").length, 2);
  await assert.rejects(filterOf({}, { now: "tomorrow" }), /now: expected a date and time, found "tomorrow"/);
  assert.throws(() => filter.advance("soon"), /a duration: expected a number and ms, s, m, h or d, found "soon"/);
});

test("a refused configuration is an error with the filter's reason", async () => {
  const refused = filterOf({ proxy_on_configure: { steps: [log(4, "limit: expected a number")], returns: 0 } });
  await assert.rejects(
    refused,
    /the filter does not start: proxy_on_configure returned false\n.*limit: expected a number/,
  );
});

const trapping = { proxy_on_request_headers: { steps: [log(4, "abort: no user")], wat: "(call $deep)" } };
const deep = "(func $deep unreachable)";

test("a trap is thrown by the call that led to it, with the module's stack", async () => {
  const filter = await testFilter(await probe({ callbacks: trapping, extra: deep }));
  assert.throws(
    () => filter.stream().get("/"),
    (error: unknown) => {
      assert.ok(error instanceof WasmTrap);
      assert.equal(error.message, "proxy_on_request_headers trapped: abort: no user");
      assert.match(
        error.stack ?? "",
        /^WasmTrap: .*\n {4}at deep \(wasm-function\[\d+\]:0x[0-9a-f]+\)\n[^]*test-filter.test.ts/,
      );
      return true;
    },
  );
});

test("a trap is the failure policy's if the test says so", async () => {
  const filter = await testFilter(await probe({ callbacks: trapping, extra: deep }), { traps: "answer" });
  assert.equal(filter.stream().get("/").localResponse?.status, 503);
});

test("a source map beside the module gives the lines of a trap", async () => {
  const folder = await mkdtemp(join(tmpdir(), "meshwright-host-"));
  try {
    const file = join(folder, "x.wasm");
    await writeFile(file, await probe({ callbacks: trapping, extra: deep }));
    // One mapping for all positions: line 3, column 5 of a.ts.
    const map = { version: 3, sources: ["assembly/a.ts"], names: [], mappings: "AAEI" };
    await writeFile(`${file}.map`, JSON.stringify(map));
    const filter = await testFilter(file);
    assert.throws(
      () => filter.stream().get("/"),
      ({ stack = "" }: Error) => stack.includes("    at deep (assembly/a.ts:3:5)\n"),
    );
    await writeFile(`${file}.map`, "{}");
    await assert.rejects(testFilter(file), /expected a source map/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("METADATA frames go to the filter and on, after headers that are held back", async () => {
  const filter = await filterOf({
    proxy_on_request_headers: { returns: 1 },
    proxy_on_request_metadata: { steps: [log(2, "metadata")], returns: 1 },
    proxy_on_request_body: { steps: [log(2, "body")] },
    proxy_on_foreign_function: {
      steps: [
        { ...step("proxy_set_effective_context", 2), quiet: true },
        { ...step("proxy_continue_stream", 0), quiet: true },
      ],
    },
  });
  const stream = filter.stream();
  stream.requestHeaders({ ":path": "/" });
  stream.requestMetadata({ a: "1" });
  stream.requestBody("x");
  assert.deepEqual(filter.logs(), []);
  filter.plugin.callForeign(0, "");
  stream.requestMetadata({ b: "2" });
  assert.deepEqual(filter.logs(), ["metadata", "body", "metadata"]);
  assert.deepEqual(
    stream.request.metadata.map((metadata) => metadata.entries()),
    [[["a", "1"]], [["b", "2"]]],
  );
});

test("a plugin without streams logs and ticks", async () => {
  const filter = await filterOf({
    proxy_on_configure: { steps: [{ ...step("proxy_set_tick_period_milliseconds", 10), quiet: true }] },
    proxy_on_tick: { steps: [log(2, "tick")] },
    proxy_on_log: { steps: [log(2, "log"), step("proxy_get_header_map_value", 0, ":path", out(0), out(1))] },
  });
  filter.advance(10);
  filter.plugin.logStream({ request: { ":path": "/" }, response: { ":status": "200" } });
  const [tick, logged, report] = filter.logs();
  assert.deepEqual([tick, logged], ["tick", "log"]);
  assert.equal(reports([report ?? ""])[0]?.status, 0);
});

test("what crashes Envoy is an error", async () => {
  const steps = [step("proxy_continue_stream", 1)];
  const strict = await filterOf({ proxy_on_request_headers: { steps } });
  assert.throws(() => strict.stream().get("/"), /Envoy crashes here: the response is continued before it has begun/);
  const lenient = await filterOf({ proxy_on_request_headers: { steps } }, { traps: "answer" });
  lenient.stream().get("/");
  assert.match(formatLog(lenient.host.log.lines), /Envoy crashes here/);
});
