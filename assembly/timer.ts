import { Duration } from "./time";
import { RootTimers, hastenTimer, startTimer, stopTimer } from "./runtime/tick";
import { Scope } from "./runtime/scope";
import { Due } from "./runtime/timer-queue";

/**
 * Something to do later, once or again and again. Any number of timers share the one tick of their root context, which may use
 * `setTickPeriod` and `onTick` beside them.
 *
 * A timer belongs to the stream or root context that starts it: host calls in `onTime` act on that, so a stream that was held can be
 * continued, and the timer is stopped when that is gone. The clock is the host's monotonic one, in steps of a millisecond.
 */
export abstract class Timer extends Due {
  /** The SDK's own: nanoseconds between two times; 0 for a timer that fires once. */
  period: u64 = 0;
  /** The SDK's own: its place among what is pending. */
  token: u32 = 0;
  /** The SDK's own: those it is one of. */
  timers: RootTimers | null = null;

  /** The time has come. It may start this timer again, or stop it. */
  abstract onTime(): void;

  /** Calls `onTime` once, after this time or as soon as the host ticks after it. What was started before is forgotten. */
  startOnce(after: Duration): void {
    startTimer(this, max<i64>(after.nanoseconds, 0), 0, Scope.current());
  }

  /**
   * Calls `onTime` after each period, of a millisecond at least. Where the host ticks late, a period that was missed is not made up
   * for: `onTime` comes once, and the times after it stay multiples of the period.
   */
  startPeriodic(every: Duration): void {
    const period = max<i64>(every.nanoseconds, 1_000_000);
    startTimer(this, period, period, Scope.current());
  }

  /** Lets a timer that is started fire at the next tick, for the stream or root context that started it, whoever calls this. */
  hasten(): void {
    hastenTimer(this);
  }

  /** Forgets what was started. */
  stop(): void {
    stopTimer(this);
  }

  /** Whether it will fire. */
  get isStarted(): bool {
    return this.index >= 0;
  }
}
