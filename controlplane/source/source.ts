import type { AssetReference, Assets, Problem, SourceFile } from "../model/index.ts";

/** Where the user's resources come from: a folder, what was applied over the API, or several such. */
export interface Source {
  /** For people, such as `the folder mesh`. */
  readonly name: string;

  /** The resource files as they are now, in the order of their paths. */
  list(): Promise<readonly SourceFile[]>;

  /** The files that resources name, as they are now. The source watches these as well from now on. */
  readAssets(references: readonly AssetReference[]): Promise<Assets>;

  /**
   * The bytes of a file that resources name.
   *
   * @throws Error when it cannot be read.
   */
  read(path: string): Promise<Uint8Array>;

  /**
   * Calls `onChange` after a resource file or a watched asset has changed, once for changes that come together. Does not
   * say what has changed. Resolves once it watches, so that what is listed after that cannot be out of date unnoticed.
   */
  watch(onChange: () => void): Promise<StopWatching>;

  /**
   * What Secrets of the source have for a registry, as HTTP's Basic scheme has it; undefined where none of them knows it.
   * @throws Error when one of them cannot be read.
   */
  credentials?(registry: string, secrets: readonly string[]): Promise<string | undefined>;

  /**
   * Is told what became of what it says, after each reading and whenever that changes. Undefined: another control plane tells it that, until
   * this one does again.
   */
  status?(status: SourceStatus | undefined): void;

  /** Is told of what happened to one of its resources. */
  event?(event: SourceEvent): void;
}

/** What became of what a source says. Resources are named `Kind name`. */
export interface SourceStatus {
  /** All that is wrong with it. */
  readonly problems: readonly Problem[];
  /** What is served as it was when it was last good, and why. */
  readonly kept: ReadonlyMap<string, string>;
  /** What is not served, since it was never good, and why. */
  readonly leftOut: ReadonlyMap<string, string>;
  /** What is served. */
  readonly served: Pick<ReadonlySet<string>, "has">;
  /** SHA-256 of the modules that are served, by the name of the WasmModule. */
  readonly modules: ReadonlyMap<string, string>;
  /** By the name of the FilterPolicy. */
  readonly filters: ReadonlyMap<string, FilterStatus>;
  /** By the name of the Rollout. */
  readonly rollouts: ReadonlyMap<string, RolloutStatus>;
}

/** Where a filter runs, of the sidecars that are connected. */
export interface FilterStatus {
  readonly sidecars: number;
  readonly running: number;
  /** What those say that refuse it, or where it does not run; the first of them. */
  readonly faulty: number;
  readonly fault?: string;
}

export interface RolloutStatus {
  /** Such as `Progressing`, `Settled` or `Held`. */
  readonly phase: string;
  /** Whether a run is under way. */
  readonly isRunning: boolean;
  /** Whether what the source says was undone, or is being undone. */
  readonly isUndone: boolean;
  /** One sentence, where there is something to say. */
  readonly why?: string;
  /** The wave that is on, such as `2/4`. */
  readonly wave?: string;
  /** Hash of the version that is rolled out. */
  readonly version: string;
  /** `Kind name` of what it rolls out. */
  readonly targets: readonly string[];
}

export interface SourceEvent {
  /** `Kind name`. */
  readonly resource: string;
  readonly isWarning: boolean;
  /** In a word, such as `RolledBack`. */
  readonly reason: string;
  /** For people. */
  readonly message: string;
}

/** Ends a watch. `onChange` is not called after it was called. */
export type StopWatching = () => Promise<void>;
