import { before, test } from "node:test";
import fc from "fast-check";
import { filterModule } from "../testing/filter.ts";
import { divideUp, durationText, expectModel, steps, type Answer, type LimitModel } from "../testing/ratelimit.ts";

// The module against a model of token buckets in exact arithmetic.

interface TokenBucket {
  readonly maxTokens: number;
  readonly tokensPerFill: number;
  /** Milliseconds. */
  readonly fillInterval: number;
}

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/** A bucket for each key. What is left is counted in shares of a token, of which a token has as many as its interval has nanoseconds. */
class Model implements LimitModel {
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
    const stored = this.#buckets.get(key) ?? { left: this.#full, at: now };
    const bucket = { left: stored.left, at: now };
    if (now > stored.at) bucket.left = min(this.#full, bucket.left + (now - stored.at) * this.#perNanosecond);
    const allowed = bucket.left >= this.#token;
    if (allowed) bucket.left -= this.#token;
    // A refusal changes nothing, unless the clock lies before the last change.
    if (allowed || now < stored.at) this.#buckets.set(key, bucket);
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

let module: Uint8Array;

before(async () => {
  module = await filterModule("ratelimit");
});

test("three workers answer as one model bucket for each key does, whatever the clock does", async () => {
  await fc.assert(
    fc.asyncProperty(tokenBuckets, steps, async (tokenBucket, sequence) => {
      const fillInterval = durationText(tokenBucket.fillInterval);
      const limit = { tokenBucket: { ...tokenBucket, fillInterval } };
      await expectModel(module, limit, new Model(tokenBucket), sequence);
    }),
    { numRuns: 60 },
  );
});

test("GCRA decides as a bucket of its burst does", async () => {
  await fc.assert(
    fc.asyncProperty(tokenBuckets, steps, async (tokenBucket, sequence) => {
      const { maxTokens: burst, tokensPerFill: requests, fillInterval } = tokenBucket;
      const limit = { gcra: { requests, burst, period: durationText(fillInterval) } };
      await expectModel(module, limit, new Model(tokenBucket), sequence);
    }),
    { numRuns: 20 },
  );
});
