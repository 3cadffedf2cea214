// Whose turn it is to fetch a set of keys. Every worker has a VM of its own, and one of them fetches for all.

import {
  Bytes,
  SharedUpdate,
  SharedUpdateResult,
  getSharedData,
  updateSharedData,
} from "proxy-wasm-assemblyscript-sdk";

enum Change {
  Begin,
  Succeed,
  Fail,
}

// What the workers share: five numbers of 64 bits.
// @ts-ignore: decorator
@inline const STARTED_AT: usize = 0;
// @ts-ignore: decorator
@inline const NEXT_AT: usize = 8;
// @ts-ignore: decorator
@inline const VERSION: usize = 16;
// @ts-ignore: decorator
@inline const FAILURES: usize = 24;
// @ts-ignore: decorator
@inline const IS_FETCHING: usize = 32;
// @ts-ignore: decorator
@inline const SIZE: i32 = 40;

/**
 * When a set is fetched next, for all workers. A worker that begins to fetch says until when it may be at it, so that one that is gone in
 * the meantime keeps nobody from trying again. Times are in nanoseconds of the clock that all workers of a process have in common.
 */
@final
export class FetchTurn extends SharedUpdate {
  /** When the last attempt began; 0 for none. */
  startedAt: i64 = 0;
  /** No attempt without special need before this time. */
  nextAt: i64 = 0;
  /** When the set that the workers share was fetched; 0 while there is none. */
  version: i64 = 0;
  /** Attempts since then that failed. */
  failures: i64 = 0;
  private isUnderWay: bool = false;
  private key: Uint8Array;
  private change: Change = Change.Begin;
  private now: i64 = 0;
  private next: i64 = 0;
  /** How old the last attempt must be for another before its time; negative for no such. */
  private minAge: i64 = 0;
  /** When the attempt of this worker began. */
  private own: i64 = 0;

  constructor(key: string) {
    super();
    this.key = Bytes.utf8(key).copy();
  }

  /** Looks at what the workers share. */
  read(): void {
    const value = getSharedData(Bytes.of(this.key));
    this.take(value === null ? null : value.bytes);
  }

  isFetching(now: i64): bool {
    return this.isUnderWay && now < this.nextAt;
  }

  /** Whether it is time for an attempt, as of the last `read`. */
  isDue(now: i64): bool {
    return now >= this.nextAt;
  }

  /** Whether an attempt may be made before its time. */
  isAllowed(now: i64, minAge: i64): bool {
    return !this.isFetching(now) && (this.startedAt == 0 || now - this.startedAt >= minAge);
  }

  /**
   * Takes the turn. False when another worker has it, or it is not time.
   * @param until When the attempt is given up.
   * @param minAge As for `isAllowed`, where there is a special need; negative where there is none.
   */
  begin(now: i64, until: i64, minAge: i64): bool {
    this.now = now;
    this.next = until;
    this.minAge = minAge;
    return this.apply(Change.Begin);
  }

  /** A set was fetched and stored. False, as below, when another worker has taken the turn since. */
  succeed(version: i64, next: i64): bool {
    this.now = version;
    this.next = next;
    return this.apply(Change.Succeed);
  }

  fail(next: i64): bool {
    this.next = next;
    return this.apply(Change.Fail);
  }

  update(current: Bytes | null): Bytes | null {
    this.take(current);
    if (this.change == Change.Begin) {
      const isAllowed = this.isDue(this.now) || (this.minAge >= 0 && this.isAllowed(this.now, this.minAge));
      if (!isAllowed) return null;
      this.own = this.now;
      this.startedAt = this.now;
    } else if (this.startedAt != this.own) {
      return null;
    }
    this.nextAt = this.next;
    this.isUnderWay = this.change == Change.Begin;
    if (this.change == Change.Succeed) this.version = this.now;
    this.failures = this.change == Change.Succeed ? 0 : this.failures + i64(this.change == Change.Fail);
    return this.encode();
  }

  private apply(change: Change): bool {
    this.change = change;
    return updateSharedData(Bytes.of(this.key), this) == SharedUpdateResult.Written;
  }

  private take(value: Bytes | null): void {
    const isThere = value !== null && value.size == SIZE;
    const pointer: usize = value !== null && isThere ? value.pointer : 0;
    this.startedAt = isThere ? load<i64>(pointer, STARTED_AT) : 0;
    this.nextAt = isThere ? load<i64>(pointer, NEXT_AT) : 0;
    this.version = isThere ? load<i64>(pointer, VERSION) : 0;
    this.failures = isThere ? load<i64>(pointer, FAILURES) : 0;
    this.isUnderWay = isThere && load<i64>(pointer, IS_FETCHING) != 0;
  }

  private encode(): Bytes {
    const bytes = Bytes.allocate(SIZE);
    store<i64>(bytes.pointer, this.startedAt, STARTED_AT);
    store<i64>(bytes.pointer, this.nextAt, NEXT_AT);
    store<i64>(bytes.pointer, this.version, VERSION);
    store<i64>(bytes.pointer, this.failures, FAILURES);
    store<i64>(bytes.pointer, i64(this.isUnderWay), IS_FETCHING);
    return bytes;
  }
}
