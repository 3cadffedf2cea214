import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { SharedData } from "@meshwright/host";
import { Envoy, filterModule, statusOf, type Request, type Worker } from "../testing/filter.ts";

// Workers that get in each other's way, and keys that get in each other's way.

/** Lets a test act between the moment at which a worker reads a value and the moment at which it writes it. */
class RacingSharedData extends SharedData {
  afterGet: (key: string) => void = () => undefined;

  override get(...[vmId, key]: Parameters<SharedData["get"]>): ReturnType<SharedData["get"]> {
    const item = super.get(vmId, key);
    this.afterGet(Buffer.from(key).toString("latin1"));
    return item;
  }
}

let module: Uint8Array;

before(async () => {
  module = await filterModule("ratelimit");
});

const tokenBucket = (maxTokens: number): object => ({ maxTokens, fillInterval: "1h" });
const key = [{ header: "x-key" }];
const keyed = (value: string): Request => ({ headers: [["x-key", value]] });

test("no update is lost, however workers interleave", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: 3 }), { maxLength: 100 }), async (interruptions) => {
      const sharedData = new RacingSharedData();
      const envoy = new Envoy(module, sharedData);
      const configuration = { limits: [{ name: "raced", tokenBucket: tokenBucket(20) }] };
      const workers: Worker[] = [];
      for (let i = 0; i < 4; i++) workers.push(await envoy.worker(configuration));
      let passed = 0;
      let sent = 0;
      // A worker that is not in the midst of a request can be made to run in between.
      const idle = [...workers];
      const send = (): void => {
        const worker = idle.pop();
        if (worker === undefined) return;
        sent++;
        if (statusOf(worker.send()) === 200) passed++;
        idle.push(worker);
      };
      sharedData.afterGet = () => {
        for (let i = interruptions.pop() ?? 0; i > 0; i--) send();
      };
      for (let i = 0; i < 30; i++) send();
      sharedData.afterGet = () => undefined;
      envoy.close();
      assert.ok(sent >= 30);
      assert.equal(envoy.metric("ratelimit.raced.contended"), 0);
      assert.equal(passed, 20);
      assert.equal(envoy.metric("ratelimit.raced.allowed"), 20);
      assert.equal(envoy.metric("ratelimit.raced.limited"), sent - 20);
    }),
    { numRuns: 50 },
  );
});

test("two workers that both find no bucket make one", async () => {
  const sharedData = new RacingSharedData();
  const envoy = new Envoy(module, sharedData);
  const configuration = { limits: [{ name: "new", tokenBucket: tokenBucket(1) }] };
  const [a, b] = [await envoy.worker(configuration), await envoy.worker(configuration)];
  let other: number | undefined;
  sharedData.afterGet = () => {
    sharedData.afterGet = () => undefined;
    other = statusOf(b.send());
  };
  assert.deepEqual([statusOf(a.send()), other], [429, 200]);
  envoy.close();
});

test("a bucket that others change at every attempt refuses the request, and is counted", async () => {
  const sharedData = new RacingSharedData();
  const envoy = new Envoy(module, sharedData);
  const configuration = { limits: [{ name: "hot", tokenBucket: tokenBucket(1000) }] };
  const [a, b] = [await envoy.worker(configuration), await envoy.worker(configuration)];
  const interfere = (): void => {
    sharedData.afterGet = () => undefined;
    b.send();
    sharedData.afterGet = interfere;
  };
  sharedData.afterGet = interfere;
  const refused = a.send();
  assert.equal(statusOf(refused), 429);
  assert.equal(refused.response.headers?.get("retry-after"), "1");
  assert.equal(envoy.metric("ratelimit.hot.contended"), 1);
  assert.equal(envoy.metric("ratelimit.hot.limited"), 1);
  assert.equal(envoy.metric("ratelimit.hot.allowed"), 16);
  envoy.close();
});

test("what was charged is given back when another worker takes the last token of a later limit", async () => {
  const sharedData = new RacingSharedData();
  const envoy = new Envoy(module, sharedData);
  const limits = [
    { name: "first", tokenBucket: tokenBucket(5), match: { path: { exact: "/both" } } },
    { name: "second", tokenBucket: tokenBucket(1) },
  ];
  const [a, b] = [await envoy.worker({ limits }), await envoy.worker({ limits })];
  sharedData.afterGet = (name) => {
    if (!name.includes("/second/")) return;
    sharedData.afterGet = () => undefined;
    assert.equal(statusOf(b.send({ path: "/" })), 200);
  };
  assert.equal(statusOf(a.send({ path: "/both" })), 429);
  assert.equal(envoy.metric("ratelimit.first.allowed"), 0);
  assert.equal(envoy.metric("ratelimit.second.limited"), 1);

  const onlyFirst = await envoy.worker({ limits: [limits[0]] });
  const left = onlyFirst.send({ path: "/both" }).response.headers?.get("x-ratelimit-remaining");
  assert.equal(left, "4");
  envoy.close();
});

test("a hundred thousand keys take no more memory than the slots", async () => {
  const envoy = new Envoy(module);
  const limits = [{ name: "many", tokenBucket: { maxTokens: 1000, fillInterval: "1h" }, key, slots: 256 }];
  const worker = await envoy.worker({ limits });
  for (let i = 0; i < 100_000; i++) worker.send(keyed(`key ${i}`));
  const names = envoy.sharedData.keys("").filter((name) => name.startsWith("ratelimit/2/tokenBucket/many/"));
  assert.equal(names.length, 64);
  assert.ok(envoy.metric("ratelimit.many.shared") > 90_000);
  envoy.close();
});

test("keys that share buckets never get more than their limit each", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: 11 }), { maxLength: 200 }), async (keys) => {
      const envoy = new Envoy(module);
      // Four buckets for twelve keys.
      const worker = await envoy.worker({ limits: [{ name: "few", tokenBucket: tokenBucket(10), key, slots: 4 }] });
      const passed = new Map<number, number>();
      for (const name of keys) {
        if (statusOf(worker.send(keyed(String(name)))) === 200) passed.set(name, (passed.get(name) ?? 0) + 1);
      }
      for (const [name, count] of passed) assert.ok(count <= 10, `key ${name} passed ${count} times`);
      envoy.close();
    }),
    { numRuns: 30 },
  );
});

test("keys that come after others have gone quiet have their whole limit", async () => {
  const envoy = new Envoy(module);
  const bucket = { maxTokens: 10, tokensPerFill: 10, fillInterval: "1s" };
  const worker = await envoy.worker({ limits: [{ name: "quiet", tokenBucket: bucket, key, slots: 4 }] });
  for (let i = 0; i < 40; i++) worker.send(keyed(String(i % 4)));
  assert.equal(statusOf(worker.send(keyed("new"))), 429);
  envoy.clock.advance(1000);
  assert.equal(worker.send(keyed("new")).response.headers?.get("x-ratelimit-remaining"), "9");
  assert.equal(envoy.metric("ratelimit.quiet.shared"), 0);
  envoy.close();
});
