/**
 * How a limit counts. What is used of a limit is one 64-bit number, whose meaning is the algorithm's own; 0 is nothing.
 * An algorithm has no state. Times are in microseconds since 1970.
 */
export abstract class Algorithm {
  /** Requests that pass at once while nothing is used. */
  abstract get quota(): u64;

  /** Seconds, rounded up, in which all of the quota comes back. */
  abstract get window(): u64;

  /** What the numbers are counted in. It is stored beside them, so that those of another configuration can be converted. */
  abstract get unit(): u64;

  /** Whether of two numbers the one that is not greater never becomes the greater one while time passes. */
  get isOrdered(): bool {
    return true;
  }

  /** A stored number in this algorithm's unit. What cannot be one counts as the nearest that can. */
  abstract convert(used: u64, unit: u64): u64;

  /** What is used at `to` of what was used at `from`, which is not later. */
  abstract advance(used: u64, from: u64, to: u64): u64;

  /** Whether one more request may pass. */
  abstract hasRoom(used: u64, now: u64): bool;

  /** What is used with one more request, for which there is room. */
  abstract charge(used: u64): u64;

  /** What is used with one request less. */
  abstract refund(used: u64): u64;

  /** Requests that may pass at once. */
  abstract remaining(used: u64, now: u64): u64;

  /** Seconds, rounded up, until there is room, if no request passes meanwhile. */
  abstract secondsUntilRoom(used: u64, now: u64): u64;

  /** Seconds, rounded up, until nothing is used, if no request passes meanwhile. */
  abstract secondsUntilUnused(used: u64, now: u64): u64;
}

// @ts-ignore: decorator
@inline const MICROSECONDS_PER_SECOND: u64 = 1_000_000;

export function divideUp(value: u64, by: u64): u64 {
  return value / by + u64(value % by != 0);
}

export function secondsOf(microseconds: u64): u64 {
  return divideUp(microseconds, MICROSECONDS_PER_SECOND);
}
