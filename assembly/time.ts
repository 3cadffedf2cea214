// The clock, durations, and the tick.

import { proxy_get_current_time_nanoseconds, proxy_set_tick_period_milliseconds } from "./abi/imports";
import { clock_time_get } from "./abi/wasi";
import { Status } from "./abi/enums";

// @ts-ignore: decorator
@inline const MONOTONIC: u32 = 1;

const timeOut: usize = memory.data(8);

const UNIT_NAMES: string[] = ["h", "m", "s", "ms"];
const UNIT_MILLISECONDS: i64[] = [3_600_000, 60_000, 1000, 1];

/**
 * A length of time in whole nanoseconds, up to 292 years either way; what is longer is cut to that.
 * A value: nothing changes it.
 */
@final
export class Duration {
  static readonly ZERO: Duration = new Duration(0);

  private constructor(private readonly length: i64) {}

  static nanoseconds(count: i64): Duration {
    return new Duration(count);
  }

  static microseconds(count: i64): Duration {
    return Duration.times(count, 1000);
  }

  static milliseconds(count: i64): Duration {
    return Duration.times(count, 1_000_000);
  }

  static seconds(count: i64): Duration {
    return Duration.times(count, 1_000_000_000);
  }

  static minutes(count: i64): Duration {
    return Duration.times(count, 60_000_000_000);
  }

  static hours(count: i64): Duration {
    return Duration.times(count, 3_600_000_000_000);
  }

  /**
   * Reads a duration as the Gateway API writes them (GEP-2257), of which the whole seconds of protobuf's JSON are a part: `"1h30m"`,
   * `"60s"` or `"500ms"`, that is one to four numbers of up to five digits, each with its unit, which is one of h, m, s and ms.
   * Null for anything else.
   */
  static parse(text: string): Duration | null {
    let total: i64 = 0;
    let at = 0;
    let parts = 0;
    while (at < text.length) {
      const start = at;
      let number: i64 = 0;
      while (at < text.length && <u32>(text.charCodeAt(at) - 0x30) < 10) {
        if (at - start == 5) return null;
        number = number * 10 + (text.charCodeAt(at++) - 0x30);
      }
      if (at == start) return null;
      const unitStart = at;
      while (at < text.length && <u32>(text.charCodeAt(at) - 0x30) >= 10) ++at;
      const unit = UNIT_NAMES.indexOf(text.substring(unitStart, at));
      if (unit < 0 || ++parts > 4) return null;
      total += number * UNIT_MILLISECONDS[unit];
    }
    return parts ? Duration.milliseconds(total) : null;
  }

  private static times(count: i64, unit: i64): Duration {
    const most = i64.MAX_VALUE / unit;
    if (count > most) return new Duration(i64.MAX_VALUE);
    if (count < -most) return new Duration(-i64.MAX_VALUE);
    return new Duration(count * unit);
  }

  get nanoseconds(): i64 {
    return this.length;
  }

  /** Whole microseconds; what is left over is cut off, as in all that follow. */
  get microseconds(): i64 {
    return this.length / 1000;
  }

  get milliseconds(): i64 {
    return this.length / 1_000_000;
  }

  get seconds(): i64 {
    return this.length / 1_000_000_000;
  }

  get minutes(): i64 {
    return this.length / 60_000_000_000;
  }

  get hours(): i64 {
    return this.length / 3_600_000_000_000;
  }

  plus(other: Duration): Duration {
    const sum = this.length + other.length;
    // Both operands have the sign that the sum lost.
    if (((this.length ^ sum) & (other.length ^ sum)) < 0) {
      return new Duration(this.length < 0 ? -i64.MAX_VALUE : i64.MAX_VALUE);
    }
    return new Duration(sum);
  }

  /** Below 0 when this is shorter than `other`, 0 when they are equal, above 0 when it is longer. */
  compare(other: Duration): i32 {
    return i32(this.length > other.length) - i32(this.length < other.length);
  }

  /**
   * Milliseconds as the host takes them: rounded up, so that no positive duration becomes 0, which means "none" or "stop" there,
   * and within 0 and 2^31 - 1.
   */
  get hostMilliseconds(): u32 {
    if (this.length <= 0) return 0;
    const rounded = this.length / 1_000_000 + i64(this.length % 1_000_000 != 0);
    return <u32>min<i64>(rounded, i32.MAX_VALUE);
  }
}

/** Time since 1970-01-01 in nanoseconds, by the host's wall clock: it may go back. */
export function currentTimeNanoseconds(): u64 {
  proxy_get_current_time_nanoseconds(timeOut);
  return load<u64>(timeOut);
}

/** Time since 1970-01-01 in whole seconds. */
export function currentTimeSeconds(): u64 {
  return currentTimeNanoseconds() / 1_000_000_000;
}

/**
 * Nanoseconds of a clock that never goes back, since a time that the host chooses: for what is between two times. All workers of an
 * Envoy have it in common. 0 where the host has no such clock.
 */
export function monotonicTimeNanoseconds(): u64 {
  return clock_time_get(MONOTONIC, 1, timeOut) == 0 ? load<u64>(timeOut) : 0;
}

/** Makes the host call `onTick` of this root context every so many milliseconds; 0 stops it. */
export function setTickPeriod(milliseconds: u32): Status {
  // @ts-ignore: there in modules with timers, which share the tick (see `runtime/timers.ts`).
  if (isDefined(__setTickPeriod)) return __setTickPeriod(milliseconds);
  return proxy_set_tick_period_milliseconds(milliseconds);
}
