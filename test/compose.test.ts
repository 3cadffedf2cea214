// Filters as parts of one plugin do what they do one after another: in a real Envoy.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { compile } from "../setup/filters.mjs";
import { ComposeEnvoy, type Listener, type Plugin } from "./support/compose/in-envoy.ts";
import { NAMES, isKeptApart, randomExchange } from "./support/compose/script.ts";
import { seeded } from "./support/numbers.ts";
import type { Exchange } from "./support/exchange.ts";

const folder = mkdtempSync(join(tmpdir(), "meshwright-compose-"));
const [apart, fused] = [join(folder, "apart.wasm"), join(folder, "fused.wasm")];
before(async () => {
  await compile("test/fixtures/compose/apart.ts", apart);
  await compile("test/fixtures/compose/fused.ts", fused);
});
after(() => rmSync(folder, { recursive: true }));

const SEEDS = 250;

const separate = NAMES.map((name): Plugin => ({ rootId: name, configuration: { name } }));

function composed(settings: object = {}, parts: Readonly<Record<string, object>> = {}): Plugin {
  const filters = NAMES.map((name) => ({ name, configuration: { name }, ...parts[name] }));
  return { rootId: "fused", configuration: { filters, ...settings } };
}

describe("parts and separate filters in Envoy", () => {
  let envoy: ComposeEnvoy;
  before(async () => {
    const listeners = [false, true].flatMap((alone): Listener[] => [
      { name: `apart ${String(alone)}`, module: apart, plugins: separate, allowOnHeadersStopIteration: alone },
      {
        name: `fused ${String(alone)}`,
        module: fused,
        plugins: [composed({ allowOnHeadersStopIteration: alone })],
        allowOnHeadersStopIteration: alone,
      },
    ]);
    envoy = await ComposeEnvoy.start(listeners);
  });
  after(() => envoy.stop());

  for (const alone of [false, true]) {
    test(`random exchanges come to the same, allow_on_headers_stop_iteration ${String(alone)}`, async () => {
      let compared = 0;
      for (let seed = 1; seed <= SEEDS; ++seed) {
        const exchange = randomExchange(seeded(seed), {
          chunks: 1,
          noResponse: ["answer", "late-answer"],
          fewAnswers: false,
          addsTrailers: true,
        });
        if (!isKeptApart(exchange, alone)) continue;
        ++compared;
        const expected = await envoy.run(`apart ${String(alone)}`, exchange);
        const found = await envoy.run(`fused ${String(alone)}`, exchange);
        assert.deepEqual(found, expected, `seed ${String(seed)}: ${JSON.stringify(exchange)}`);
      }
      assert.ok(compared > SEEDS / 4, `only ${String(compared)} exchanges were compared`);
    });
  }
});

describe("a part that traps in Envoy", () => {
  let envoy: ComposeEnvoy;
  before(async () => {
    const plugins = [composed({}, { b: { onFailure: "open" } })];
    envoy = await ComposeEnvoy.start([{ name: "traps", module: fused, plugins, failurePolicy: "FAIL_RELOAD" }]);
  });
  after(() => envoy.stop());

  const ask = (headers: Readonly<Record<string, string>> = {}): Exchange => ({
    scenario: "compose",
    request: { headers: Object.entries(headers) },
  });

  /** The parts that a request passes once there is a fresh VM. */
  const path = async (): Promise<string> => {
    let seen = "";
    // After a trap, Envoy makes a VM for a later request, a second after the one before at the earliest.
    await envoy.envoy.until(async () => {
      const { client, upstream } = await envoy.send("traps", ask());
      seen = upstream?.headers.find((line) => line.startsWith("x-path: "))?.slice("x-path: ".length) ?? "";
      return client !== "reset" && client.start === "200";
    });
    return seen;
  };

  const status = async (headers: Readonly<Record<string, string>>): Promise<string> => {
    const { client } = await envoy.send("traps", ask(headers));
    return client === "reset" ? client : client.start;
  };

  test("closed: its requests fail, and it runs again in the next VM", async () => {
    assert.equal(await path(), "abc");
    assert.equal(await status({ "x-a": "headers.request=trap" }), "503");
    assert.equal(await path(), "abc");
    assert.equal(await envoy.envoy.stat("wasmcustom.fused.b.bypassed"), 0);
  });

  test("open: later requests pass it by, and it alone", async () => {
    assert.equal(await status({ "x-b": "headers.request=trap" }), "503");
    assert.equal(await path(), "ac");
    assert.equal(await envoy.envoy.stat("wasmcustom.fused.b.bypassed"), 1);
    assert.match(envoy.envoy.process.output, /filters\[1\] "b": it trapped, and requests pass it by/);
    // It stays so after another part trapped.
    assert.equal(await status({ "x-c": "headers.request=trap" }), "503");
    assert.equal(await path(), "ac");
  });
});
