// Filters as parts of one plugin do what they do one after another: in the Node host, for random exchanges.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { compile } from "../setup/filters.mjs";
import { HostChain } from "./support/compose/in-host.ts";
import { NAMES, holdsHeaders, randomExchange } from "./support/compose/script.ts";
import { seeded } from "./support/numbers.ts";

const folder = mkdtempSync(join(tmpdir(), "meshwright-compose-"));
const [apart, fused] = [join(folder, "apart.wasm"), join(folder, "fused.wasm")];
before(async () => {
  await compile("test/fixtures/compose/apart.ts", apart);
  await compile("test/fixtures/compose/fused.ts", fused);
});
after(() => rmSync(folder, { recursive: true }));

const SEEDS = 1500;

for (const alone of [false, true]) {
  describe(`parts and separate filters, allow_on_headers_stop_iteration ${String(alone)}`, () => {
    let separate: HostChain;
    let composed: HostChain;
    before(async () => {
      const parts = NAMES.map((name) => ({ rootId: name, configuration: { name } }));
      const filters = NAMES.map((name) => ({ name, configuration: { name } }));
      const configuration = { filters, allowOnHeadersStopIteration: alone };
      separate = await HostChain.start(readFileSync(apart), parts, alone);
      composed = await HostChain.start(readFileSync(fused), [{ rootId: "fused", configuration }], alone);
    });
    after(() => {
      separate.stop();
      composed.stop();
    });

    test(`${String(SEEDS)} exchanges come to the same`, () => {
      for (let seed = 1; seed <= SEEDS; ++seed) {
        const random = seeded(seed);
        // A part that holds the headers keeps the host from showing chunks one by one to those before it.
        let exchange = randomExchange(random, {
          chunks: 3,
          noResponse: ["answer", "late-answer"],
          fewAnswers: true,
          addsTrailers: true,
        });
        if (!alone && holdsHeaders(exchange))
          exchange = randomExchange(seeded(seed), {
            chunks: 1,
            noResponse: ["answer", "late-answer"],
            fewAnswers: true,
            addsTrailers: false,
          });
        const what = `seed ${String(seed)}: ${JSON.stringify(exchange)}`;
        const expected = separate.run(exchange);
        const found = composed.run(exchange);
        assert.deepEqual(found, expected, what);
      }
    });
  });
}
