import { Bytes } from "../bytes";
import { MAX_FILL_INTERVAL_MILLISECONDS, MAX_TOKENS, TokenBucket, TokenBucketState } from "../token-bucket";

const SECOND: u64 = 1_000_000;

describe("TokenBucket", () => {
  test("holds so many tokens", () => {
    const bucket = new TokenBucket(5, 5, 60_000);
    let spent: u64 = 0;
    for (let left = 5; left > 0; --left) {
      expect(bucket.remaining(spent)).toBe(left);
      expect(bucket.hasToken(spent)).toBe(true);
      spent += bucket.token;
    }
    expect(bucket.remaining(spent)).toBe(0);
    expect(bucket.hasToken(spent)).toBe(false);
  });

  test("gives tokens back one by one, to the microsecond", () => {
    // 5 in 60 s: one in 12 s.
    const bucket = new TokenBucket(5, 5, 60_000);
    const empty = bucket.capacity;
    expect(bucket.hasToken(bucket.refill(empty, 12 * SECOND - 1))).toBe(false);
    expect(bucket.hasToken(bucket.refill(empty, 12 * SECOND))).toBe(true);
    expect(bucket.remaining(bucket.refill(empty, 59 * SECOND))).toBe(4);
    expect(bucket.remaining(bucket.refill(empty, 60 * SECOND))).toBe(5);
  });

  test("loses nothing when time passes in small steps", () => {
    // 3 in 10 s: a token in 3.33 s, which is no whole number of microseconds.
    const bucket = new TokenBucket(3, 3, 10_000);
    let spent = bucket.capacity;
    for (let step = 0; step < 10_000; ++step) spent = bucket.refill(spent, 333);
    expect(spent).toBe(bucket.refill(bucket.capacity, 3_330_000));
    expect(bucket.hasToken(spent)).toBe(false);
    expect(bucket.hasToken(bucket.refill(spent, 3333))).toBe(false);
    expect(bucket.hasToken(bucket.refill(spent, 3334))).toBe(true);
  });

  test("is never more than full", () => {
    const bucket = new TokenBucket(5, 5, 60_000);
    expect(bucket.refill(bucket.capacity, 61 * SECOND)).toBe(0);
    expect(bucket.refill(bucket.token, u64.MAX_VALUE)).toBe(0);
    expect(bucket.refill(0, u64.MAX_VALUE)).toBe(0);
    expect(bucket.refill(0, 0)).toBe(0);
  });

  test("tells how long to wait, in seconds rounded up", () => {
    const bucket = new TokenBucket(5, 5, 60_000);
    expect(bucket.secondsUntilToken(bucket.capacity)).toBe(12);
    expect(bucket.secondsUntilToken(bucket.capacity - 1)).toBe(12);
    expect(bucket.secondsUntilToken(bucket.refill(bucket.capacity, SECOND))).toBe(11);
    expect(bucket.secondsUntilToken(bucket.refill(bucket.capacity, SECOND + 1))).toBe(11);
    expect(bucket.secondsUntilToken(bucket.refill(bucket.capacity, 12 * SECOND - 1))).toBe(1);
    expect(bucket.secondsUntilToken(bucket.refill(bucket.capacity, 12 * SECOND))).toBe(0);
    expect(bucket.secondsUntilFull(bucket.capacity)).toBe(60);
    expect(bucket.secondsUntilFull(1)).toBe(1);
    expect(bucket.secondsUntilFull(0)).toBe(0);
  });

  test("does not overflow at the ends of what a configuration may say", () => {
    const tokens: u64[] = [1, MAX_TOKENS];
    const intervals: u64[] = [1, MAX_FILL_INTERVAL_MILLISECONDS];
    for (let m = 0; m < 2; ++m) {
      for (let t = 0; t < 2; ++t) {
        for (let i = 0; i < 2; ++i) {
          const bucket = new TokenBucket(tokens[m], tokens[t], intervals[i]);
          expect(bucket.capacity / bucket.token).toBe(tokens[m]);
          expect(bucket.capacity + bucket.token < <u64>i64.MAX_VALUE).toBe(true);
          expect(bucket.remaining(0)).toBe(tokens[m]);
          expect(bucket.remaining(bucket.capacity)).toBe(0);
          expect(bucket.refill(bucket.capacity, u64.MAX_VALUE)).toBe(0);
          const wait = bucket.secondsUntilFull(bucket.capacity);
          expect(bucket.refill(bucket.capacity, wait * SECOND)).toBe(0);
          if (wait > 1) expect(bucket.refill(bucket.capacity, (wait - 1) * SECOND) > 0).toBe(true);
        }
      }
    }
  });
});

