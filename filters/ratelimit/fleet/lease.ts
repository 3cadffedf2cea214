// One bucket of this worker: the lease that it has, and what is to be told of it.

import { Strategy, StrategyKind } from "./strategy";

/** A bucket. Times are nanoseconds of the host's monotonic clock. */
@final
export class Lease {
  /** Requests that passed and were refused since the last report. */
  allowed: u64 = 0;
  denied: u64 = 0;
  /** What the report told that is not answered yet, and when it was sent. */
  told: u64 = 0;
  isTold: bool = false;
  toldAt: u64 = 0;
  /** Whether it waits for a report. */
  isQueued: bool = false;
  /** Where it is among all leases of the client. */
  index: i32 = 0;

  private strategy: Strategy | null = null;
  private tokens: u64 = 0;
  private filledAt: u64 = 0;
  private ends: u64 = 0;
  timeToLive: u64 = 0;

  /**
   * @param id The serialized `BucketId`.
   * @param idHash What answers find it by.
   * @param key What the store finds it by.
   */
  constructor(
    readonly id: Uint8Array,
    readonly idHash: u64,
    readonly key: u64,
  ) {}

  /** Whether there is a lease, and it is not over. */
  isValid(now: u64): bool {
    return this.strategy !== null && now < this.ends;
  }

  /** Whether a valid lease lets so many hits pass. */
  hasRoom(hits: u64, now: u64): bool {
    const strategy = this.strategy as Strategy;
    if (strategy.kind != StrategyKind.Tokens) return strategy.kind == StrategyKind.AllowAll;
    this.fill(strategy, now);
    return this.tokens >= hits;
  }

  /** Charges hits for which there is room, or that passed whether there was room or not. */
  charge(hits: u64): void {
    this.tokens -= min(hits, this.tokens);
    this.allowed += hits;
  }

  /** Takes back what was charged and not told yet. */
  giveBack(hits: u64): void {
    const untold = min(hits, this.allowed);
    this.allowed -= untold;
    const strategy = this.strategy;
    if (strategy !== null) this.tokens = min(this.tokens + untold, strategy.maxTokens);
  }

  /** Hits that may pass at once. */
  get remaining(): u64 {
    const strategy = this.strategy;
    if (strategy === null) return 0;
    return strategy.kind == StrategyKind.AllowAll ? u32.MAX_VALUE : this.tokens;
  }

  /** Whether so much is used that the next lease is to be asked for. */
  get isLow(): bool {
    const strategy = this.strategy;
    if (strategy === null) return true;
    return (
      strategy.kind == StrategyKind.DenyAll ||
      (strategy.kind == StrategyKind.Tokens && this.tokens * 2 <= strategy.maxTokens)
    );
  }

  /** Seconds, rounded up, until the lease is over. */
  secondsLeft(now: u64): u64 {
    return this.isValid(now) ? (this.ends - now + 999_999_999) / 1_000_000_000 : 0;
  }

  /** A report takes what there is to tell. */
  tell(now: u64): void {
    this.told = this.allowed;
    this.allowed = 0;
    this.denied = 0;
    this.isTold = true;
    this.toldAt = now;
  }

  /** The report was in vain, as far as one knows. */
  untell(): void {
    this.allowed += this.told;
    this.told = 0;
    this.isTold = false;
  }

  /**
   * Takes a lease. One that answers a report counts from when that was sent: what passed since is of it, and so is the time.
   * @param timeToLive Nanoseconds.
   */
  take(strategy: Strategy, timeToLive: u64, now: u64): void {
    const from = this.isTold ? this.toldAt : now;
    const old = this.strategy;
    const isSame = old !== null && old.isSame(strategy) && this.isValid(now);
    if (!isSame) {
      const passed = this.isTold ? this.allowed : 0;
      this.tokens = strategy.maxTokens - min(passed, strategy.maxTokens);
      this.filledAt = from;
    }
    this.strategy = strategy;
    this.timeToLive = timeToLive;
    this.ends = from + timeToLive;
    this.answered();
  }

  /** The bucket is to be forgotten. */
  drop(): void {
    this.strategy = null;
    this.tokens = 0;
    this.answered();
  }

  private answered(): void {
    this.told = 0;
    this.isTold = false;
  }

  private fill(strategy: Strategy, now: u64): void {
    if (now <= this.filledAt) return;
    const fills = (now - this.filledAt) / strategy.fillInterval;
    if (fills == 0) return;
    this.filledAt += fills * strategy.fillInterval;
    // Both are less than 2^32.
    const more = min<u64>(fills, u32.MAX_VALUE) * strategy.tokensPerFill;
    this.tokens = min(this.tokens + more, strategy.maxTokens);
  }
}

/** A hash of a bucket's id that does not depend on the order of its entries, which a service may change. */
export function entryHash(keyHash: u64, valueHash: u64): u64 {
  return (keyHash ^ (valueHash >> 7)) * 0x9e37_79b9_7f4a_7c15 + valueHash;
}
