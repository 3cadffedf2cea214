// The buckets that share one entry of the shared data: up to four keys of a limit whose hashes fall together.
//
// There is no way to delete shared data, so keys are hashed into a fixed number of buckets. A bucket carries the 64-bit
// hash of its key. A key without a bucket takes a full one of its set (a full bucket says nothing about its key), else
// the fullest, with all that is spent of it: a key may find less than its limit then, never more. That holds for keys that
// lost their bucket too: since all buckets of a set refill alike, the fullest one has at least as much spent as they had.

import { Bytes, TokenBucket } from "proxy-wasm-assemblyscript-sdk";

/** Buckets of a set. */
export const WAYS: i32 = 4;

// In the shared data, least significant byte first: the time of the last change in microseconds since 1970, the parts of a
// token at that time, then for each bucket the hash of its key and the parts that are spent. Eight bytes each.
// @ts-ignore: decorator
@inline const HEAD: i32 = 16;
// @ts-ignore: decorator
@inline const BUCKET: i32 = 16;
// @ts-ignore: decorator
@inline const MAX_SIZE: i32 = HEAD + WAYS * BUCKET;

/** The working copy of an entry; `bytes` is what to store. */
@final
export class BucketSet {
  private data: StaticArray<u8> = new StaticArray<u8>(MAX_SIZE);
  private count: i32 = 0;
  /** Whether the clock was set back since the last change. */
  clockWentBack: bool = false;
  /** Whether the last `claim` had to take a bucket that was in use. */
  shared: bool = false;

  /**
   * Reads what is stored and lets time pass for all buckets, up to `now`. Time that goes back counts as none.
   * @param stored Null for a set that nobody made yet. What is no set reads as one.
   */
  open(stored: Bytes | null, now: u64, bucket: TokenBucket): void {
    this.count = 0;
    this.clockWentBack = false;
    this.shared = false;
    if (stored !== null && isSet(stored)) {
      memory.copy(this.address, stored.pointer, stored.size);
      this.count = (stored.size - HEAD) / BUCKET;
      const changed = load<u64>(this.address);
      this.clockWentBack = now < changed;
      this.advance(now > changed ? now - changed : 0, bucket);
    }
    store<u64>(this.address, now);
    store<u64>(this.address, bucket.token, 8);
  }

  private advance(microseconds: u64, bucket: TokenBucket): void {
    const token = load<u64>(this.address, 8);
    for (let way = 0; way < this.count; ++way) {
      const spent = bucket.rescale(this.spent(way), token);
      this.setSpent(way, bucket.refill(spent, microseconds));
    }
  }

  /** The bucket of a key; it is the key's from now on. */
  claim(key: u64): i32 {
    let fullest = 0;
    for (let way = 0; way < this.count; ++way) {
      if (load<u64>(this.bucket(way)) == key) return way;
      if (this.spent(way) < this.spent(fullest)) fullest = way;
    }
    if (this.count < WAYS && (this.count == 0 || this.spent(fullest) != 0)) {
      fullest = this.count++;
      this.setSpent(fullest, 0);
    }
    this.shared = this.spent(fullest) != 0;
    store<u64>(this.bucket(fullest), key);
    return fullest;
  }

  /** The bucket of a key, or -1 when it has none. */
  find(key: u64): i32 {
    for (let way = 0; way < this.count; ++way) {
      if (load<u64>(this.bucket(way)) == key) return way;
    }
    return -1;
  }

  /** The parts that are spent of a bucket. */
  spent(way: i32): u64 {
    return load<u64>(this.bucket(way), 8);
  }

  setSpent(way: i32, parts: u64): void {
    store<u64>(this.bucket(way), parts, 8);
  }

  /** What to store; it stays valid until the set is opened again. */
  get bytes(): Bytes {
    return Bytes.at(this.address, HEAD + this.count * BUCKET);
  }

  private get address(): usize {
    return changetype<usize>(this.data);
  }

  private bucket(way: i32): usize {
    return this.address + HEAD + way * BUCKET;
  }
}

function isSet(bytes: Bytes): bool {
  const buckets = bytes.size - HEAD;
  return buckets > 0 && bytes.size <= MAX_SIZE && buckets % BUCKET == 0;
}
