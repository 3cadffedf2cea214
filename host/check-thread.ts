import { Worker } from "node:worker_threads";
import type { CheckRun } from "./check.ts";
import type { LogLine } from "./log.ts";
import type { FailedStage } from "./plugin.ts";

/** `requests`: it trapped at one, or its memory grew with them. */
export type RunStage = FailedStage | "requests";

/** What the thread is made for. */
export interface CheckedModule {
  readonly bytes: Uint8Array;
  readonly memoryMb: number;
  readonly hostMemoryMb: number;
}

/** What the thread is given, once for each check. */
export type CheckTask = Omit<CheckRun, "timeoutMs">;

/** What the thread says: that it is there, how far a check is, and its outcome. */
export type CheckMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "stage"; readonly stage: RunStage }
  | {
      readonly kind: "result";
      readonly failure?: { stage: RunStage; message: string };
      readonly log: readonly LogLine[];
    };

export interface CheckOutcome {
  readonly failure: { readonly stage: RunStage; readonly message: string } | undefined;
  readonly log: readonly LogLine[];
}

const JS_HEAP_MB = 128;
const READY_TIMEOUT_MS = 60_000;
/** After so many checks what they left behind goes with their thread. */
const MAX_CHECKS = 200;
/** After these a thread is as it was: the module has said no, and nothing has gone wrong. */
const ORDERLY: readonly RunStage[] = ["configure", "vm_start"];

/** The thread in which a module is checked. One that has to be ended, or ends by itself, is replaced at the next check. */
export class CheckThread {
  readonly #module: CheckedModule;
  #worker: Worker | undefined;
  #checks = 0;

  constructor(module: CheckedModule) {
    this.#module = module;
  }

  /** Runs a check, one at a time. Takes `timeoutMs` at most, beside the time that the thread needs to come up. */
  async run(task: CheckTask, timeoutMs: number): Promise<CheckOutcome> {
    const isUsed = this.#worker !== undefined;
    const { outcome, isCrash } = await this.#run(task, timeoutMs);
    // It may have ended by what an earlier check left behind.
    return isUsed && isCrash ? (await this.#run(task, timeoutMs)).outcome : outcome;
  }

  /** Ends the thread until the next check. */
  close(): void {
    void this.#worker?.terminate();
    this.#worker = undefined;
    this.#checks = 0;
  }

  #run(task: CheckTask, timeoutMs: number): Promise<{ readonly outcome: CheckOutcome; readonly isCrash: boolean }> {
    const isUsed = this.#worker !== undefined;
    const worker = (this.#worker ??= startWorker(this.#module));
    this.#checks++;
    worker.ref();
    return new Promise((resolve) => {
      let stage: RunStage = "start";
      let timer: NodeJS.Timeout;
      const finish = (outcome: CheckOutcome, isCrash = false): void => {
        clearTimeout(timer);
        worker.off("message", onMessage).off("error", onError).off("exit", onExit);
        // Nobody waits for a thread that is idle.
        worker.unref();
        const isGood = outcome.failure === undefined || (!isCrash && ORDERLY.includes(outcome.failure.stage));
        if (!isGood || this.#checks >= MAX_CHECKS) this.close();
        resolve({ outcome, isCrash });
      };
      const end = (message: string, isCrash = false): void => finish({ failure: { stage, message }, log: [] }, isCrash);
      const limit = (ms: number, message: string): void => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          end(message);
          this.close();
        }, ms);
      };
      const begin = (): void => {
        limit(timeoutMs, `the module did not finish within ${timeoutMs} ms`);
        worker.postMessage(task);
      };
      const onMessage = (message: CheckMessage): void => {
        if (message.kind === "ready") begin();
        else if (message.kind === "stage") stage = message.stage;
        else finish({ failure: message.failure, log: message.log });
      };
      const onError = (error: Error): void => end(`the check was ended: ${error.message}`, true);
      const onExit = (): void => end("the check ended without a result", true);
      worker.on("message", onMessage).on("error", onError).on("exit", onExit);
      if (isUsed) begin();
      else limit(READY_TIMEOUT_MS, "the thread for the check did not come up");
    });
  }
}

/** The thread's code. From source it first needs the loader for TypeScript, which a thread does not take over. */
function workerCode(): string {
  if (import.meta.url.endsWith(".js"))
    return `import(${JSON.stringify(new URL("./check-worker.js", import.meta.url).href)})`;
  const file = JSON.stringify(new URL("./check-worker.ts", import.meta.url).href);
  return `import("tsx/esm/api").then(({ register }) => { register(); return import(${file}); })`;
}

function startWorker(module: CheckedModule): Worker {
  const worker = new Worker(workerCode(), {
    eval: true,
    workerData: module,
    resourceLimits: { maxOldGenerationSizeMb: JS_HEAP_MB + module.hostMemoryMb, maxYoungGenerationSizeMb: 32 },
    stdout: true,
    stderr: true,
    env: {},
  });
  // It may end between checks, too.
  return worker.on("error", () => undefined);
}
