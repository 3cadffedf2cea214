import { existsSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { watch, type FSWatcher } from "chokidar";
import { Debouncer } from "../../source/debounce.ts";
import type { Project } from "../project.ts";

const QUIET_MS = 30;
const MAX_MS = 500;
const ignored = new Set(["node_modules", "build", "dist", "vendor", ".meshwright", ".git"]);

/** Tells of changes of a filter's sources: of the folder of its entry, and of whatever else went into the module. */
export class SourceWatch {
  readonly #watcher: FSWatcher;
  readonly #changed: Debouncer;
  readonly #root: string;

  private constructor(root: string, watcher: FSWatcher, changed: Debouncer) {
    this.#root = root;
    this.#watcher = watcher;
    this.#changed = changed;
  }

  /** @param extra files that matter beside the sources, such as the configuration. */
  static async start(project: Project, extra: readonly string[], onChange: () => void): Promise<SourceWatch> {
    const folder = dirname(join(project.root, project.entry));
    const changed = new Debouncer(onChange, QUIET_MS, MAX_MS);
    const watcher = watch([folder, ...extra], {
      ignoreInitial: true,
      ignored: (path) =>
        relative(folder, path)
          .split(sep)
          .some((part) => ignored.has(part) || part.endsWith("~")),
    });
    watcher.on("all", () => changed.trigger());
    await new Promise<void>((resolve) => watcher.once("ready", resolve));
    return new SourceWatch(project.root, watcher, changed);
  }

  /** Watches the sources that a module was made of as well. Paths as in its source map. */
  add(sources: readonly string[]): void {
    const files = sources.filter((path) => !path.startsWith("~lib/")).map((path) => join(this.#root, path));
    this.#watcher.add(files.filter((file) => !file.includes(`${sep}node_modules${sep}`) && existsSync(file)));
  }

  async stop(): Promise<void> {
    this.#changed.cancel();
    await this.#watcher.close();
  }
}
