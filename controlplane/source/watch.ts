import { once } from "node:events";
import { dirname, resolve } from "node:path";
import { watch } from "chokidar";
import type { ChokidarOptions, FSWatcher } from "chokidar";
import type { Debouncer } from "./debounce.ts";

/** Watches a folder and a growing list of files. */
export class Watch {
  readonly #debouncer: Debouncer;
  readonly #watchers: FSWatcher[] = [];

  constructor(debouncer: Debouncer) {
    this.#debouncer = debouncer;
  }

  /** Watches a folder with all that is in it. Resolves once it does. */
  async addFolder(folder: string, ignored: NonNullable<ChokidarOptions["ignored"]>): Promise<void> {
    await this.#add([folder], { ignored });
    // One watcher sees the files that links lead to, the other sees a link led elsewhere, as Kubernetes does it.
    await this.#add([folder], { ignored, followSymlinks: false });
  }

  /** Watches files, whether they are there or not. Resolves once it does. */
  async addFiles(paths: readonly string[]): Promise<void> {
    if (paths.length === 0) return;
    // By their folders, as a watch of a file that is missing is ready before it sees the file come.
    const files = new Set(paths.map((path) => resolve(path)));
    const folders = new Set([...files].map((path) => dirname(path)));
    await this.#add([...folders], { depth: 0, ignored: (path) => !folders.has(path) && !files.has(path) });
  }

  async close(): Promise<void> {
    await Promise.all(this.#watchers.map((watcher) => watcher.close()));
    this.#debouncer.cancel();
  }

  /** Each list has a watcher of its own, as only a new watcher says when it is ready. */
  async #add(paths: string[], options: ChokidarOptions): Promise<void> {
    const watcher = watch(paths, { ...options, ignoreInitial: true });
    this.#watchers.push(watcher);
    watcher.on("all", () => this.#debouncer.trigger());
    // What cannot be watched (a folder without permission) is left to the next reading, which says why.
    watcher.on("error", () => this.#debouncer.trigger());
    await once(watcher, "ready");
  }
}
