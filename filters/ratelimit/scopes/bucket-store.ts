// Counting by buckets that are read, changed and written back: the scopes `envoy` and `worker`.

import { Bytes, Counter, currentTimeNanoseconds } from "proxy-wasm-assemblyscript-sdk";
import { Algorithm } from "../algorithms/algorithm";
import { BucketSet } from "./bucket-set";
import { Storage } from "./storage";
import { Store, Verdict } from "./store";

/** How often a change is tried: each failure is another worker's success, so this many in a row hardly happen. */
// @ts-ignore: decorator
@inline const ATTEMPTS: i32 = 16;
/** The same for what must not fail: a hit that is not given back or added is wrong for long. */
// @ts-ignore: decorator
@inline const FIRM_ATTEMPTS: i32 = 1000;

/** What a limit tells of its buckets. */
@final
export class StoreCounters {
  /** Hits charged to a bucket that other keys use too. */
  readonly shared: Counter;
  /** Changes that were given up. */
  readonly contended: Counter;

  constructor(limit: string) {
    this.shared = new Counter(`ratelimit.${limit}.shared`);
    this.contended = new Counter(`ratelimit.${limit}.contended`);
  }
}

/** A bucket for each key, by an algorithm, in a storage. */
@final
export class BucketStore extends Store {
  private set: BucketSet = new BucketSet();
  private key: u64 = 0;
  private hits: u64 = 1;
  private way: i32 = 0;
  /** When the bucket was looked at, in microseconds since 1970. */
  private now: u64 = 0;

  constructor(
    private algorithm: Algorithm,
    private storage: Storage,
    private counters: StoreCounters,
  ) {
    super();
  }

  look(key: u64, hits: u64): Verdict {
    this.key = key;
    this.hits = hits;
    this.open(key);
    const goneBack = this.set.clockWentBack;
    this.way = this.set.claim(key);
    if (this.algorithm.hasRoom(this.used, hits, this.now)) return Verdict.Allowed;
    // A refusal changes nothing, but a clock that was set back must not stop what comes back until it has caught up.
    if (goneBack) this.storage.write(this.set.bytes);
    return Verdict.Limited;
  }

  take(): Verdict {
    for (let attempt = 0; attempt < ATTEMPTS; ++attempt) {
      if (attempt && this.look(this.key, this.hits) == Verdict.Limited) return Verdict.Limited;
      this.set.setUsed(this.way, this.algorithm.charge(this.used, this.hits, this.now));
      if (!this.storage.write(this.set.bytes)) continue;
      if (this.set.shared) this.counters.shared.increment();
      return Verdict.Allowed;
    }
    this.counters.contended.increment();
    return Verdict.Contended;
  }

  get takenAt(): u64 {
    return this.now;
  }

  giveBack(key: u64, hits: u64, takenAt: u64): void {
    for (let attempt = 0; attempt < FIRM_ATTEMPTS; ++attempt) {
      this.open(key);
      const way = this.set.find(key);
      // Another key has the bucket by now, with all that is used of it.
      if (way < 0) return;
      const used = this.set.used(way);
      const left = this.algorithm.refund(used, hits, takenAt, this.now);
      if (left == used) return;
      this.set.setUsed(way, left);
      if (this.storage.write(this.set.bytes)) return;
    }
    this.counters.contended.increment();
  }

  add(key: u64, hits: u64): void {
    for (let attempt = 0; attempt < FIRM_ATTEMPTS; ++attempt) {
      this.open(key);
      const way = this.set.claim(key);
      this.set.setUsed(way, this.algorithm.charge(this.set.used(way), hits, this.now));
      if (!this.storage.write(this.set.bytes)) continue;
      if (this.set.shared) this.counters.shared.increment();
      return;
    }
    this.counters.contended.increment();
  }

  renew(key: u64, takenAt: u64): u64 {
    for (let attempt = 0; attempt < FIRM_ATTEMPTS; ++attempt) {
      this.open(key);
      const way = this.set.claim(key);
      const used = this.algorithm.refund(this.set.used(way), 1, takenAt, this.now);
      this.set.setUsed(way, this.algorithm.charge(used, 1, this.now));
      if (this.storage.write(this.set.bytes)) return this.now;
    }
    // It is tried again with the next renewal, before it is forgotten.
    this.counters.contended.increment();
    return takenAt;
  }

  get remaining(): u64 {
    return this.algorithm.remaining(this.used, this.now);
  }

  get secondsUntilRoom(): u64 {
    return this.algorithm.secondsUntilRoom(this.used, this.hits, this.now);
  }

  get secondsUntilUnused(): u64 {
    return this.algorithm.secondsUntilUnused(this.used, this.now);
  }

  private open(key: u64): void {
    const stored: Bytes | null = this.storage.read(key);
    // The clock is read after the bucket, so of two workers the one that writes later has the later time.
    this.now = currentTimeNanoseconds() / 1000;
    this.set.open(stored, this.now, this.algorithm);
  }

  /** What is used of the bucket that was looked at. */
  private get used(): u64 {
    return this.set.used(this.way);
  }
}
