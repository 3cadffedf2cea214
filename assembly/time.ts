// The clock and the timer.

import { proxy_get_current_time_nanoseconds, proxy_set_tick_period_milliseconds } from "./abi/imports";
import { Status } from "./abi/enums";

const timeOut: usize = memory.data(8);

/** Time since 1970-01-01 in nanoseconds, by the host's wall clock: it may go back. */
export function currentTimeNanoseconds(): u64 {
  proxy_get_current_time_nanoseconds(timeOut);
  return load<u64>(timeOut);
}

/** Time since 1970-01-01 in whole seconds. */
export function currentTimeSeconds(): u64 {
  return currentTimeNanoseconds() / 1_000_000_000;
}

/** Makes the host call `onTick` of this root context every so many milliseconds; 0 stops it. */
export function setTickPeriod(milliseconds: u32): Status {
  return proxy_set_tick_period_milliseconds(milliseconds);
}
