import { Algorithm, divideUp, secondsOf } from "./algorithm";
import { untilNext } from "./fixed-window";

/** More hits of one window than any limit allows: with it no product below reaches 2^64. */
// @ts-ignore: decorator
@inline const MAX_COUNT: u64 = 1_000_000;

/**
 * So many hits in the window of time that ends now. Hits are counted by fixed windows, and those of the window before
 * count by the share of it that the sliding window still covers, as if they had come evenly. A number has the hits of the
 * present window in its lower half, those of the one before in its upper half.
 */
@final
export class SlidingWindow extends Algorithm {
  /**
   * @param requests 1 to 1,000,000.
   * @param length Of a window, in microseconds, up to 31 days.
   */
  constructor(
    private requests: u64,
    private length: u64,
  ) {
    super();
  }

  get quota(): u64 {
    return this.requests;
  }

  get window(): u64 {
    return secondsOf(this.length);
  }

  get unit(): u64 {
    return this.length;
  }

  /** Many hits of the window before can weigh more now and less soon than few of the present one. */
  get isOrdered(): bool {
    return false;
  }

  /** At least as much in each half. */
  most(a: u64, b: u64): u64 {
    return pack(max(before(a), before(b)), max(present(a), present(b)));
  }

  /** Hits stay hits when the window's length changes. */
  convert(used: u64, unit: u64): u64 {
    return pack(min(before(used), MAX_COUNT), min(present(used), MAX_COUNT));
  }

  advance(used: u64, from: u64, to: u64): u64 {
    const windows = to / this.length - from / this.length;
    if (windows == 0) return used;
    return windows == 1 ? pack(present(used), 0) : 0;
  }

  hasRoom(used: u64, hits: u64, now: u64): bool {
    return this.parts(used, now) + hits * this.length <= this.capacity;
  }

  charge(used: u64, hits: u64, now: u64): u64 {
    const count = present(used);
    return pack(before(used), max(count, min(count + hits, this.requests)));
  }

  refund(used: u64, hits: u64, chargedAt: u64, now: u64): u64 {
    // A clock that was set back must not make this wrap around.
    const windows = now / this.length - min(now, chargedAt) / this.length;
    if (windows == 0) return used - min(hits, present(used));
    if (windows > 1) return used;
    return pack(before(used) - min(hits, before(used)), present(used));
  }

  remaining(used: u64, now: u64): u64 {
    const parts = this.parts(used, now);
    return parts >= this.capacity ? 0 : (this.capacity - parts) / this.length;
  }

  secondsUntilRoom(used: u64, hits: u64, now: u64): u64 {
    const needed = min(hits, this.requests);
    if (this.hasRoom(used, needed, now)) return 0;
    const next = untilNext(now, this.length);
    const old = before(used);
    // Each microsecond takes off as many parts as there were hits in the window before.
    if (old) {
      const wait = divideUp(this.parts(used, now) + needed * this.length - this.capacity, old);
      if (wait <= next) return secondsOf(wait);
    }
    const count = present(used);
    const excess = count + needed > this.requests ? count + needed - this.requests : 0;
    return secondsOf(next + (count ? divideUp(excess * this.length, count) : 0));
  }

  secondsUntilUnused(used: u64, now: u64): u64 {
    if (used == 0) return 0;
    return secondsOf(untilNext(now, this.length) + (present(used) ? this.length : 0));
  }

  /** What is used, in parts of which a hit has as many as the window has microseconds. */
  private parts(used: u64, now: u64): u64 {
    return present(used) * this.length + before(used) * untilNext(now, this.length);
  }

  private get capacity(): u64 {
    return this.requests * this.length;
  }
}

function present(used: u64): u64 {
  return used & 0xffff_ffff;
}

function before(used: u64): u64 {
  return used >> 32;
}

function pack(before: u64, present: u64): u64 {
  return (before << 32) | present;
}
