// Timers on the one tick that the host gives a root context.

import { proxy_set_tick_period_milliseconds } from "../abi/imports";
import { Pending, PendingTable } from "../callout/pending";
import { Duration, monotonicTimeNanoseconds } from "../time";
import { Timer } from "../timer";
import { Scope, currentRoot } from "./scope";
import { TimerQueue, nextTime } from "./timer-queue";

/** `armedFor` while the host's tick is not set as it should be. */
// @ts-ignore: decorator
@inline const UNKNOWN: u64 = u64.MAX_VALUE;

/** The timers that are started, by the context that each belongs to. */
// @ts-ignore: decorator
@lazy const started: PendingTable<Timer> = new PendingTable<Timer>();
// @ts-ignore: decorator
@lazy const byRoot: Map<u32, RootTimers> = new Map<u32, RootTimers>();
let lastToken: u32 = 0;

/** The timers of one root context of the host. */
@final
export class RootTimers {
  readonly queue: TimerQueue = new TimerQueue();
  /** When the host will tick; 0 for never. */
  private armedFor: u64 = 0;
  private firing: bool = false;

  /** To be called in a context of this root, on which the host's tick depends. */
  arm(): void {
    if (this.firing) return;
    const first = this.queue.first;
    const dueAt = first === null ? 0 : first.dueAt;
    if (dueAt == this.armedFor) return;
    this.armedFor = dueAt;
    let period: u32 = 0;
    if (first !== null) {
      const now = monotonicTimeNanoseconds();
      period = dueAt > now ? Duration.nanoseconds(<i64>(dueAt - now)).hostMilliseconds : 1;
    }
    proxy_set_tick_period_milliseconds(period);
  }

  fire(): void {
    const now = monotonicTimeNanoseconds();
    // Timers that are started from here on wait for the next tick, even if they are due at once.
    const orders = this.queue.orders;
    this.firing = true;
    for (let first = this.queue.first; first !== null; first = this.queue.first) {
      if (first.dueAt > now || first.order >= orders) break;
      this.fireOne(changetype<Timer>(first), now);
    }
    this.firing = false;
    this.armedFor = UNKNOWN;
    this.arm();
  }

  private fireOne(timer: Timer, now: u64): void {
    this.queue.remove(timer);
    const pending = timer.period ? started.get(timer.token) : started.take(timer.token);
    if (pending === null) return;
    if (timer.period) this.queue.add(timer, nextTime(timer.dueAt, timer.period, now));
    if (pending.scope.enter()) timer.onTime();
    else stopTimer(timer);
  }
}

export function startTimer(timer: Timer, after: u64, period: u64, scope: Scope): void {
  stopTimer(timer);
  const root = scope.root;
  const id = root === null ? scope.context : root.id;
  const timers = byRoot.has(id) ? byRoot.get(id) : new RootTimers();
  byRoot.set(id, timers);
  while (started.get(++lastToken) !== null) continue;
  timer.token = lastToken;
  timer.period = period;
  timer.timers = timers;
  started.add(timer.token, timer, scope);
  timers.queue.add(timer, monotonicTimeNanoseconds() + after);
  timers.arm();
}

/** Leaves the host's tick as it is: a tick for which nothing is due only sets the next one. */
export function stopTimer(timer: Timer): void {
  const timers = timer.timers;
  if (timers === null || timer.index < 0) return;
  timers.queue.remove(timer);
  started.take(timer.token);
}

/** To be called in a context of the timer's root. */
export function hastenTimer(timer: Timer): void {
  const timers = timer.timers;
  if (timers === null || timer.index < 0) return;
  timers.queue.remove(timer);
  timers.queue.add(timer, monotonicTimeNanoseconds());
  timers.arm();
}

/** The host ticks for a root context. */
export function fireTimers(root: u32): void {
  if (byRoot.has(root)) byRoot.get(root).fire();
}

/** Stops the timers of a context that is gone. */
export function dropTimers(context: u32): void {
  let pending: Pending<Timer> | null = started.takeContext(context);
  while (pending !== null) {
    const timer = pending.handler;
    const timers = timer.timers;
    if (timers !== null) timers.queue.remove(timer);
    pending = pending.next;
  }
  byRoot.delete(context);
  ticks.delete(context);
}

/** The tick of `setTickPeriod`, as a timer beside the others. */
@final
class Tick extends Timer {
  next: Tick | null = null;

  constructor(readonly scope: Scope) {
    super();
  }

  onTime(): void {
    const root = this.scope.root;
    if (root !== null) root.onTick();
  }
}

/** By root context of the host; parts of one are chained. */
// @ts-ignore: decorator
@lazy const ticks: Map<u32, Tick> = new Map<u32, Tick>();

/** What `setTickPeriod` does beside timers. */
export function setTimedTick(milliseconds: u32): void {
  const scope = Scope.ofRoot(currentRoot());
  const first = ticks.has(scope.context) ? ticks.get(scope.context) : null;
  let tick = first;
  while (tick !== null && tick.scope.root !== scope.root) tick = tick.next;
  if (tick === null) {
    tick = new Tick(scope);
    tick.next = first;
    ticks.set(scope.context, tick);
  }
  if (milliseconds) {
    const period = <u64>milliseconds * 1_000_000;
    startTimer(tick, period, period, scope);
  } else {
    stopTimer(tick);
  }
}
