import { setTimeout as sleep } from "node:timers/promises";
import type { Store, StoredEvent } from "./store.ts";

/** How long it waits after a reading that failed, in milliseconds: the first time and at most. */
const RETRY_MS = [100, 5_000] as const;
const BATCH = 500;

/**
 * Reads a stream as far as it goes each time it is told that there may be more. What tells it may tell it too often, and
 * may forget what it was about to tell, as long as it tells once more afterwards.
 */
export class Follower {
  readonly #store: Pick<Store, "read">;
  readonly #stream: string;
  readonly #onEvents: (events: readonly StoredEvent[]) => void;
  readonly #stopped = new AbortController();
  #after: number;
  #isStale = false;
  #reading: Promise<void> | undefined;
  #retryMs: number = RETRY_MS[0];

  constructor(
    store: Pick<Store, "read">,
    stream: string,
    after: number,
    onEvents: (events: readonly StoredEvent[]) => void,
  ) {
    this.#store = store;
    this.#stream = stream;
    this.#after = after;
    this.#onEvents = onEvents;
  }

  /** There may be more. */
  trigger(): void {
    this.#isStale = true;
    this.#reading ??= this.#readWhileStale();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#reading;
  }

  async #readWhileStale(): Promise<void> {
    // Begins after its promise is kept.
    await Promise.resolve();
    while (this.#isStale) {
      this.#isStale = false;
      const events = await this.#read();
      if (this.#stopped.signal.aborted) break;
      const last = events?.at(-1);
      if (events === undefined || last !== undefined) this.#isStale = true;
      if (events === undefined || last === undefined) continue;
      this.#after = last.version;
      this.#onEvents(events);
    }
    this.#reading = undefined;
  }

  /** Undefined, after a while, when the store does not answer; it says so by itself. */
  async #read(): Promise<readonly StoredEvent[] | undefined> {
    try {
      const events = await this.#store.read(this.#stream, this.#after, BATCH);
      this.#retryMs = RETRY_MS[0];
      return events;
    } catch {
      await sleep(this.#retryMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS[1]);
      return undefined;
    }
  }
}
