import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import type { HttpStream } from "@meshwright/host";
import { Envoy, Envoys, filterModule, statusOf, type Worker } from "../testing/filter.ts";

// Requests in flight: each counts from when it passes to when it ends, once, and no longer than its worker lives.

const envoys = new Envoys("ratelimit");
let module: Uint8Array;

before(async () => {
  module = await filterModule("ratelimit");
});

const byKey = [{ header: "x-key" }];
const of = (requests: number, more: object = {}): object => ({
  limits: [{ name: "busy", concurrency: { requests, lease: "60s" }, key: byKey, ...more }],
});
const keyed = (key: string): { headers: [string, string][] } => ({ headers: [["x-key", key]] });
const passes = (stream: HttpStream): boolean => stream.localResponse === undefined;

/** How many more requests of a key would pass; leaves nothing behind. */
function room(worker: Worker, key = "a"): number {
  const streams: HttpStream[] = [];
  for (;;) {
    const stream = worker.open(keyed(key));
    streams.push(stream);
    if (!passes(stream)) break;
  }
  for (const stream of streams) stream.close();
  return streams.length - 1;
}

test("so many requests of a key run at a time", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker(of(2));
  const [first, second, third] = [worker.open(keyed("a")), worker.open(keyed("a")), worker.open(keyed("a"))];
  assert.deepEqual([first, second, third].map(passes), [true, true, false]);
  assert.equal(statusOf(third), 429);
  assert.equal(third.response.headers?.get("retry-after"), "1");
  assert.equal(third.response.headers.get("x-ratelimit-limit"), "2");
  assert.ok(passes(worker.open(keyed("b"))));
  third.close();
  assert.ok(!passes(worker.open(keyed("a"))));
  first.responseHeaders({ ":status": "200" }, { endOfStream: true });
  assert.equal(first.response.headers?.get("x-ratelimit-remaining"), "1");
  // A response is not the end of a stream.
  assert.ok(!passes(worker.open(keyed("a"))));
  first.close();
  assert.ok(passes(worker.open(keyed("a"))));
});

test("the policy names what is counted", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker({ ...of(2), headers: "ratelimit" });
  const policy = worker.send(keyed("a")).response.headers?.get("ratelimit-policy");
  assert.equal(policy, '"busy";q=2;qu="concurrent-requests"');
});

const ends: Record<string, (stream: HttpStream) => void> = {
  "a whole response": (stream) => stream.respond({ body: "ok" }),
  "no response": () => undefined,
  "a reset in the midst of the response": (stream) => {
    stream.responseHeaders({ ":status": "200" });
    stream.responseBody("part");
  },
  "an error of the upstream": (stream) => stream.responseHeaders({ ":status": "503" }, { endOfStream: true }),
};

for (const [what, end] of Object.entries(ends)) {
  test(`a request that ends with ${what} gives its place back once`, async () => {
    for (const scope of ["envoy", "worker"]) {
      const envoy = await envoys.start();
      const worker = await envoy.worker(of(3, { scope }));
      const stays = worker.open(keyed("a"));
      const ending = worker.open(keyed("a"));
      assert.equal(room(worker), 1);
      end(ending);
      assert.equal(room(worker), 1);
      ending.close();
      ending.close();
      assert.equal(room(worker), 2, scope);
      stays.close();
      assert.equal(room(worker), 3, scope);
    }
  });
}

test("a request that another limit refuses takes no place", async () => {
  const envoy = await envoys.start();
  const limits = [
    { name: "busy", concurrency: { requests: 2 }, key: byKey },
    { name: "few", tokenBucket: { maxTokens: 1, fillInterval: "1h" }, match: { methods: ["POST"] } },
  ];
  const worker = await envoy.worker({ limits });
  worker.send({ ...keyed("a"), method: "POST" });
  for (let i = 0; i < 5; ++i) assert.ok(!passes(worker.open({ ...keyed("a"), method: "POST" })));
  assert.equal(room(worker), 2);
});

