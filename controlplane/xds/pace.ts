import { setImmediate as nextTurn } from "node:timers/promises";

/** How long work goes on before others get a turn, in milliseconds: a request waits about so long for one piece of it. */
const SLICE_MS = 10;

/** Cuts long work into slices, so that streams are served in between. */
export class Pace {
  #until = performance.now() + SLICE_MS;

  /** Whether it is time to {@link rest}. Cheap enough to be asked after each of many small steps. */
  get isDue(): boolean {
    return performance.now() >= this.#until;
  }

  /** Lets all that waits have its turn. */
  async rest(): Promise<void> {
    await nextTurn();
    this.#until = performance.now() + SLICE_MS;
  }
}

/** Does something once for each member of a growing set, a slice of them at a time. */
export class Queue<T> {
  readonly #step: (item: T) => void;
  readonly #items = new Set<T>();
  #isScheduled = false;

  constructor(step: (item: T) => void) {
    this.#step = step;
  }

  /** What waits already keeps its place, and is done once. */
  add(items: Iterable<T>): void {
    for (const item of items) this.#items.add(item);
    this.#schedule();
  }

  delete(item: T): void {
    this.#items.delete(item);
  }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#items.size === 0;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#items.size === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      const pace = new Pace();
      for (const item of this.#items) {
        this.#items.delete(item);
        this.#step(item);
        if (pace.isDue) break;
      }
      this.#schedule();
    });
  }
}
