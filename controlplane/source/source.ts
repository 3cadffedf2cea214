import type { AssetReference, Assets, SourceFile } from "../model/index.ts";

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
}

/** Ends a watch. `onChange` is not called after it was called. */
export type StopWatching = () => Promise<void>;
