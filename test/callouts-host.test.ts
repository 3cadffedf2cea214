// HTTP calls, timers and queues of a filter in the Node host, where the test answers and time stands still.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ProxyWasmHost, type HttpStream, type Plugin } from "@meshwright/host";
import { compile } from "../setup/filters.mjs";

describe("callouts in the host", () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-callouts-host-"));
  let module: Uint8Array;

  before(async () => {
    const file = join(folder, "callouts.wasm");
    await compile("test/fixtures/callouts.ts", file);
    module = readFileSync(file);
  });
  after(() => rmSync(folder, { recursive: true }));

  /** Runs a plugin, whose own call is answered already. */
  async function withPlugin(configuration: string, run: (host: ProxyWasmHost, plugin: Plugin) => void): Promise<void> {
    const host = await ProxyWasmHost.load(module, { clusters: ["http", "closed", "empty"] });
    const plugin = host.startPlugin({ configuration });
    assert.ok(plugin.ok, plugin.reason);
    host.clock.advance(1);
    plugin.httpCalls[0]?.respond({ headers: { ":status": "201" }, body: "done" });
    run(host, plugin);
    assert.equal(plugin.trap, undefined);
    host.close();
  }

  function start(plugin: Plugin, scenario: string, more: Record<string, string> = {}): HttpStream {
    const stream = plugin.newHttpStream();
    stream.requestHeaders(
      { ":method": "GET", ":path": "/", ":authority": "a", "x-scenario": scenario, ...more },
      { endOfStream: true },
    );
    return stream;
  }

  const answerOf = (stream: HttpStream): string => Buffer.from(stream.localResponse?.body ?? "").toString();

  for (const configuration of ["own", "shared"]) {
    describe(`with ${configuration} contexts`, () => {
      test("the request is what the filter made it, and each answer reaches its own stream", () =>
        withPlugin(configuration, (_host, plugin) => {
          const streams = ["ada", "grace"].map((user) => start(plugin, "verdict", { "x-user": user }));
          const [first, second] = plugin.httpCalls;
          assert.ok(first !== undefined && second !== undefined);
          assert.deepEqual(
            [":method", ":path", ":authority", ":scheme", "x-asks"].map((name) => first.headers.get(name)),
            ["POST", "/authorize", "http", "http", "filter"],
          );
          assert.equal(first.bodyText, "ada");
          // The other way round.
          second.respond({ headers: { "x-user": "g" } });
          first.respond({ headers: { ":status": "401" } });
          assert.equal(streams[1]?.request.headers?.get("x-verdict"), "allowed g");
          assert.equal(streams[0]?.localResponse?.status, 403);
        }));

      test("a time-out is an answer, a broken connection a failure, an unknown cluster a status", () =>
        withPlugin(configuration, (host, plugin) => {
          const slow = start(plugin, "timeout");
          host.clock.advance(29);
          assert.equal(slow.localResponse, undefined);
          host.clock.advance(1);
          assert.equal(answerOf(slow), '504 "upstream request timeout"');
          const broken = start(plugin, "broken");
          plugin.httpCalls[0]?.fail();
          assert.equal(answerOf(broken), "failure BrokenConnection reset");
          assert.equal(answerOf(start(plugin, "unknown")), "BadArgument");
        }));

      test("an answer to a stream that is gone is dropped", () =>
        withPlugin(configuration, (host, plugin) => {
          const stream = start(plugin, "gone");
          stream.close();
          plugin.httpCalls[0]?.respond({});
          assert.deepEqual(
            host.log.lines.map(({ message }) => message).filter((line) => line.startsWith("gone")),
            ["gone: sent"],
          );
        }));

      test("timers fire at their time", () =>
        withPlugin(configuration, (host, plugin) => {
          const stream = start(plugin, "timers");
          assert.equal(plugin.tickPeriod, 1);
          host.clock.advance(29);
          assert.equal(stream.localResponse, undefined);
          assert.equal(plugin.tickPeriod, 10);
          host.clock.advance(1);
          assert.equal(answerOf(stream), "at once\n10\n20\n30");
          assert.equal(plugin.tickPeriod, 0);
        }));

      test("timers of a stream that is gone do not fire", () =>
        withPlugin(configuration, (host, plugin) => {
          start(plugin, "timer-gone").close();
          host.clock.advance(2000);
          assert.doesNotMatch(host.log.lines.map(({ message }) => message).join("\n"), /handled/);
          assert.equal(plugin.tickPeriod, 0);
        }));

      test("messages of a queue come to the plugin", () =>
        withPlugin(configuration, (_host, plugin) => {
          assert.equal(answerOf(start(plugin, "queue")), "one two ");
        }));
    });
  }

  test("the plugin's own call is answered to the plugin", () =>
    withPlugin("own", (_host, plugin) => {
      assert.equal(answerOf(start(plugin, "root-call")), '201 "done"');
    }));
});
