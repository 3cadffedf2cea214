import type { Logger } from "pino";

const EVERY_MS = 1_000;

export interface LooksOptions {
  /** Looks at all runs, and does what is to be done. */
  readonly look: () => Promise<void>;
  /** Whether there is nothing to look at. */
  readonly isIdle: () => boolean;
  /** How often to look, in milliseconds. Default: 1 s. */
  readonly everyMs?: number | undefined;
  readonly log: Logger;
}

/** When to look at the runs, again and again; and steps that are done one after the other. */
export class Looks {
  readonly #options: LooksOptions;
  #work: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #due = Infinity;
  /** How long the last look took. */
  #lastMs = 0;
  #closed = false;

  constructor(options: LooksOptions) {
    this.#options = options;
  }

  /** Does a step when all before it are done. */
  inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#work.then(step);
    this.#work = result.catch(() => undefined);
    return result;
  }

  /** Looks in so many milliseconds, or earlier. */
  schedule(ms: number): void {
    const { look, isIdle, everyMs = EVERY_MS, log } = this.#options;
    const due = Date.now() + ms;
    if (this.#closed || isIdle() || due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => {
      this.#due = Infinity;
      const began = performance.now();
      this.inTurn(look)
        .catch((error: unknown) => log.error({ err: error }, "a step of the rollouts failed"))
        .finally(() => {
          this.#lastMs = performance.now() - began;
          this.schedule(everyMs);
        });
    }, ms);
    // What is served keeps the process alive, and not the looking.
    this.#timer.unref();
  }

  /** Something was heard of a sidecar: looks soon. Thousands that answer one after the other are not looked at for each. */
  hurry(): void {
    this.schedule(Math.max(10, 4 * this.#lastMs));
  }

  /** @param last what is to be done before the steps under way are waited for. */
  async close(last: () => Promise<void>): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await last();
    await this.#work;
  }
}
