// The buckets that share one entry of a storage: up to four keys of a limit whose hashes fall together.
//
// There is no way to delete shared data, and memory is to be bounded anyway, so keys are hashed into a fixed number of buckets. A bucket carries the 64-bit
// hash of its key. A key without a bucket takes an unused one of its set (an unused bucket says nothing about its key), else
// the least used, with all that is used of it: a key may find less than its limit then, never more. That holds for keys that
// lost their bucket too: since what is used comes back to all buckets of a set alike, the least used one has at least as
// much used as they had. Where an algorithm does not keep that order, the set remembers what keys lost, and no key
// begins with less.

import { Bytes } from "proxy-wasm-assemblyscript-sdk";
import { Algorithm } from "../algorithms/algorithm";

/** Buckets of a set. */
export const WAYS: i32 = 4;

// In a storage, least significant byte first: the time of the last change in microseconds since 1970, the unit of the
// algorithm at that time, what keys without a bucket may have used, then for each bucket the hash of its key and what is used.
// Eight bytes each.
// @ts-ignore: decorator
@inline const HEAD: i32 = 24;
// @ts-ignore: decorator
@inline const BUCKET: i32 = 16;
// @ts-ignore: decorator
@inline export const MAX_SIZE: i32 = HEAD + WAYS * BUCKET;

/** The working copy of an entry; `bytes` is what to store. */
@final
export class BucketSet {
  private data: StaticArray<u8> = new StaticArray<u8>(MAX_SIZE);
  private count: i32 = 0;
  /** Whether the clock was set back since the last change. */
  clockWentBack: bool = false;
  /** Whether the last `claim` had to take a bucket that was in use. */
  shared: bool = false;
  private algorithm: Algorithm | null = null;

  /**
   * Reads what is stored and lets time pass for all buckets, up to `now`. Time that goes back counts as none.
   * @param stored Null for a set that nobody made yet. What is no set reads as one.
   */
  open(stored: Bytes | null, now: u64, algorithm: Algorithm): void {
    this.count = 0;
    this.clockWentBack = false;
    this.shared = false;
    if (stored !== null && isSet(stored)) {
      memory.copy(this.address, stored.pointer, stored.size);
      this.count = (stored.size - HEAD) / BUCKET;
      const changed = load<u64>(this.address);
      this.clockWentBack = now < changed;
      this.advance(changed, max(now, changed), algorithm);
    } else {
      this.lost = 0;
    }
    this.algorithm = algorithm;
    store<u64>(this.address, now);
    store<u64>(this.address, algorithm.unit, 8);
  }

  private advance(from: u64, to: u64, algorithm: Algorithm): void {
    const unit = load<u64>(this.address, 8);
    this.lost = algorithm.advance(algorithm.convert(this.lost, unit), from, to);
    for (let way = 0; way < this.count; ++way) {
      this.setUsed(way, algorithm.advance(algorithm.convert(this.used(way), unit), from, to));
    }
  }

  /** The bucket of a key; it is the key's from now on. */
  claim(key: u64): i32 {
    let least = 0;
    for (let way = 0; way < this.count; ++way) {
      if (load<u64>(this.bucket(way)) == key) return way;
      if (this.used(way) < this.used(least)) least = way;
    }
    if (this.count < WAYS && (this.count == 0 || this.used(least) != 0)) {
      least = this.count++;
      this.setUsed(least, 0);
    }
    const algorithm = this.algorithm;
    if (algorithm !== null && !algorithm.isOrdered) {
      if (this.used(least) != 0) this.lost = algorithm.most(this.lost, this.used(least));
      this.setUsed(least, this.lost);
    }
    this.shared = this.used(least) != 0;
    store<u64>(this.bucket(least), key);
    return least;
  }

  /** The bucket of a key, or -1 when it has none. */
  find(key: u64): i32 {
    for (let way = 0; way < this.count; ++way) {
      if (load<u64>(this.bucket(way)) == key) return way;
    }
    return -1;
  }

  /** What is used of a bucket. */
  used(way: i32): u64 {
    return load<u64>(this.bucket(way), 8);
  }

  setUsed(way: i32, used: u64): void {
    store<u64>(this.bucket(way), used, 8);
  }

  /** What to store; it stays valid until the set is opened again. */
  get bytes(): Bytes {
    return Bytes.at(this.address, HEAD + this.count * BUCKET);
  }

  /** As much as any key may have used that lost its bucket; 0 where the least used bucket tells. */
  private get lost(): u64 {
    return load<u64>(this.address, 16);
  }

  private set lost(used: u64) {
    store<u64>(this.address, used, 16);
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
