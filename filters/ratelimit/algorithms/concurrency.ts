import { Algorithm } from "./algorithm";

/** The most requests of a limit: their number, however it is spread over the parts below, fits each of them. */
export const MAX_IN_FLIGHT: i64 = 65_535;

/** Microseconds of the lease are so many times as long as a period. */
// @ts-ignore: decorator
@inline const PERIODS: u64 = 3;

/**
 * So many requests that run at the same time. Each counts from when it passes until it is over, wherever it runs. Who counted a
 * request may die, so a count is good for a lease only: time is cut into periods of a third of it, a number has four counts of
 * sixteen bits, one for each of the present period, the two before and the one to come, and a count is dropped when its period has
 * become the third before. Requests that run longer are moved to the present period before.
 */
@final
export class Concurrency extends Algorithm {
  private period: u64;

  /**
   * @param requests 1 to `MAX_IN_FLIGHT`.
   * @param lease Microseconds after which what nobody renewed counts no more.
   */
  constructor(
    private requests: u64,
    lease: u64,
  ) {
    super();
    this.period = max<u64>(lease / PERIODS, 1);
  }

  get quota(): u64 {
    return this.requests;
  }

  get quotaUnit(): string {
    return "concurrent-requests";
  }

  get window(): u64 {
    return 0;
  }

  get unit(): u64 {
    return this.period;
  }

  get isHeld(): bool {
    return true;
  }

  get renewal(): u64 {
    return this.period;
  }

  get isOrdered(): bool {
    return false;
  }

  most(a: u64, b: u64): u64 {
    let both: u64 = 0;
    for (let slot: u64 = 0; slot < 4; ++slot) both |= max(countOf(a, slot), countOf(b, slot)) << (slot << 4);
    return both;
  }

  /** Numbers of another lease are kept apart from these. */
  convert(used: u64, unit: u64): u64 {
    return used;
  }

  advance(used: u64, from: u64, to: u64): u64 {
    const first = from / this.period;
    const last = to / this.period;
    if (last - first >= 4) return 0;
    // With a period goes the third one before, whose part is that of the next one.
    for (let period = first + 1; period <= last; ++period) used &= ~((<u64>0xffff) << shiftOf(period + 1));
    return used;
  }

  hasRoom(used: u64, hits: u64, now: u64): bool {
    return total(used) + hits <= this.requests;
  }

  charge(used: u64, hits: u64, now: u64): u64 {
    const slot = now / this.period;
    // No more than fits: bytes of another hand could come near to it.
    return used + (min(hits, 0xffff - countOf(used, slot & 3)) << shiftOf(slot));
  }

  refund(used: u64, hits: u64, chargedAt: u64, now: u64): u64 {
    if (!this.isCounted(chargedAt, now)) return used;
    const slot = chargedAt / this.period;
    return used - (min(hits, countOf(used, slot & 3)) << shiftOf(slot));
  }

  /** Whether what was charged then counts now. What was charged in a period to come, before the clock was set back, goes by itself. */
  private isCounted(chargedAt: u64, now: u64): bool {
    const then = chargedAt / this.period;
    const present = now / this.period;
    return then <= present && present - then < PERIODS;
  }

  remaining(used: u64, now: u64): u64 {
    return this.requests - min(total(used), this.requests);
  }

  /** It is not known when requests end. */
  secondsUntilRoom(used: u64, hits: u64, now: u64): u64 {
    return 0;
  }

  secondsUntilUnused(used: u64, now: u64): u64 {
    return 0;
  }
}

function countOf(used: u64, slot: u64): u64 {
  return (used >> (slot << 4)) & 0xffff;
}

function total(used: u64): u64 {
  return countOf(used, 0) + countOf(used, 1) + countOf(used, 2) + countOf(used, 3);
}

function shiftOf(period: u64): u64 {
  return (period & 3) << 4;
}
