import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { once } from "node:events";

/** The processes that the demo runs; all of them end with it. */
export class Children {
  readonly #running = new Map<ChildProcess, string>();
  readonly #ended: (name: string, reason: string) => void;
  #stopping = false;

  /** @param ended is told when a child ends that was not asked to. */
  constructor(ended: (name: string, reason: string) => void) {
    this.#ended = ended;
  }

  /** Starts a process. Its output goes to a file, or to this terminal when there is none. */
  start(name: string, file: string, args: readonly string[], logFile?: string): ChildProcess {
    const output = logFile === undefined ? "inherit" : openSync(logFile, "w");
    const child = spawn(file, args, { stdio: ["ignore", output, output] });
    if (typeof output === "number") closeSync(output);
    this.#running.set(child, name);
    const ended = (reason: string): void => {
      if (!this.#running.delete(child) || this.#stopping) return;
      this.#ended(name, logFile === undefined ? reason : `${reason}; its log is ${logFile}`);
    };
    child.on("error", (error) => ended(error.message));
    child.on("close", (code, signal) => ended(`ended with ${signal ?? `status ${String(code)}`}`));
    return child;
  }

  /** Ends every child and waits until all are gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const gone = [...this.#running.keys()]
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
      .map((child) => once(child, "close"));
    for (const child of this.#running.keys()) child.kill("SIGTERM");
    const force = setTimeout(() => {
      for (const child of this.#running.keys()) child.kill("SIGKILL");
    }, 5_000);
    await Promise.all(gone);
    clearTimeout(force);
  }
}
