/** What a limit says to a request. */
export enum Verdict {
  /** The limit is not for this request. */
  NotApplicable,
  Allowed,
  Limited,
  /** Other workers changed the bucket at each attempt: to be taken for `Limited`. */
  Contended,
}

/**
 * Where and among whom what is used of a limit is counted: the seam between a limit and its scope. One serves one limit (one
 * rate of it, where it has several). Keys are 64-bit hashes of the values that the limit counts by. Hits are 1 to `MAX_HITS`.
 *
 * A request is looked at by all its limits first and charged only when all let it pass, so a store remembers what it looked at
 * last: `take` and all that tells of a bucket are about that.
 */
export abstract class Store {
  /** Whether a key has room for so many hits: `Allowed` or `Limited`. Nothing is charged. */
  abstract look(key: u64, hits: u64): Verdict;

  /** Charges what was looked at and allowed, unless somebody else used it up meanwhile. */
  abstract take(): Verdict;

  /** When `take` charged, for `giveBack` and `renew`; in microseconds since 1970. */
  abstract get takenAt(): u64;

  /** Takes back what `take` charged to a key. */
  abstract giveBack(key: u64, hits: u64, takenAt: u64): void;

  /** Charges a key without asking: what is known only after the answer. Never makes more used than the quota. */
  abstract add(key: u64, hits: u64): void;

  /** Keeps a hit that is held from being forgotten. @returns What is `takenAt` of it from now on. */
  abstract renew(key: u64, takenAt: u64): u64;

  /** Hits that the bucket still lets pass at once. */
  abstract get remaining(): u64;

  /** Seconds, rounded up, until the hits that were looked for would pass. */
  abstract get secondsUntilRoom(): u64;

  /** Seconds, rounded up, until nothing of the bucket is used. */
  abstract get secondsUntilUnused(): u64;
}
