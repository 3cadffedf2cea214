import assert from "node:assert/strict";
import { test } from "node:test";
import type { HttpStream } from "@meshwright/host";
import { Envoys, statusOf, type Request, type Worker } from "../testing/filter.ts";

const envoys = new Envoys("ratelimit");

const perMinute = (maxTokens: number): object => ({ maxTokens, tokensPerFill: maxTokens, fillInterval: "60s" });
const byKey = [{ header: "x-api-key" }];
const apiKey = (value: string): Request => ({ headers: [["x-api-key", value]] });

/** Statuses of the same request sent again and again. */
function statuses(worker: Worker, count: number, request: Request = {}): number[] {
  return Array.from({ length: count }, () => statusOf(worker.send(request)));
}

function headersOf(stream: HttpStream): Record<string, string | undefined> {
  const headers = stream.response.headers;
  const names = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"];
  return Object.fromEntries(names.map((name) => [name.replace("x-ratelimit-", ""), headers?.get(name)]));
}

test("five a minute: five pass, the sixth is refused, and twelve seconds later one more passes", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker({ limits: [{ name: "five", tokenBucket: perMinute(5), key: byKey }] });
  const answers = Array.from({ length: 6 }, () => worker.send(apiKey("a")));
  assert.deepEqual(answers.map(statusOf), [200, 200, 200, 200, 200, 429]);
  assert.deepEqual(answers.map(headersOf).slice(0, 2), [
    { limit: "5", remaining: "4", reset: "12", "retry-after": undefined },
    { limit: "5", remaining: "3", reset: "24", "retry-after": undefined },
  ]);
  const [refused] = answers.slice(5);
  assert.ok(refused?.localResponse);
  assert.equal(refused.localResponse.body, "rate limited");
  assert.equal(refused.localResponse.details, "ratelimit_five");
  assert.deepEqual(headersOf(refused), { limit: "5", remaining: "0", reset: "60", "retry-after": "12" });
  assert.equal(refused.response.headers?.getAll("x-ratelimit-limit").length, 1);

  envoy.clock.advance(11_999);
  assert.deepEqual(headersOf(worker.send(apiKey("a")))["retry-after"], "1");
  envoy.clock.advance(1);
  assert.deepEqual(statuses(worker, 2, apiKey("a")), [200, 429]);
  assert.deepEqual(statuses(worker, 1, apiKey("b")), [200]);
  assert.equal(envoy.metric("ratelimit.five.allowed"), 7);
  assert.equal(envoy.metric("ratelimit.five.limited"), 3);
});

test("the headers of the IETF draft name the limit, its quota, what is left, and when all of it is back", async () => {
  const envoy = await envoys.start();
  const limits = [{ name: "five", tokenBucket: perMinute(5), key: byKey }];
  const newHeaders = (stream: HttpStream): (string | undefined)[] =>
    ["ratelimit-policy", "ratelimit", "x-ratelimit-limit"].map((name) => stream.response.headers?.get(name));
  const drafted = await envoy.worker({ limits, headers: "ratelimit" });
  assert.deepEqual(newHeaders(drafted.send(apiKey("a"))), [`"five";q=5;w=60`, `"five";r=4;t=12`, undefined]);
  const both = await envoy.worker({ limits, headers: "both" });
  const answers = Array.from({ length: 5 }, () => both.send(apiKey("a")));
  assert.deepEqual(answers.map(newHeaders).slice(-2), [
    [`"five";q=5;w=60`, `"five";r=0;t=60`, "5"],
    [`"five";q=5;w=60`, `"five";r=0;t=60`, "5"],
  ]);
  assert.equal(answers.map(statusOf).at(-1), 429);
  // A bucket of 10 of which 3 come back in a second is full again after 3.33 seconds.
  const tokenBucket = { maxTokens: 10, tokensPerFill: 3, fillInterval: "1s" };
  const slow = await envoy.worker({ limits: [{ name: "ten", tokenBucket }], headers: "ratelimit" });
  assert.deepEqual(newHeaders(slow.send()).slice(0, 2), [`"ten";q=10;w=4`, `"ten";r=9;t=1`]);
});

test("a refusal can be problem details", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker({
    limits: [{ name: "one", tokenBucket: perMinute(1) }],
    response: { format: "json", body: 'not "so" fast' },
  });
  worker.send();
  const refused = worker.send();
  assert.equal(refused.response.headers?.get("content-type"), "application/problem+json");
  assert.deepEqual(JSON.parse(refused.localResponse?.body ?? ""), {
    title: 'not "so" fast',
    status: 429,
    limit: "one",
    retryAfter: 60,
  });
});

