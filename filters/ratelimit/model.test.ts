import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import type { HttpStream } from "@meshwright/host";
import { Envoy, filterModule, statusOf } from "../testing/filter.ts";

// The module against a model of token buckets in exact arithmetic, with several workers and a clock that jumps.

interface TokenBucket {
  readonly maxTokens: number;
  readonly tokensPerFill: number;
  /** Milliseconds. */
  readonly fillInterval: number;
}

/** What a response tells. */
interface Answer {
  readonly status: number;
  readonly remaining: number;
  readonly reset: number;
  readonly retryAfter: number | undefined;
}

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/** A bucket for each key. What is left is counted in shares of a token, of which a token has as many as its interval has nanoseconds. */
class Model {
  readonly #buckets = new Map<string, { left: bigint; at: bigint }>();
  readonly #token: bigint;
  readonly #perNanosecond: bigint;
  readonly #full: bigint;

  constructor(bucket: TokenBucket) {
    this.#token = BigInt(bucket.fillInterval) * 1_000_000n;
    this.#perNanosecond = BigInt(bucket.tokensPerFill);
    this.#full = BigInt(bucket.maxTokens) * this.#token;
  }

  request(key: string, now: bigint): Answer {
    const bucket = this.#buckets.get(key) ?? { left: this.#full, at: now };
    if (now > bucket.at) bucket.left = min(this.#full, bucket.left + (now - bucket.at) * this.#perNanosecond);
    bucket.at = now;
    const allowed = bucket.left >= this.#token;
    if (allowed) bucket.left -= this.#token;
    this.#buckets.set(key, bucket);
    return {
      status: allowed ? 200 : 429,
      remaining: Number(bucket.left / this.#token),
      reset: this.#seconds(this.#full - bucket.left),
      retryAfter: allowed ? undefined : this.#seconds(this.#token - bucket.left),
    };
  }

  #seconds(shares: bigint): number {
    return Number(divideUp(divideUp(shares, this.#perNanosecond), NANOSECONDS_PER_SECOND));
  }
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}

function answerOf(stream: HttpStream): Answer {
  const headers = stream.response.headers;
  const retryAfter = headers?.get("retry-after");
  return {
    status: statusOf(stream),
    remaining: Number(headers?.get("x-ratelimit-remaining")),
    reset: Number(headers?.get("x-ratelimit-reset")),
    retryAfter: retryAfter === undefined ? undefined : Number(retryAfter),
  };
}

const WORKERS = 3;

const tokenBuckets = fc.oneof(
  fc.record({
    maxTokens: fc.integer({ min: 1, max: 8 }),
    tokensPerFill: fc.integer({ min: 1, max: 8 }),
    fillInterval: fc.integer({ min: 1, max: 20_000 }),
  }),
  // The ends of what a configuration may say.
  fc.record({
    maxTokens: fc.constantFrom(1, 2, 1_000_000),
    tokensPerFill: fc.constantFrom(1, 1_000_000),
    fillInterval: fc.constantFrom(1, 99_999, 2_678_400_000),
  }),
);

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("request" as const),
        key: fc.constantFrom("a", "b", "c"),
        worker: fc.nat({ max: WORKERS - 1 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("advance" as const),
        // Microseconds, since the filter cuts what is finer.
        microseconds: fc.oneof(fc.nat({ max: 5000 }), fc.nat({ max: 20_000_000 }), fc.nat({ max: 90_000_000_000 })),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("setBack" as const), milliseconds: fc.nat({ max: 3_600_000 }) }),
    },
  ),
  { maxLength: 60 },
);

let module: Uint8Array;

before(async () => {
  module = await filterModule("ratelimit");
});

test("three workers answer as one model bucket for each key does, whatever the clock does", async () => {
  await fc.assert(
    fc.asyncProperty(tokenBuckets, steps, async (tokenBucket, sequence) => {
      const envoy = new Envoy(module);
      const { maxTokens, tokensPerFill, fillInterval } = tokenBucket;
      const interval = fillInterval > 99_999 ? `${fillInterval / 3_600_000}h` : `${fillInterval}ms`;
      const configuration = {
        limits: [
          {
            name: "model",
            tokenBucket: { maxTokens, tokensPerFill, fillInterval: interval },
            key: [{ header: "x-key" }],
          },
        ],
      };
      const workers = await Promise.all(Array.from({ length: WORKERS }, () => envoy.worker(configuration)));
      const model = new Model(tokenBucket);
      for (const step of sequence) {
        if (step.kind === "advance") envoy.clock.advance(step.microseconds / 1000);
        else if (step.kind === "setBack") envoy.clock.step(-step.milliseconds);
        else {
          const answer = answerOf(workers[step.worker]!.send({ headers: [["x-key", step.key]] }));
          assert.deepEqual(answer, model.request(step.key, envoy.clock.realtime));
        }
      }
      envoy.close();
    }),
    { numRuns: 60 },
  );
});
