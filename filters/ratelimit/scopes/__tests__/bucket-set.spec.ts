import { Bytes, TokenBucket } from "proxy-wasm-assemblyscript-sdk";
import { Algorithm } from "../../algorithms/algorithm";
import { SlidingWindow } from "../../algorithms/sliding-window";
import { TokenBucketAlgorithm } from "../../algorithms/token-bucket";
import { BucketSet, WAYS } from "../bucket-set";

const SECOND: u64 = 1_000_000;
const KEYS: u64 = WAYS;
const bucket = new TokenBucket(10, 1, 1000);
const algorithm = new TokenBucketAlgorithm(bucket);

/** What the shared data would hold: a copy, as the host makes one. */
let stored: Uint8Array = new Uint8Array(0);

function open(now: u64, by: Algorithm = algorithm): BucketSet {
  const set = new BucketSet();
  set.open(stored.length ? Bytes.of(stored) : null, now, by);
  return set;
}

function save(set: BucketSet): void {
  stored = set.bytes.copy();
}

/** Takes so many tokens from the bucket of a key. */
function take(key: u64, tokens: u64, now: u64): void {
  const set = open(now);
  const way = set.claim(key);
  set.setUsed(way, set.used(way) + tokens * bucket.token);
  save(set);
}

function remaining(key: u64, now: u64): u64 {
  const set = open(now);
  return bucket.remaining(set.used(set.claim(key)));
}

describe("BucketSet", () => {
  beforeEach(() => {
    stored = new Uint8Array(0);
  });

  test("keeps a bucket for each of four keys", () => {
    for (let key: u64 = 1; key <= KEYS; ++key) take(key, key, SECOND);
    expect(stored.length).toBe(24 + 4 * 16);
    for (let key: u64 = 1; key <= KEYS; ++key) expect(remaining(key, SECOND)).toBe(10 - key, `key ${key}`);
  });

  test("refills all of its buckets", () => {
    take(1, 5, 10 * SECOND);
    take(2, 2, 12 * SECOND);
    expect(remaining(1, 12 * SECOND)).toBe(7);
    expect(remaining(1, 14 * SECOND)).toBe(9);
    expect(remaining(2, 14 * SECOND)).toBe(10);
  });

  test("gives a full bucket to another key before it grows", () => {
    take(1, 1, SECOND);
    take(2, 1, 2 * SECOND);
    expect(stored.length).toBe(24 + 16);
    expect(open(2 * SECOND).find(1)).toBe(-1);
  });

  test("has a fifth key share the fullest bucket, and says so", () => {
    for (let key: u64 = 1; key <= KEYS; ++key) take(key, key + 1, SECOND);
    const set = open(SECOND);
    const way = set.claim(99);
    expect(set.shared).toBe(true);
    expect(set.used(way)).toBe(2 * bucket.token);
    expect(set.find(1)).toBe(-1);
    expect(set.find(4) >= 0).toBe(true);
  });

  test("never gives a key that lost its bucket more than it had", () => {
    for (let key: u64 = 1; key <= KEYS; ++key) take(key, 5, SECOND);
    take(99, 1, SECOND);
    for (let key: u64 = 1; key <= KEYS; ++key) expect(remaining(key, SECOND) <= 5).toBe(true, `key ${key}`);
  });

  test("never gives a key that lost its bucket more than it had, where order does not last", () => {
    const windows = new SlidingWindow(10, 10 * SECOND);
    // Ten requests of the first window weigh little at the end of the second one, and five of the second much.
    let set = open(5 * SECOND, windows);
    for (let key: u64 = 1; key < KEYS; ++key) set.setUsed(set.claim(key), 10);
    save(set);
    set = open(19 * SECOND, windows);
    set.setUsed(set.claim(KEYS), 5);
    save(set);
    set = open(19 * SECOND, windows);
    set.claim(99);
    expect(set.shared).toBe(true);
    expect(set.find(KEYS)).toBe(-1);
    save(set);
    // In the third window the first one counts no more.
    set = open(20 * SECOND, windows);
    const way = set.claim(KEYS);
    expect(windows.remaining(set.used(way), 20 * SECOND)).toBe(5);
  });

  test("does not refill when the clock goes back, and goes on from there", () => {
    take(1, 10, 100 * SECOND);
    const set = open(40 * SECOND);
    expect(set.clockWentBack).toBe(true);
    expect(bucket.remaining(set.used(set.claim(1)))).toBe(0);
    save(set);
    expect(open(41 * SECOND).clockWentBack).toBe(false);
    expect(remaining(1, 41 * SECOND)).toBe(1);
  });

  test("takes over what another configuration of the limit left", () => {
    take(1, 4, SECOND);
    const slower = new TokenBucket(20, 1, 60_000);
    const set = open(SECOND, new TokenBucketAlgorithm(slower));
    expect(slower.remaining(set.used(set.claim(1)))).toBe(16);
    save(set);
    expect(remaining(1, SECOND)).toBe(6);
  });

  test("reads what is no set as one that nobody made yet", () => {
    const sizes = [1, 23, 24, 25, 39, 41, 71, 89, 104, 1000];
    for (let i = 0; i < sizes.length; ++i) {
      stored = new Uint8Array(sizes[i]);
      stored.fill(0xff);
      expect(remaining(1, SECOND)).toBe(10, `${sizes[i]} bytes`);
    }
  });

  test("never holds more than the limit, whatever bytes it reads", () => {
    stored = new Uint8Array(88);
    stored.fill(0xff);
    const set = open(SECOND);
    for (let way = 0; way < WAYS; ++way) expect(set.used(way) <= bucket.capacity).toBe(true);
  });
});
