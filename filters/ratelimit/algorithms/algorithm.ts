/**
 * How a limit counts. What is used of a limit is one 64-bit number, whose meaning is the algorithm's own; 0 is nothing.
 * An algorithm has no state. Times are in microseconds since 1970; hits are what a request costs, 1 to `MAX_HITS`.
 */
export abstract class Algorithm {
  /** Hits that pass at once while nothing is used. */
  abstract get quota(): u64;

  /** What numbers of `quota` are, for `ratelimit-policy`; empty for requests. */
  get quotaUnit(): string {
    return "";
  }

  /** Seconds, rounded up, in which all of the quota comes back; 0 where it is not time that brings it back. */
  abstract get window(): u64;

  /** What the numbers are counted in. It is stored beside them, so that those of another configuration can be converted. */
  abstract get unit(): u64;

  /** Whether a hit is used only as long as its request runs; it is to be given back then, and renewed before `renewal` is over. */
  get isHeld(): bool {
    return false;
  }

  /** Microseconds in which hits that are held must be renewed. */
  get renewal(): u64 {
    return 0;
  }

  /** Whether of two numbers the one that is not greater never becomes the greater one while time passes. */
  get isOrdered(): bool {
    return true;
  }

  /** A number that stands for at least as much as each of two, and goes on to do so while time passes. */
  most(a: u64, b: u64): u64 {
    return max(a, b);
  }

  /** A stored number in this algorithm's unit. What cannot be one counts as the nearest that can. */
  abstract convert(used: u64, unit: u64): u64;

  /** What is used at `to` of what was used at `from`, which is not later. */
  abstract advance(used: u64, from: u64, to: u64): u64;

  /** Whether so many hits more may pass. */
  abstract hasRoom(used: u64, hits: u64, now: u64): bool;

  /** What is used with so many hits more: no more than the quota, whether there was room or not. */
  abstract charge(used: u64, hits: u64, now: u64): u64;

  /** What is used without hits that were charged at a time before. */
  abstract refund(used: u64, hits: u64, chargedAt: u64, now: u64): u64;

  /** Hits that may pass at once. */
  abstract remaining(used: u64, now: u64): u64;

  /** Seconds, rounded up, until there is room for so many hits, or for the whole quota if that is less, if nothing passes meanwhile. */
  abstract secondsUntilRoom(used: u64, hits: u64, now: u64): u64;

  /** Seconds, rounded up, until nothing is used, if nothing passes meanwhile. */
  abstract secondsUntilUnused(used: u64, now: u64): u64;
}

/** The most that a request can cost. With it and the bounds of the algorithms no product reaches 2^64. */
export const MAX_HITS: i64 = 1_000_000;

// @ts-ignore: decorator
@inline const MICROSECONDS_PER_SECOND: u64 = 1_000_000;

export function divideUp(value: u64, by: u64): u64 {
  return value / by + u64(value % by != 0);
}

export function secondsOf(microseconds: u64): u64 {
  return divideUp(microseconds, MICROSECONDS_PER_SECOND);
}