test("places that a dead worker took are free after the lease, and those of the others are not", async () => {
  const envoy = await envoys.start();
  const [dying, living] = [await envoy.worker(of(4)), await envoy.worker(of(4))];
  dying.open(keyed("a"));
  dying.open(keyed("a"));
  living.open(keyed("a"));
  // A VM that traps runs no callback of its streams any more.
  dying.close();
  assert.equal(room(living), 1);
  envoy.clock.advance(39_000);
  assert.equal(room(living), 1);
  envoy.clock.advance(21_000);
  assert.equal(room(living), 3);
  // The living worker renews what it holds.
  for (let minutes = 0; minutes < 10; ++minutes) {
    envoy.clock.advance(60_000);
    assert.equal(room(living), 3, `after ${String(minutes + 2)} minutes`);
  }
});

test("places expire when the clock is set forward by a lease, and are held again once they were renewed", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker(of(3));
  for (let i = 0; i < 3; ++i) assert.ok(passes(worker.open(keyed("a"))));
  assert.equal(room(worker), 0);
  envoy.clock.step(60_000);
  assert.equal(room(worker), 3);
  envoy.clock.advance(10_000);
  assert.equal(room(worker), 0);
});

test("a shadow limit counts without refusing", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker({ ...of(1, { mode: "shadow" }), shadowHeader: "x-would-be-limited" });
  const first = worker.open({ headers: [...keyed("a").headers, ["x-would-be-limited", "forged"]] });
  const second = worker.open(keyed("a"));
  assert.equal(first.request.headers?.get("x-would-be-limited"), undefined);
  assert.equal(second.request.headers?.get("x-would-be-limited"), "busy");
  first.close();
  // The second took no place.
  assert.equal(worker.open(keyed("a")).request.headers?.get("x-would-be-limited"), undefined);
  assert.equal(envoy.metric("ratelimit.busy.shadow_limited"), 1);
});

/** What happens: a request begins or ends somewhere, time passes, a clock is set. */
const stories = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant("begin" as const),
        worker: fc.nat({ max: 2 }),
        key: fc.nat({ max: 5 }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("end" as const), which: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("advance" as const), seconds: fc.nat({ max: 9 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("step" as const), seconds: fc.integer({ min: -100, max: 19 }) }),
    },
  ),
  { maxLength: 120 },
);

for (const scope of ["envoy", "worker"] as const) {
  test(`in the scope ${scope}, no story lets more run than the limit, and at its end all places are free`, async () => {
    await fc.assert(
      fc.asyncProperty(stories, fc.constantFrom(4, 65_536), async (story, slots) => {
        const envoy = new Envoy(module);
        const workers = await Promise.all([0, 1, 2].map(() => envoy.worker(of(3, { scope, slots }))));
        const running: { key: string; worker: number; stream: HttpStream }[] = [];
        let clockWasSet = false;
        let setBack = 0;
        for (const step of story) {
          if (step.kind === "begin") {
            const key = String(step.key);
            const stream = workers[step.worker]?.open(keyed(key));
            assert.ok(stream);
            const others = running.filter(
              (one) => one.key === key && (scope === "envoy" || one.worker === step.worker),
            );
            if (passes(stream)) {
              assert.ok(others.length < 3, `${key}: ${String(others.length)} ran already`);
              running.push({ key, worker: step.worker, stream });
            } else {
              // With room for all keys and a clock that goes on, none is refused that need not be.
              if (slots > 4 && !clockWasSet) assert.equal(others.length, 3);
              stream.close();
            }
          } else if (step.kind === "end") {
            running.splice(step.which % Math.max(running.length, 1), 1)[0]?.stream.close();
          } else if (step.kind === "advance") {
            envoy.clock.advance(step.seconds * 1000);
          } else {
            envoy.clock.step(step.seconds * 1000);
            // Places are renewed before the next step: several forward at once would be a lease, in which they expire.
            if (step.seconds > 0) envoy.clock.advance(10_000);
            clockWasSet = true;
            setBack += Math.max(0, -step.seconds);
          }
        }
        for (const { stream } of running) stream.close();
        // What was miscounted to be safe is gone after a lease, by the clock before it was set back.
        if (slots === 4 || clockWasSet) envoy.clock.advance(60_000 + setBack * 1000);
        for (const worker of workers) for (const key of ["0", "5"]) assert.equal(room(worker, key), 3);
        envoy.close();
      }),
      { numRuns: 60 },
    );
  });
}