test("the answer is as configured", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker({
    limits: [{ name: "one", tokenBucket: perMinute(1) }],
    headers: "none",
    response: { status: 503, body: "" },
  });
  const [first, second] = [worker.send(), worker.send()];
  assert.deepEqual(headersOf(first), {
    limit: undefined,
    remaining: undefined,
    reset: undefined,
    "retry-after": undefined,
  });
  assert.equal(statusOf(second), 503);
  assert.equal(second.localResponse?.body, "");
  assert.deepEqual(headersOf(second), {
    limit: undefined,
    remaining: undefined,
    reset: undefined,
    "retry-after": "60",
  });
});

test("the limit that leaves least tells what is left", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker({
    limits: [
      { name: "many", tokenBucket: perMinute(100) },
      { name: "few", tokenBucket: perMinute(3), match: { path: { prefix: "/api" } } },
      { name: "shadow", tokenBucket: perMinute(1), mode: "shadow" },
    ],
  });
  assert.deepEqual(headersOf(worker.send({ path: "/api" })), {
    limit: "3",
    remaining: "2",
    reset: "20",
    "retry-after": undefined,
  });
  assert.equal(headersOf(worker.send({ path: "/" })).remaining, "98");
});

test("no limit is charged when one refuses", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker({
    limits: [
      { name: "all", tokenBucket: perMinute(10) },
      { name: "one", tokenBucket: perMinute(1), match: { path: { exact: "/one" } } },
    ],
  });
  assert.deepEqual(statuses(worker, 50, { path: "/one" }), [200, ...Array<number>(49).fill(429)]);
  assert.equal(headersOf(worker.send()).remaining, "8");
  assert.equal(envoy.metric("ratelimit.all.limited"), 0);
  assert.equal(envoy.metric("ratelimit.all.allowed"), 2);
  assert.equal(envoy.metric("ratelimit.one.limited"), 49);
});

test("of two limits that refuse, the one with the longer wait answers", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker({
    limits: [
      { name: "short", tokenBucket: { maxTokens: 1, fillInterval: "1s" } },
      { name: "long", tokenBucket: { maxTokens: 1, fillInterval: "1h" } },
    ],
  });
  assert.deepEqual(statuses(worker, 2), [200, 429]);
  assert.equal(headersOf(worker.send())["retry-after"], "3600");
});

test("a shadow limit only counts", async () => {
  const envoy = await envoys.start();
  const worker = await envoy.worker({ limits: [{ name: "quiet", tokenBucket: perMinute(2), mode: "shadow" }] });
  assert.deepEqual(statuses(worker, 5), [200, 200, 200, 200, 200]);
  assert.equal(envoy.metric("ratelimit.quiet.allowed"), 2);
  assert.equal(envoy.metric("ratelimit.quiet.shadow_limited"), 3);
  assert.equal(headersOf(worker.send()).limit, undefined);
});

test("workers share the buckets, and a new configuration finds them", async () => {
  const envoy = await envoys.start();
  const limits = (maxTokens: number, others: object[] = []): object => ({
    limits: [...others, { name: "five", tokenBucket: perMinute(maxTokens), key: byKey }],
  });
  const [a, b] = [await envoy.worker(limits(5)), await envoy.worker(limits(5))];
  assert.deepEqual([...statuses(a, 3, apiKey("a")), ...statuses(b, 3, apiKey("a"))], [200, 200, 200, 200, 200, 429]);

  const moved = await envoy.worker(limits(5, [{ name: "before", tokenBucket: perMinute(1000) }]));
  assert.deepEqual(statuses(moved, 1, apiKey("a")), [429]);
  const larger = await envoy.worker(limits(10));
  assert.deepEqual(statuses(larger, 6, apiKey("a")), [200, 200, 200, 200, 200, 429]);
  const smaller = await envoy.worker(limits(2));
  assert.deepEqual(statuses(smaller, 1, apiKey("a")), [429]);
  envoy.clock.advance(30_000);
  assert.deepEqual(statuses(smaller, 2, apiKey("a")), [200, 429]);

  const otherKey = await envoy.worker({
    limits: [{ name: "five", tokenBucket: perMinute(2), key: [{ header: "x-b" }] }],
  });
  assert.deepEqual(statuses(otherKey, 1, { headers: [["x-b", "a"]] }), [200]);
});
