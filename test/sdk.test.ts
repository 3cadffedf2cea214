// What the SDK offers a filter, in the Node host and in a real Envoy: the same requests have to come to the same.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ProxyWasmHost } from "@meshwright/host";
import { compile } from "../setup/filters.mjs";
import { EnvoyRunner } from "./support/envoy-runner.ts";
import type { Exchange, Runner } from "./support/exchange.ts";
import { HostRunner } from "./support/host-runner.ts";
import { bodiesCases } from "./support/sdk/bodies.ts";
import type { Case } from "./support/sdk/case.ts";
import { flowCases } from "./support/sdk/flow.ts";
import { headersCases } from "./support/sdk/headers.ts";
import { hostCases } from "./support/sdk/host.ts";
import { plugins, vmConfiguration, type PluginSetting } from "./support/sdk/plugins.ts";

const folder = mkdtempSync(join(tmpdir(), "meshwright-sdk-"));
const module = join(folder, "sdk.wasm");
before(() => compile("test/fixtures/sdk.ts", module));
after(() => rmSync(folder, { recursive: true }));

const tables: Readonly<Record<string, readonly Case[]>> = {
  headers: headersCases,
  bodies: bodiesCases,
  flow: flowCases,
  host: hostCases,
};

/** One after another, each with the header `x-mark` that its plugin gives the response. */
const marks: readonly (readonly [plugin: string, what: string, mark: readonly string[]])[] = [
  ["first", "a context for each stream", ["x-mark: one 1 1 true"]],
  ["first", "another context for another stream", ["x-mark: one 1 1 true"]],
  ["second", "a shared context, the second plugin of its root id", ["x-mark: two 2 1 true"]],
  ["second", "the same shared context for another stream", ["x-mark: two 2 2 true"]],
  ["passed-by", "no context, so the filter is passed by", []],
  ["plain", "registerHttpContext", ["x-mark: plain true"]],
];

const runners: Readonly<Record<string, () => Promise<Runner>>> = {
  "the Node host": () => HostRunner.start(readFileSync(module), plugins),
  Envoy: () => EnvoyRunner.start(module, plugins),
};

for (const [place, start] of Object.entries(runners)) {
  describe(`the SDK in ${place}`, () => {
    let runner: Runner;
    before(async () => {
      runner = await start();
    });
    after(() => runner.stop());

    for (const [name, cases] of Object.entries(tables)) {
      describe(name, () => {
        for (const { exchange, expected } of cases) {
          test(nameOf(exchange), async () => assert.deepEqual(await runner.run(exchange), expected));
        }
      });
    }

    test("metrics are the host's", async () => {
      assert.equal(await runner.metric("sdk.counter"), 42);
      assert.equal(await runner.metric("sdk.gauge"), 7);
    });

    test("the log level can change at any time", async () => {
      await runner.logLevel("debug");
      const { log } = await runner.run({ scenario: "log" });
      await runner.logLevel("info");
      assert.deepEqual(log, [
        "[debug] level 1",
        "level 2",
        "[warn] level 3",
        "[error] level 4",
        "[critical] level 5",
        "isLogging 011111",
        "[debug] logDebug",
        "logInfo",
        "[warn] logWarn",
        "[error] logError",
        "end",
      ]);
    });

    for (const [plugin, what, mark] of marks) {
      test(`several plugins in one VM: ${what}`, async () => {
        const { client } = await runner.run({ scenario: "mark", plugin });
        assert.deepEqual(client?.headers, mark);
      });
    }

    test("memory stays flat, and what is kept stays whole", async () => {
      const pagesAfter = async (streams: number): Promise<string | undefined> => {
        for (let i = 1; i < streams; ++i) await runner.run({ scenario: "allocate" });
        const { client } = await runner.run({ scenario: "allocate" });
        assert.ok(client?.headers.includes("x-intact: 20 of 20"), client?.headers.join());
        return client?.body;
      };
      // Each stream makes some 50 kB of garbage: 300 of them would fill more than 200 pages.
      const pages = await pagesAfter(50);
      assert.match(pages ?? "", /^\d+$/);
      assert.equal(await pagesAfter(300), pages);
    });
  });
}

const unknownRoot: readonly PluginSetting[] = [{ name: "unknown", rootId: "nope", configuration: {} }];
const unknownRootId = /root_id: expected one of "marked", "scenarios", "plain", found "nope"/;

describe("start and end of plugins in the Node host", () => {
  const load = (vm: string): Promise<ProxyWasmHost> =>
    ProxyWasmHost.load(readFileSync(module), { vmConfiguration: vm });

  const messages = (host: ProxyWasmHost): string[] => host.log.lines.map(({ message }) => message);

  test("a root id that is not registered", async () => {
    await assert.rejects(HostRunner.start(readFileSync(module), unknownRoot), unknownRootId);
  });

  test("no root id, where there are several", async () => {
    const plugin = (await load(vmConfiguration)).startPlugin({});
    assert.equal(plugin.failure?.stage, "configure");
    assert.match(plugin.reason, /found ""/);
  });

  test("a VM configuration that onVmStart refuses", async () => {
    const plugin = (await load("another")).startPlugin({ rootId: "marked", configuration: `{"mark":"x"}` });
    assert.equal(plugin.failure?.stage, "vm_start");
  });

  test("a call from the host, which Envoy never makes", async () => {
    const host = await load(vmConfiguration);
    const plugin = host.startPlugin({ rootId: "marked", configuration: `{"mark":"x"}` });
    plugin.callForeign(7, Buffer.from([0x61, 0xff]));
    assert.deepEqual(messages(host), ["root: onForeignFunction 7 2 a\\xff of 2"]);
  });

  test("a plugin goes when it says pluginDone", async () => {
    const host = await load(vmConfiguration);
    const plugin = host.startPlugin({ rootId: "marked", configuration: `{"mark":"x"}` });
    assert.equal(plugin.close(), false);
    host.clock.advance(1);
    assert.deepEqual(messages(host), [
      "root: onDone true, too early false",
      "root: onTick true, done true",
      "root: onDelete true",
    ]);
  });
});

describe("start and end of plugins in Envoy", () => {
  test("a root id that is not registered", async () => {
    await assert.rejects(EnvoyRunner.start(module, unknownRoot), unknownRootId);
  });

  test("a VM configuration that onVmStart refuses", async () => {
    await assert.rejects(EnvoyRunner.start(module, plugins, "another"), /Failed to start base Wasm/);
  });

  test("a plugin is told of its end, and has not gone before it was", async () => {
    const runner = await EnvoyRunner.start(module, plugins);
    await runner.stop();
    assert.match(runner.envoy.process.output, /root: onDone true, too early false/);
  });
});

function nameOf({ scenario, request }: Exchange): string {
  const variant = request?.headers?.length === 1 ? request.headers[0]?.[0] : undefined;
  return variant === undefined ? scenario : `${scenario} with ${variant}`;
}
