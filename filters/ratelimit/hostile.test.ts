import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { Envoy, filterModule, statusOf } from "../testing/filter.ts";
import { hostileRequests } from "../testing/hostile.ts";

let module: Uint8Array;

before(async () => {
  module = await filterModule("ratelimit");
});

test("no request makes the filter trap", async () => {
  const envoy = new Envoy(module);
  const worker = await envoy.worker({
    limits: [
      {
        name: "everything",
        tokenBucket: { maxTokens: 2, fillInterval: "1h" },
        key: [
          { header: "x-key" },
          { cookie: "uid" },
          { path: {} },
          { method: {} },
          { clientAddress: { xForwardedForPosition: 2 } },
          { property: ["request", "headers", "x-other"] },
        ],
        slots: 64,
      },
      {
        name: "matched",
        tokenBucket: { maxTokens: 1, fillInterval: "1h" },
        key: [{ clientAddress: {} }],
        match: {
          path: { contains: "a" },
          headers: [{ name: "x-key", suffix: "a" }],
          cookies: [{ name: "uid", prefix: "1" }],
        },
      },
    ],
  });
  fc.assert(
    fc.property(hostileRequests, (request) => {
      const status = statusOf(worker.send(request));
      assert.equal(worker.trap, undefined);
      assert.ok(status === 200 || status === 429, `status ${status}`);
    }),
    { numRuns: 2000 },
  );
  envoy.close();
});

test("a cookie without = is no reason to let a request pass", async () => {
  const envoy = new Envoy(module);
  const worker = await envoy.worker({
    limits: [{ name: "one", tokenBucket: { maxTokens: 1, fillInterval: "1h" }, key: [{ cookie: "name" }] }],
  });
  const request = { headers: [["cookie", "name"]] } as const;
  assert.deepEqual([statusOf(worker.send(request)), statusOf(worker.send(request))], [200, 429]);
  assert.equal(worker.trap, undefined);
  envoy.close();
});

test("a set that another writer filled with rubbish is one that nobody made yet", async () => {
  const envoy = new Envoy(module);
  const limits = [{ name: "one", tokenBucket: { maxTokens: 3, fillInterval: "1h" }, slots: 4 }];
  const worker = await envoy.worker({ limits });
  const set = Buffer.concat([Buffer.from("ratelimit/2/tokenBucket/one/"), Buffer.alloc(4)]);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 130 }), (rubbish) => {
      envoy.sharedData.set("", set, rubbish);
      assert.ok([200, 429].includes(statusOf(worker.send())));
      assert.equal(worker.trap, undefined);
    }),
    { numRuns: 300 },
  );
  envoy.sharedData.set("", set, "");
  assert.equal(worker.send().response.headers?.get("x-ratelimit-remaining"), "2");
  envoy.close();
});