describe("TokenBucket.rescale", () => {
  test("keeps the number of spent tokens", () => {
    const minute = new TokenBucket(10, 5, 60_000);
    const hour = new TokenBucket(10, 5, 3_600_000);
    expect(hour.rescale(3 * minute.token, minute.token)).toBe(3 * hour.token);
    expect(minute.rescale(3 * hour.token, hour.token)).toBe(3 * minute.token);
    expect(hour.rescale(minute.token / 2, minute.token)).toBe(hour.token / 2);
    expect(minute.rescale(7 * minute.token, minute.token)).toBe(7 * minute.token);
  });

  test("rounds against the client", () => {
    const minute = new TokenBucket(10, 5, 60_000);
    const millisecond = new TokenBucket(10, 5, 1);
    expect(millisecond.rescale(1, minute.token)).toBe(1);
    expect(millisecond.rescale(minute.token + 1, minute.token)).toBe(millisecond.token + 1);
  });

  test("gives no more than the bucket holds", () => {
    const large = new TokenBucket(1_000_000, 1, MAX_FILL_INTERVAL_MILLISECONDS);
    const small = new TokenBucket(5, 5, 60_000);
    expect(small.rescale(large.capacity, large.token)).toBe(small.capacity);
    expect(small.rescale(u64.MAX_VALUE, 1)).toBe(small.capacity);
    expect(small.rescale(u64.MAX_VALUE, small.token)).toBe(small.capacity);
    expect(small.rescale(u64.MAX_VALUE, 0)).toBe(small.capacity);
    expect(large.rescale(u64.MAX_VALUE, u64.MAX_VALUE)).toBe(large.token);
  });

  test("makes a larger bucket's new tokens usable at once", () => {
    const five = new TokenBucket(5, 5, 60_000);
    const ten = new TokenBucket(10, 10, 60_000);
    expect(ten.remaining(ten.rescale(five.capacity, five.token))).toBe(5);
    expect(five.remaining(five.rescale(3 * ten.token, ten.token))).toBe(2);
    expect(five.remaining(five.rescale(8 * ten.token, ten.token))).toBe(0);
  });
});

describe("TokenBucket out of range", () => {
  test("takes the end of the range", () => {
    const bucket = new TokenBucket(0, u64.MAX_VALUE, u64.MAX_VALUE);
    expect(bucket.maxTokens).toBe(1);
    expect(bucket.tokensPerFill).toBe(MAX_TOKENS);
    expect(bucket.token).toBe(<u64>MAX_FILL_INTERVAL_MILLISECONDS * 1000);
  });
});

describe("TokenBucketState", () => {
  const start: u64 = 1_700_000_000 * SECOND;

  test("gives what the bucket holds, then what comes back", () => {
    const bucket = new TokenBucket(3, 1, 1000);
    const state = new TokenBucketState();
    for (let i = 0; i < 3; ++i) expect(state.take(bucket, start)).toBe(true);
    expect(state.take(bucket, start)).toBe(false);
    expect(state.take(bucket, start + SECOND - 1)).toBe(false);
    expect(state.take(bucket, start + SECOND)).toBe(true);
    expect(state.take(bucket, start + 10 * SECOND, 4)).toBe(false, "more than it holds");
    expect(state.take(bucket, start + 10 * SECOND, 3)).toBe(true);
  });

  test("goes on from what was stored", () => {
    const bucket = new TokenBucket(2, 1, 1000);
    const state = new TokenBucketState();
    expect(state.take(bucket, start)).toBe(true);
    const stored = state.bytes.copy();
    expect(stored.length).toBe(16);
    const other = new TokenBucketState();
    other.read(Bytes.of(stored));
    expect(other.take(bucket, start)).toBe(true);
    expect(other.take(bucket, start)).toBe(false);
    other.read(null);
    expect(other.take(bucket, start)).toBe(true);
  });

  test("a clock that is set back neither fills nor stops the bucket", () => {
    const bucket = new TokenBucket(1, 1, 1000);
    const state = new TokenBucketState();
    expect(state.take(bucket, start)).toBe(true);
    expect(state.take(bucket, start - 3600 * SECOND)).toBe(false);
    expect(state.take(bucket, start - 3599 * SECOND)).toBe(true);
  });

  test("reads any bytes, and never holds more than the bucket", () => {
    const bucket = new TokenBucket(5, 1, 1000);
    const state = new TokenBucketState();
    for (let size = 0; size < 40; ++size) {
      const bytes = new Uint8Array(size);
      bytes.fill(0xff);
      state.read(Bytes.of(bytes));
      state.advance(bucket, start);
      expect(state.spent <= bucket.capacity).toBe(true);
    }
  });
});
