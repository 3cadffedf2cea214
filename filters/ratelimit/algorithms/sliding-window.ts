import { Algorithm, divideUp, secondsOf } from "./algorithm";
import { untilNext } from "./fixed-window";

/** More requests of one window than any limit allows: with it no product below reaches 2^63. */
// @ts-ignore: decorator
@inline const MAX_COUNT: u64 = 1_000_000;

/**
 * So many requests in the window of time that ends now. Requests are counted by fixed windows, and those of the window before
 * count by the share of it that the sliding window still covers, as if they had come evenly. A number has the requests of the
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

  /** Many requests of the window before can weigh more now and less soon than few of the present one. */
  get isOrdered(): bool {
    return false;
  }

  /** Requests stay requests when the window's length changes. */
  convert(used: u64, unit: u64): u64 {
    return pack(min(before(used), MAX_COUNT), min(present(used), MAX_COUNT));
  }

  advance(used: u64, from: u64, to: u64): u64 {
    const windows = to / this.length - from / this.length;
    if (windows == 0) return used;
    return windows == 1 ? pack(present(used), 0) : 0;
  }

  hasRoom(used: u64, now: u64): bool {
    return this.parts(used, now) + this.length <= this.capacity;
  }

  charge(used: u64): u64 {
    return used + 1;
  }

  refund(used: u64): u64 {
    if (present(used)) return used - 1;
    return before(used) ? pack(before(used) - 1, 0) : 0;
  }

  remaining(used: u64, now: u64): u64 {
    const parts = this.parts(used, now);
    return parts >= this.capacity ? 0 : (this.capacity - parts) / this.length;
  }

  secondsUntilRoom(used: u64, now: u64): u64 {
    if (this.hasRoom(used, now)) return 0;
    const next = untilNext(now, this.length);
    const old = before(used);
    // Each microsecond takes off as many parts as there were requests in the window before.
    if (old) {
      const wait = divideUp(this.parts(used, now) + this.length - this.capacity, old);
      if (wait <= next) return secondsOf(wait);
    }
    const count = present(used);
    const excess = count + 1 > this.requests ? count + 1 - this.requests : 0;
    return secondsOf(next + (count ? divideUp(excess * this.length, count) : 0));
  }

  secondsUntilUnused(used: u64, now: u64): u64 {
    if (used == 0) return 0;
    return secondsOf(untilNext(now, this.length) + (present(used) ? this.length : 0));
  }

  /** What is used, in parts of which a request has as many as the window has microseconds. */
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
