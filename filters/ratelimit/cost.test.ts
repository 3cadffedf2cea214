import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { Envoy, Envoys, filterModule, statusOf, type Request, type Worker } from "../testing/filter.ts";

// What a request costs, when it comes and when its answer is known.

const envoys = new Envoys("ratelimit");
let module: Uint8Array;

before(async () => {
  module = await filterModule("ratelimit");
});

const perHour = (maxTokens: number): object => ({ maxTokens, tokensPerFill: maxTokens, fillInterval: "1h" });
const cost = (value: string): Request => ({ headers: [["x-cost", value]] });

async function start(limit: object): Promise<{ envoy: Envoy; worker: Worker }> {
  const envoy = await envoys.start();
  return { envoy, worker: await envoy.worker({ limits: [{ name: "one", tokenBucket: perHour(10), ...limit }] }) };
}

const remaining = (worker: Worker, request: Request = {}): string | undefined =>
  worker.send(request).response.headers?.get("x-ratelimit-remaining");

/** A request, and the response of its upstream; both bodies are sent whole. */
function exchange(worker: Worker, status: string, headers: Record<string, string> = {}, body = ""): number {
  const stream = worker.open();
  if (stream.localResponse === undefined) {
    stream.responseHeaders({ ":status": status, ...headers }, { endOfStream: body === "" });
    if (body !== "") stream.responseBody(body, { endOfStream: true });
  }
  stream.close();
  return statusOf(stream);
}

test("a request costs what the configuration or a header says", async () => {
  const fixed = await start({ cost: { hits: 4 } });
  assert.deepEqual([remaining(fixed.worker), remaining(fixed.worker)], ["6", "2"]);
  const refused = fixed.worker.send();
  assert.equal(statusOf(refused), 429);
  // Two tokens of ten are missing, and one comes back in six minutes.
  assert.equal(refused.response.headers?.get("retry-after"), "720");

  const { worker } = await start({ cost: { header: "x-cost", hits: 2, max: 5 } });
  assert.equal(remaining(worker), "8");
  assert.equal(remaining(worker, cost("0")), "8");
  assert.equal(remaining(worker, cost(" 3 ")), "5");
  assert.deepEqual(statusOf(worker.send(cost("6"))), 200);
  assert.deepEqual(statusOf(worker.send(cost("0"))), 429);
});

for (const value of ["", "-1", "1.5", "1e3", "0x1", "99999999999999999999", "18446744073709551617", "one", "1,1"]) {
  test(`a cost of "${value}" is the largest`, async () => {
    const { worker } = await start({ cost: { header: "x-cost", max: 7 } });
    assert.equal(remaining(worker, cost(value)), "3");
  });
}

test("a request that costs more than the quota never passes, and is told when all of it is back", async () => {
  for (const rate of [
    { tokenBucket: perHour(10) },
    { tokenBucket: undefined, fixedWindow: { requests: 10, window: "1h" } },
    { tokenBucket: undefined, slidingWindow: { requests: 10, window: "1h" } },
  ]) {
    const { envoy, worker } = await start({ ...rate, cost: { header: "x-cost" } });
    assert.equal(statusOf(worker.send(cost("11"))), 429);
    assert.equal(remaining(worker, cost("10")), "0");
    assert.equal(envoy.metric("ratelimit.one.allowed"), 1);
  }
});

test("failed log-ins cost, others do not", async () => {
  const { envoy, worker } = await start({
    tokenBucket: perHour(2),
    cost: { hits: 0 },
    responseCost: { statuses: ["401", "403"], hits: 1 },
  });
  for (let i = 0; i < 5; ++i) assert.equal(exchange(worker, "200"), 200);
  assert.equal(exchange(worker, "401"), 401);
  assert.equal(exchange(worker, "404"), 404);
  assert.equal(exchange(worker, "403"), 403);
  assert.equal(exchange(worker, "200"), 429);
  assert.equal(envoy.metric("ratelimit.one.limited"), 1);
  envoy.clock.advance(1_800_000);
  assert.equal(exchange(worker, "200"), 200);
});

