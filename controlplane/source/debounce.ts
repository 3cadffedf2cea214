/**
 * Calls `action` once for a burst of triggers: when there was none for `quietMs`, but at the latest `maxMs` after the first,
 * so that a steady stream of changes cannot hold it back.
 */
export class Debouncer {
  readonly #action: () => void;
  readonly #quietMs: number;
  readonly #maxMs: number;
  #timer: NodeJS.Timeout | undefined;
  #deadline = 0;

  constructor(action: () => void, quietMs: number, maxMs: number) {
    this.#action = action;
    this.#quietMs = quietMs;
    this.#maxMs = maxMs;
  }

  trigger(): void {
    const now = Date.now();
    if (this.#timer === undefined) this.#deadline = now + this.#maxMs;
    else clearTimeout(this.#timer);
    const delay = Math.max(0, Math.min(this.#quietMs, this.#deadline - now));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#action();
    }, delay);
  }

  /** Forgets what was triggered. */
  cancel(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
