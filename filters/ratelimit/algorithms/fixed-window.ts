import { Algorithm, secondsOf } from "./algorithm";

/** So many hits in each window of time; windows begin at multiples of their length since 1970. A number is the hits of the window. */
@final
export class FixedWindow extends Algorithm {
  /**
   * @param requests 1 to 1,000,000.
   * @param length Of a window, in microseconds.
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

  /** Hits stay hits when the window's length changes. */
  convert(used: u64, unit: u64): u64 {
    return min<u64>(used, u32.MAX_VALUE);
  }

  advance(used: u64, from: u64, to: u64): u64 {
    return from / this.length == to / this.length ? used : 0;
  }

  hasRoom(used: u64, hits: u64, now: u64): bool {
    return used + hits <= this.requests;
  }

  charge(used: u64, hits: u64, now: u64): u64 {
    return max(used, min(used + hits, this.requests));
  }

  /** Hits of a window that is over are gone already. */
  refund(used: u64, hits: u64, chargedAt: u64, now: u64): u64 {
    return chargedAt / this.length == now / this.length ? used - min(used, hits) : used;
  }

  remaining(used: u64, now: u64): u64 {
    return this.requests - min(used, this.requests);
  }

  secondsUntilRoom(used: u64, hits: u64, now: u64): u64 {
    return this.hasRoom(used, min(hits, this.requests), now) ? 0 : secondsOf(untilNext(now, this.length));
  }

  secondsUntilUnused(used: u64, now: u64): u64 {
    return used ? secondsOf(untilNext(now, this.length)) : 0;
  }
}

/** Microseconds until the next window begins. */
export function untilNext(now: u64, length: u64): u64 {
  return length - (now % length);
}
