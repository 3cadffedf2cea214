import { spawn, type ChildProcess } from "node:child_process";
import { EventEmitter, once } from "node:events";

/** A child process whose output is kept and can be waited for. */
export class Process {
  readonly name: string;
  readonly child: ChildProcess;
  readonly #events = new EventEmitter();
  #output = "";

  constructor(
    name: string,
    file: string,
    args: readonly string[],
    options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
  ) {
    this.name = name;
    this.child = spawn(file, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    this.#events.setMaxListeners(0);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output += text;
        this.#events.emit("changed");
      });
    }
    this.child.on("close", () => this.#events.emit("changed"));
    this.child.on("error", (error) => {
      this.#output += String(error);
      this.#events.emit("changed");
    });
  }

  /** All that it wrote so far. */
  get output(): string {
    return this.#output;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Waits until its output from position `from` on matches. Throws when it ends first, or after `timeoutMs`. */
  async waitFor(pattern: RegExp, { from = 0, timeoutMs = 30_000 } = {}): Promise<RegExpExecArray> {
    const deadline = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const match = pattern.exec(this.#output.slice(from));
      if (match !== null) return match;
      if (!this.isRunning) throw new Error(`${this.name} ended before it wrote ${String(pattern)}:\n${this.#output}`);
      try {
        await once(this.#events, "changed", { signal: deadline });
      } catch {
        throw new Error(`${this.name} did not write ${String(pattern)} in ${String(timeoutMs)} ms:\n${this.#output}`);
      }
    }
  }

  /** Ends it, and waits until it is gone. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (!this.isRunning) return;
    const closed = once(this.child, "close");
    this.child.kill(signal);
    const force = setTimeout(() => this.child.kill("SIGKILL"), 10_000);
    await closed;
    clearTimeout(force);
  }
}
