import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { KubernetesError, type KubernetesApi } from "./api.ts";
import type { KubernetesObject } from "./objects.ts";

export interface ReflectorOptions<T> {
  readonly api: Pick<KubernetesApi, "get" | "watch">;
  /** Of the collection, such as `/api/v1/pods`. */
  readonly path: string;
  /** Only the object of this name. */
  readonly name?: string;
  /** What is kept of an object: less than there is of it. */
  readonly keep: (object: KubernetesObject) => T;
  /** Is told of each object that is new, another than before, or gone. */
  readonly onChange: (key: string, now: T | undefined, before: T | undefined) => void;
  /**
   * Is told why the API does not show the collection, once for each reason, and of nothing when it shows it again. What is not shown counts
   * as empty. Without it, the collection is waited for.
   */
  readonly onRefused?: (reason: string | undefined) => void;
  readonly log: Logger;
  /** The first and the longest pause after a failure, in milliseconds. */
  readonly backoff?: { readonly firstMs: number; readonly maxMs: number };
}

/** How many objects are asked for at a time. */
const PAGE = "500";
/** After which the API ends a watch by itself; then it goes on where it was. */
const WATCH_SECONDS = 290;

/**
 * Follows a collection of a cluster: lists it once, then watches from there. A watch that breaks off goes on where it was; only when
 * the API has forgotten that version is the collection listed again. A collection that the cluster does not know is an empty one, and is
 * asked for again.
 */
export class Reflector<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #objects = new Map<string, T>();
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  #version: string | undefined;
  #failures = 0;
  #refusal: string | undefined;
  #lists = 0;
  #isSynced = false;
  #synced: () => void = () => undefined;
  /** Resolves once the collection was listed. */
  readonly synced = new Promise<void>((resolve) => (this.#synced = resolve));

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** How often the collection was listed. */
  get lists(): number {
    return this.#lists;
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** By `namespace/name`, or by `name` where there is no namespace. */
  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  get size(): number {
    return this.#objects.size;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        if (this.#version === undefined) await this.#list();
        await this.#watch();
      } catch (error) {
        await this.#pauseAfter(error);
      }
    }
  }

  async #list(): Promise<void> {
    this.#lists++;
    const { api, path } = this.#options;
    const seen = new Set<string>();
    let version: string | undefined;
    let next: string | undefined;
    try {
      do {
        const query = { limit: PAGE, ...this.#selection(), ...(next === undefined ? {} : { continue: next }) };
        const { metadata = {}, items = [] } = (await api.get(path, query)) as {
          metadata?: { resourceVersion?: string; continue?: string };
          items?: KubernetesObject[];
        };
        for (const item of items) {
          seen.add(keyOf(item));
          this.#put(item);
        }
        version = metadata.resourceVersion;
        next = metadata.continue;
      } while (next !== undefined && next !== "");
    } catch (error) {
      if (!(error instanceof KubernetesError) || error.status !== 404) throw error;
      for (const key of this.#objects.keys()) this.#remove(key);
      this.#sync();
      throw error;
    }
    for (const key of this.#objects.keys()) if (!seen.has(key)) this.#remove(key);
    this.#version = version;
    this.#refuse(undefined);
    this.#sync();
  }

  async #watch(): Promise<void> {
    const { api, path } = this.#options;
    // A connection that is dead is noticed: by then the API would have ended the watch.
    const silence = AbortSignal.timeout((WATCH_SECONDS + 30) * 1_000);
    const query = {
      ...this.#selection(),
      allowWatchBookmarks: "true",
      resourceVersion: this.#version ?? "",
      timeoutSeconds: String(WATCH_SECONDS),
    };
    for await (const { type, object } of api.watch(path, query, AbortSignal.any([this.#stopped.signal, silence]))) {
      if (type === "ERROR") throw errorOf(object);
      const item = object as KubernetesObject;
      if (type === "DELETED") this.#remove(keyOf(item));
      else if (type !== "BOOKMARK") this.#put(item);
      this.#version = item.metadata.resourceVersion ?? this.#version;
      this.#failures = 0;
    }
    // Ended by the API without a word: at once, but not in a circle.
    await sleep(10, undefined, { signal: this.#stopped.signal });
  }

  async #pauseAfter(error: unknown): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    const { path, log, backoff: { firstMs, maxMs } = { firstMs: 200, maxMs: 10_000 } } = this.#options;
    const status = error instanceof KubernetesError ? error.status : undefined;
    const message = error instanceof Error ? error.message : String(error);
    if (status === 410) {
      // Too old a version: everything is listed again.
      this.#version = undefined;
      log.debug({ path }, `${path}: ${message}; it is listed again`);
      if (++this.#failures === 1) return;
    } else if (status === 403 && this.#options.onRefused !== undefined) {
      this.#version = undefined;
      this.#failures++;
      for (const key of this.#objects.keys()) this.#remove(key);
      this.#refuse(message);
      this.#sync();
    } else if (status === 404) {
      this.#version = undefined;
      this.#failures = Math.max(this.#failures + 1, 5);
    } else {
      // Once for each time that it is away, and not for what comes with it.
      if (++this.#failures === 3) log.warn({ path, status }, `the cluster cannot be watched: ${path}: ${message}`);
    }
    const ms = Math.min(maxMs, firstMs * 2 ** Math.min(this.#failures - 1, 16));
    await sleep(ms * (0.5 + Math.random() / 2), undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }

  #put(object: KubernetesObject): void {
    const { keep, onChange } = this.#options;
    const key = keyOf(object);
    const value = keep(object);
    const before = this.#objects.get(key);
    // Most changes of pods are of what is not kept.
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(value)) return;
    this.#objects.set(key, value);
    onChange(key, value, before);
  }

  #remove(key: string): void {
    const before = this.#objects.get(key);
    if (before === undefined) return;
    this.#objects.delete(key);
    this.#options.onChange(key, undefined, before);
  }

  #refuse(reason: string | undefined): void {
    if (reason === this.#refusal) return;
    this.#refusal = reason;
    this.#options.onRefused?.(reason);
  }

  #sync(): void {
    this.#isSynced = true;
    this.#synced();
  }

  #selection(): Record<string, string> {
    const { name } = this.#options;
    return name === undefined ? {} : { fieldSelector: `metadata.name=${name}` };
  }
}

function keyOf({ metadata: { namespace, name } }: KubernetesObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function errorOf(object: unknown): KubernetesError {
  const { code, message } = object as { code?: number; message?: string };
  return new KubernetesError(code ?? 0, message ?? "the watch ended with an error");
}
