import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Project } from "./project.ts";

/** What asc said, and whether it made a module. */
export interface Compilation {
  readonly ok: boolean;
  readonly said: string;
}

/** The project's own asc in a child process, which is kept for the next compilation. */
export class Compiler {
  readonly #child: ChildProcess;
  #busy: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start({ root, compiler }: Project): Promise<Compiler> {
    // Beside this file, and of its kind: a source under a loader of TypeScript, else what was compiled from it.
    const script = fileURLToPath(new URL(`./compiler-process${extname(import.meta.url)}`, import.meta.url));
    const child = fork(script, [pathToFileURL(compiler).href], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    await once(child, "message");
    return new Compiler(child);
  }

  /** Compiles with these arguments of asc, one compilation after another. */
  compile(argv: readonly string[]): Promise<Compilation> {
    const next = this.#busy.then(() => this.#compile(argv));
    this.#busy = next.catch(() => undefined);
    return next;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, "close");
    this.#child.kill();
    await closed;
  }

  async #compile(argv: readonly string[]): Promise<Compilation> {
    const ended = new AbortController();
    const onEnd = (): void => ended.abort();
    this.#child.once("close", onEnd);
    try {
      const answer = once(this.#child, "message", { signal: ended.signal });
      this.#child.send(argv);
      const [compilation] = (await answer) as [Compilation];
      return compilation;
    } catch {
      return { ok: false, said: "the compiler ended before it was done" };
    } finally {
      this.#child.off("close", onEnd);
    }
  }
}
