import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { ENVOY_LOG_FORMAT, EnvoyLog, type EnvoyLine } from "./envoy-log.ts";

export interface EnvoyOptions {
  readonly binary: string;
  /** Path of the bootstrap. */
  readonly config: string;
  /** From which level on the filter's log lines are wanted. */
  readonly logLevel: string;
  readonly onLine: (line: EnvoyLine) => void;
  /** It ended although nobody stopped it. */
  readonly onEnd: (reason: string) => void;
}

/** An Envoy that is told what to do by a control plane. */
export class DevEnvoy {
  readonly #child: ChildProcess;
  #isStopping = false;

  constructor({ binary, config, logLevel, onLine, onEnd }: EnvoyOptions) {
    this.#child = spawn(
      binary,
      [
        ...["--config-path", config, "--concurrency", "1", "--disable-hot-restart", "--log-format", ENVOY_LOG_FORMAT],
        ...["--log-level", "warning", "--component-log-level", `wasm:${logLevel}`],
      ],
      // Not in the terminal's own group: Ctrl-C is for the command, which then stops Envoy.
      { stdio: ["ignore", "pipe", "pipe"], detached: true },
    );
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      const log = new EnvoyLog();
      stream?.setEncoding("utf8").on("data", (text: string) => log.push(text).forEach(onLine));
    }
    this.#child.once("error", (error) => onEnd(`cannot run ${binary}: ${error.message}`));
    this.#child.once("close", (code, signal) => {
      if (!this.#isStopping) onEnd(`Envoy ended with ${signal ?? `status ${String(code)}`}`);
    });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, "close");
    this.#child.kill();
    const force = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
    await closed;
    clearTimeout(force);
  }
}
