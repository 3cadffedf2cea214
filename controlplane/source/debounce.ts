/** Clock and timers, so that a test need not wait. */
export interface Timers {
  now(): number;
  setTimeout(callback: () => void, milliseconds: number): NodeJS.Timeout;
  clearTimeout(timer: NodeJS.Timeout): void;
}

const realTimers: Timers = { now: () => performance.now(), setTimeout, clearTimeout };

/**
 * Calls `action` once for a burst of triggers: when there was none for `quietMs`, but at the latest `maxMs` after the first,
 * so that a steady stream of changes cannot hold it back.
 */
export class Debouncer {
  readonly #action: () => void;
  readonly #quietMs: number;
  readonly #maxMs: number;
  readonly #timers: Timers;
  #timer: NodeJS.Timeout | undefined;
  #deadline = 0;

  constructor(action: () => void, quietMs: number, maxMs: number, timers: Timers = realTimers) {
    this.#action = action;
    this.#quietMs = quietMs;
    this.#maxMs = maxMs;
    this.#timers = timers;
  }

  trigger(): void {
    const now = this.#timers.now();
    if (this.#timer === undefined) this.#deadline = now + this.#maxMs;
    else this.#timers.clearTimeout(this.#timer);
    const delay = Math.max(0, Math.min(this.#quietMs, this.#deadline - now));
    this.#timer = this.#timers.setTimeout(() => {
      this.#timer = undefined;
      this.#action();
    }, delay);
  }

  /** Forgets what was triggered. */
  cancel(): void {
    if (this.#timer !== undefined) this.#timers.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
