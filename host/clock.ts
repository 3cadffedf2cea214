/** A pending call. */
export interface Timer {
  cancel(): void;
}

interface Pending {
  readonly due: bigint;
  readonly order: number;
  readonly fire: () => void;
}

const NANOSECONDS_PER_MILLISECOND = 1_000_000n;

/**
 * Time that stands still until the test moves it. Several hosts may share one clock, as the workers of one Envoy do.
 */
export class Clock {
  /** Realtime in nanoseconds since 1970. */
  #now: bigint;
  readonly #start: bigint;
  readonly #pending = new Set<Pending>();
  #order = 0;

  /** `start` is the realtime at which the clock begins: a Date, or milliseconds since 1970. */
  constructor(start: Date | number = Date.UTC(2026, 0, 1)) {
    this.#start = BigInt(Math.trunc(Number(start))) * NANOSECONDS_PER_MILLISECOND;
    this.#now = this.#start;
  }

  /** Nanoseconds since 1970, what `proxy_get_current_time_nanoseconds` gives. */
  get realtime(): bigint {
    return this.#now;
  }

  /** Nanoseconds of a clock that never goes back. It is not 0 at first: Go's runtime takes 0 for a broken clock. */
  get monotonic(): bigint {
    return this.#now - this.#start + 1n;
  }

  /** Calls `fire` once, when `milliseconds` have passed. */
  after(milliseconds: number, fire: () => void): Timer {
    const pending = { due: this.#now + toNanoseconds(milliseconds), order: this.#order++, fire };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  /** Lets `milliseconds` pass, and calls what falls due in order, each at its own time. */
  advance(milliseconds: number): void {
    if (!(milliseconds >= 0)) throw new RangeError(`cannot advance a clock by ${milliseconds} ms: expected 0 or more`);
    const end = this.#now + toNanoseconds(milliseconds);
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#pending.delete(next);
      this.#now = next.due;
      next.fire();
    }
    this.#now = end;
  }

  #next(end: bigint): Pending | undefined {
    let first: Pending | undefined;
    for (const pending of this.#pending) {
      if (pending.due > end) continue;
      if (
        first === undefined ||
        pending.due < first.due ||
        (pending.due === first.due && pending.order < first.order)
      ) {
        first = pending;
      }
    }
    return first;
  }
}

function toNanoseconds(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds * 1_000_000));
}
