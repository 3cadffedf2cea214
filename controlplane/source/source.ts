import type { AssetReference, Assets, SourceFile } from "../model/index.ts";

/** Where the user's resources come from: a folder now, a Kubernetes cluster or a Git repository in time. */
export interface Source {
  /** The resource files as they are now, in the order of their paths. */
  list(): Promise<readonly SourceFile[]>;

  /** The files that resources name, as they are now. The source watches these as well from now on. */
  readAssets(references: readonly AssetReference[]): Promise<Assets>;

  /**
   * Calls `onChange` after a resource file or a watched asset has changed, once for changes that come together. Does not
   * say what has changed. Resolves once it watches, so that what is listed after that cannot be out of date unnoticed.
   */
  watch(onChange: () => void): Promise<StopWatching>;
}

/** Ends a watch. `onChange` is not called after it was called. */
export type StopWatching = () => Promise<void>;
