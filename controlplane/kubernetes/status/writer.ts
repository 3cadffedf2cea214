import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { KubernetesError, type KubernetesApi } from "../api.ts";

/** A status that is to be written. `key` is its object's; a later one takes the place of one that waits. */
export interface StatusWrite {
  readonly key: string;
  /** What is to be said, without times: nothing is written while it stays the same. */
  readonly content: string;
  /** Reads the object as it is, and gives what to send; undefined where that says it already. */
  readonly prepare: (object: unknown, now: string) => Patch | undefined;
  /** Path of the object. */
  readonly path: string;
}

export interface Patch {
  readonly body: object;
  readonly contentType: "application/apply-patch+yaml" | "application/merge-patch+json";
  readonly query: Readonly<Record<string, string>>;
}

/** How many statuses are written in a second at most, so that a change of many costs the API no more than it can bear. */
const PER_SECOND = 20;
const RETRY_MS = 2_000;
/** After so many tries, a status waits until it is to be another. */
const TRIES = 5;

/** Writes statuses one after another, each only when it is another than before. */
export class StatusWriter {
  readonly #api: Pick<KubernetesApi, "get" | "send">;
  readonly #log: Logger;
  readonly #written = new Map<string, string>();
  readonly #waiting = new Map<string, StatusWrite>();
  readonly #tries = new Map<string, number>();
  readonly #stopped = new AbortController();
  #working: Promise<void> | undefined;

  constructor(api: Pick<KubernetesApi, "get" | "send">, log: Logger) {
    this.#api = api;
    this.#log = log;
  }

  /** Takes what is to be written of all objects there are. */
  write(all: readonly StatusWrite[]): void {
    const keys = new Set(all.map(({ key }) => key));
    for (const known of this.#written.keys()) if (!keys.has(known)) this.#written.delete(known);
    for (const write of all) {
      if (this.#written.get(write.key) === write.content) this.#waiting.delete(write.key);
      else if (this.#waiting.get(write.key)?.content !== write.content) {
        this.#waiting.set(write.key, write);
        this.#tries.delete(write.key);
      }
    }
    this.#working ??= this.#work();
  }

  /** Others may write from now on: nothing waits any more, and whatever is to be said later is compared with what stands there then. */
  forget(): void {
    this.#written.clear();
    this.#waiting.clear();
    this.#tries.clear();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    try {
      // Begins after its promise is kept.
      await Promise.resolve();
      for (;;) {
        const [write] = this.#waiting.values();
        if (write === undefined || this.#stopped.signal.aborted) return;
        await this.#writeOne(write);
        await sleep(1_000 / PER_SECOND, undefined, { signal: this.#stopped.signal, ref: false }).catch(() => undefined);
      }
    } finally {
      this.#working = undefined;
    }
  }

  async #writeOne(write: StatusWrite): Promise<void> {
    const { key, content, path, prepare } = write;
    const done = (): void => {
      if (this.#waiting.get(key) === write) this.#waiting.delete(key);
      this.#tries.delete(key);
      this.#written.set(key, content);
    };
    try {
      const patch = prepare(await this.#api.get(path), new Date().toISOString().replace(/\.\d+Z$/, "Z"));
      if (patch !== undefined) {
        await this.#api.send("PATCH", `${path}/status`, patch.query, patch.body, patch.contentType);
      }
      done();
    } catch (error) {
      const status = error instanceof KubernetesError ? error.status : 0;
      // It is gone, or was changed meanwhile and is looked at again.
      if (status === 404) done();
      if (status === 404 || status === 409) return;
      const tries = (this.#tries.get(key) ?? 0) + 1;
      this.#tries.set(key, tries);
      const message = error instanceof Error ? error.message : String(error);
      if (status !== 0 && tries >= TRIES) {
        this.#log.warn({ object: key }, `the status of ${key} is not written: ${message}`);
        done();
        return;
      }
      await sleep(RETRY_MS, undefined, { signal: this.#stopped.signal, ref: false }).catch(() => undefined);
    }
  }
}