test("a response costs what its header says, at most so much", async () => {
  const { worker } = await start({ cost: { hits: 0 }, responseCost: { header: "x-tokens", max: 6 } });
  exchange(worker, "200", { "x-tokens": "3" });
  exchange(worker, "200");
  assert.equal(remaining(worker), "7");
  exchange(worker, "200", { "x-tokens": "many" });
  assert.equal(remaining(worker), "1");
  // More than there is left: nothing is owed beyond the quota.
  exchange(worker, "200", { "x-tokens": "6" });
  assert.equal(exchange(worker, "200"), 429);
});

test("a response costs by its size", async () => {
  const { worker } = await start({ cost: { hits: 0 }, responseCost: { bytesPerHit: 100, max: 4 } });
  exchange(worker, "200", {}, "x".repeat(100));
  assert.equal(remaining(worker), "9");
  exchange(worker, "200", {}, "x".repeat(101));
  assert.equal(remaining(worker), "7");
  exchange(worker, "200", {}, "x".repeat(10_000));
  assert.equal(remaining(worker), "3");
  exchange(worker, "204");
  assert.equal(remaining(worker), "3");
});

test("a refusal costs nothing, nor does a stream that ends without a response", async () => {
  const limits = [
    { name: "one", tokenBucket: perHour(10), cost: { hits: 0 }, responseCost: { hits: 5 } },
    { name: "two", tokenBucket: perHour(1) },
  ];
  const envoy = await envoys.start();
  const worker = await envoy.worker({ limits });
  worker.open().close();
  assert.equal(exchange(worker, "200"), 429);
  const alone = await envoy.worker({ limits: [limits[0]] });
  assert.equal(remaining(alone), "10");
});

test("a refusal tells what is left, which can be more than nothing", async () => {
  const quota = { requests: 10, window: "744h" };
  const algorithms = [
    { tokenBucket: perHour(10) },
    { gcra: { requests: 10, period: "1h", burst: 10 } },
    { fixedWindow: quota },
    { slidingWindow: quota },
  ];
  for (const scope of ["envoy", "worker"]) {
    for (const algorithm of algorithms) {
      const envoy = await envoys.start();
      const limit = { name: "one", scope, ...algorithm, cost: { header: "x-cost" } };
      const worker = await envoy.worker({ limits: [limit], headers: "both" });
      assert.equal(statusOf(worker.send(cost("7"))), 200);
      const refused = worker.send(cost("4"));
      assert.equal(statusOf(refused), 429);
      assert.equal(refused.response.headers?.get("x-ratelimit-remaining"), "3", JSON.stringify(limit));
      assert.match(refused.response.headers.get("ratelimit") ?? "", /;r=3;/);
      assert.equal(remaining(worker, cost("3")), "0");
      assert.equal(remaining(worker, cost("1")), "0");
    }
  }
});

const rates = fc.constantFrom("tokenBucket", "fixedWindow", "slidingWindow", "gcra");

test("whatever requests and answers cost, no more than the quota passes at once", async () => {
  const costs = fc.array(fc.tuple(fc.nat({ max: 7 }), fc.nat({ max: 7 })), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(rates, fc.constantFrom("envoy", "worker"), costs, async (kind, scope, requests) => {
      const envoy = new Envoy(module);
      const algorithm = {
        tokenBucket: { tokenBucket: perHour(20) },
        gcra: { gcra: { requests: 20, period: "1h", burst: 20 } },
        fixedWindow: { fixedWindow: { requests: 20, window: "744h" } },
        slidingWindow: { slidingWindow: { requests: 20, window: "744h" } },
      }[kind];
      const responseCost = { header: "x-tokens" };
      const limit = { name: "model", scope, ...algorithm, cost: { header: "x-cost" }, responseCost };
      const worker = await envoy.worker({ limits: [limit] });
      let used = 0;
      for (const [before, after] of requests) {
        const stream = worker.open(cost(String(before)));
        const passes = used + Math.max(before, 1) <= 20;
        assert.equal(stream.localResponse === undefined, passes);
        if (passes) {
          used += before;
          stream.responseHeaders({ ":status": "200", "x-tokens": String(after) }, { endOfStream: true });
          assert.equal(stream.response.headers?.get("x-ratelimit-remaining"), String(20 - used));
          used = Math.min(20, used + after);
        }
        stream.close();
      }
      envoy.close();
    }),
    { numRuns: 60 },
  );
});
