import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { SharedData } from "@meshwright/host";
import { Envoy, Envoys, filterModule, statusOf, type Request } from "../testing/filter.ts";

// Among whom a limit counts. The scope `envoy` is in shared.test.ts.

const envoys = new Envoys("ratelimit");
let module: Uint8Array;

before(async () => {
  module = await filterModule("ratelimit");
});

const perHour = (maxTokens: number): object => ({ maxTokens, tokensPerFill: maxTokens, fillInterval: "1h" });
const keyed = (value: string): Request => ({ headers: [["x-key", value]] });
const key = [{ header: "x-key" }];

test("with the scope worker each worker has the whole limit, and writes no shared data", async () => {
  const envoy = await envoys.start();
  const limits = [{ name: "own", tokenBucket: perHour(2), scope: "worker" }];
  const [a, b] = [await envoy.worker({ limits }), await envoy.worker({ limits })];
  for (const worker of [a, b]) {
    assert.deepEqual([worker.send(), worker.send(), worker.send()].map(statusOf), [200, 200, 429]);
  }
  assert.deepEqual(envoy.sharedData.keys(""), ["ratelimit/2/seed"]);
});

test("the scopes decide alike for one worker, whatever keys come", async () => {
  const requests = fc.array(fc.tuple(fc.nat({ max: 30 }), fc.nat({ max: 600_000 })), { maxLength: 100 });
  const algorithms = fc.constantFrom(
    { tokenBucket: perHour(5) },
    { fixedWindow: { requests: 5, window: "1h" } },
    { slidingWindow: { requests: 5, window: "1h" } },
  );
  await fc.assert(
    fc.asyncProperty(requests, algorithms, fc.constantFrom(4, 8, 65_536), async (sequence, algorithm, slots) => {
      const envoy = new Envoy(module);
      const limit = { name: "same", ...algorithm, key, slots };
      const shared = await envoy.worker({ limits: [limit] });
      const own = await envoy.worker({ limits: [{ ...limit, scope: "worker" }] });
      for (const [name, wait] of sequence) {
        envoy.clock.advance(wait);
        const answers = [shared, own].map((worker) => {
          const { headers } = worker.send(keyed(String(name))).response;
          return [headers?.get(":status"), headers?.get("x-ratelimit-remaining"), headers?.get("x-ratelimit-reset")];
        });
        assert.deepEqual(answers[0], answers[1]);
      }
      envoy.close();
    }),
    { numRuns: 40 },
  );
});

test("a hundred thousand keys take no more memory of a worker than the slots", async () => {
  // 16,384 slots are 400 kB; a worker that kept all keys would need some megabytes more.
  const envoy = new Envoy(module, new SharedData(), 32);
  const limits = [{ name: "many", scope: "worker", tokenBucket: perHour(1000), key, slots: 16_384 }];
  const worker = await envoy.worker({ limits });
  for (let i = 0; i < 100_000; ++i) worker.send(keyed(`key ${String(i)} ${"x".repeat(50)}`));
  assert.equal(worker.trap, undefined);
  assert.ok(envoy.metric("ratelimit.many.shared") > 50_000);
  envoy.close();
});
