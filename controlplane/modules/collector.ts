import type { CatalogEntry } from "./catalog.ts";
import type { ModuleStore, StoredModule } from "./store.ts";

/** Who refers to modules. */
export interface ModuleReferences {
  /** In words, by module. */
  readonly by: ReadonlyMap<string, readonly string[]>;
  /** What refers to modules that are not known: while there is something, nothing is removed. */
  readonly unclear: readonly string[];
}

/** A module of the folder, and why it stays. */
export interface ModuleReport extends StoredModule {
  /** Where it came from, the latest last. */
  readonly from: readonly string[];
  /** Who refers to it; nobody when it is empty. */
  readonly referredToBy: readonly string[];
  /** How long nobody has, in milliseconds; absent while somebody does. */
  readonly unusedMs?: number;
  /** Whether it is removed. */
  readonly isRemoved: boolean;
}

export interface CollectionReport {
  readonly modules: readonly ModuleReport[];
  /** Why nothing is removed now, though nobody refers to it. */
  readonly unclear: readonly string[];
  /** How long nobody has to refer to a module before it is removed; absent where none is removed. */
  readonly graceMs?: number;
}

export interface CollectorOptions {
  readonly store: ModuleStore;
  /** Looks who refers to modules. When it fails, nothing is removed. */
  readonly references: () => Promise<ModuleReferences>;
  /** How long nobody has to refer to a module before it is removed; undefined to remove none. */
  readonly graceMs: number | undefined;
  /** How often it looks. Default: 10 minutes. */
  readonly everyMs?: number;
  /** A clock that is never set, in milliseconds. Default: that of the process. */
  readonly now?: () => number;
  readonly onRemoved?: (modules: readonly ModuleReport[]) => void;
  readonly onError?: (error: unknown) => void;
}

const DEFAULT_EVERY_MS = 10 * 60_000;

/**
 * Removes modules from a store that nobody has referred to for long. That is counted from one look to the next, by a clock that is
 * never set: time in which the process does not run does not count, and whoever asks the store for a module begins it anew.
 */
export class Collector {
  readonly #options: CollectorOptions;
  readonly #everyMs: number;
  readonly #now: () => number;
  #lookedAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#everyMs = options.everyMs ?? DEFAULT_EVERY_MS;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Looks at once, and then again and again. */
  start(): void {
    if (this.#options.graceMs === undefined || this.#timer !== undefined) return;
    const look = (): void => {
      this.collect().catch((error: unknown) => this.#options.onError?.(error));
    };
    this.#timer = setInterval(look, this.#everyMs);
    this.#timer.unref();
    look();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#work;
  }

  /** What is in the folder, with what {@link collect} would remove. Changes nothing. */
  look(): Promise<CollectionReport> {
    return this.#inTurn(async () =>
      this.#report(await this.#options.references(), this.#elapsed(), this.#options.store.asked),
    );
  }

  /** Removes what nobody has referred to for long enough. */
  collect(): Promise<CollectionReport> {
    return this.#inTurn(async () => {
      const references = await this.#options.references();
      // From here on nothing else runs, so what is asked for after this was not removed before.
      const { store } = this.#options;
      const report = this.#report(references, this.#elapsed(), store.takeAsked());
      this.#lookedAt = this.#now();
      const removed = report.modules.filter(({ isRemoved }) => isRemoved);
      for (const { sha256 } of removed) store.remove(sha256);
      store.catalog.replace(this.#entries(report));
      if (removed.length > 0) this.#options.onRemoved?.(removed);
      return report;
    });
  }

  /** Since the last look; no more than can pass between two, since after a failure nobody knows who referred to what meanwhile. */
  #elapsed(): number {
    if (this.#lookedAt === undefined) return 0;
    return Math.min(Math.max(0, this.#now() - this.#lookedAt), 2 * this.#everyMs);
  }

  #report({ by, unclear }: ModuleReferences, elapsed: number, asked: ReadonlySet<string>): CollectionReport {
    const { store, graceMs } = this.#options;
    const modules = store.list().map((module): ModuleReport => {
      const { from, unusedMs: before } = store.catalog.entry(module.sha256);
      const referredToBy = by.get(module.sha256) ?? [];
      const isUsed = referredToBy.length > 0 || asked.has(module.sha256);
      if (isUsed) return { ...module, from, referredToBy, isRemoved: false };
      // At the first look nobody knows since when.
      const unusedMs = before === undefined ? 0 : before + elapsed;
      const isRemoved = graceMs !== undefined && unclear.length === 0 && unusedMs >= graceMs;
      return { ...module, from, referredToBy, unusedMs, isRemoved };
    });
    return { modules, unclear, ...(graceMs === undefined ? {} : { graceMs }) };
  }

  #entries({ modules }: CollectionReport): ReadonlyMap<string, CatalogEntry> {
    const { catalog } = this.#options.store;
    const kept = modules.filter(({ isRemoved }) => !isRemoved);
    return new Map(
      kept.map(({ sha256, unusedMs }) => {
        return [sha256, { ...catalog.entry(sha256), unusedMs }];
      }),
    );
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#work.then(step);
    this.#work = result.catch(() => undefined);
    return result;
  }
}
