import { Worker } from "node:worker_threads";
import { inspectModule, type Problem } from "./abi/inspect.ts";
import type { AbiVersion } from "./abi/imports.ts";
import type { Bytes } from "./bytes.ts";
import type { LogLine } from "./log.ts";
import type { FailedStage } from "./plugin.ts";

export interface CheckOptions {
  readonly name?: string;
  readonly rootId?: string;
  readonly configuration?: Bytes;
  readonly vmId?: string;
  readonly vmConfiguration?: Bytes;
  readonly environment?: Readonly<Record<string, string>>;
  /** The longest that compiling, starting and configuring may take together. Default: 5000. */
  readonly timeoutMs?: number;
  /** The most linear memory of the module in MiB. Default: 256. */
  readonly memoryMb?: number;
  /** The most that the host keeps for the module beside that (log, shared data, callouts) in MiB. Default: 16. */
  readonly hostMemoryMb?: number;
  /** How many requests are sent through it once it is configured, to find traps and leaks. Default: none. */
  readonly requests?: number;
  /** The largest module in MiB. Default: 64. */
  readonly moduleMb?: number;
}

/** At which step a module was found wanting. */
export type CheckStage = "inspect" | RunStage;

/** `requests`: it trapped at one, or its memory grew with them. */
export type RunStage = FailedStage | "requests";

export type CheckResult =
  | {
      readonly ok: true;
      readonly abiVersion: AbiVersion;
      readonly warnings: readonly string[];
      readonly log: readonly LogLine[];
    }
  | {
      readonly ok: false;
      readonly stage: CheckStage;
      readonly problems: readonly Problem[];
      readonly log: readonly LogLine[];
    };

/** What the worker is given. */
export interface CheckTask extends Omit<CheckOptions, "timeoutMs" | "moduleMb"> {
  readonly bytes: Uint8Array;
  readonly memoryMb: number;
  readonly hostMemoryMb: number;
}

/** What the worker says: that it is there, how far it is, and the outcome. */
export type CheckMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "stage"; readonly stage: RunStage }
  | {
      readonly kind: "result";
      readonly failure?: { stage: RunStage; message: string };
      readonly log: readonly LogLine[];
    };

const MIB = 1024 * 1024;
const JS_HEAP_MB = 128;
const READY_TIMEOUT_MS = 60_000;

/**
 * Says whether Envoy would load a module and whether the module takes a configuration, by doing both. The module runs in a
 * thread of its own that is ended after `timeoutMs`, so a module that loops or grows without end is a result like another.
 */
export async function checkModule(bytes: Uint8Array, options: CheckOptions = {}): Promise<CheckResult> {
  const { timeoutMs = 5000, moduleMb = 64, memoryMb = 256, hostMemoryMb = 16, ...rest } = options;
  if (bytes.length > moduleMb * MIB) {
    return inspected([{ message: `the module has ${bytes.length} bytes; at most ${moduleMb} MiB are accepted` }]);
  }
  const inspection = inspectModule(bytes);
  if (!inspection.ok || inspection.abiVersion === undefined) return inspected(inspection.problems);

  const run = await runInWorker({ ...rest, bytes, memoryMb, hostMemoryMb }, timeoutMs);
  if (run.failure !== undefined) {
    const { stage, message } = run.failure;
    return { ok: false, stage, problems: [{ message }], log: run.log };
  }
  return { ok: true, abiVersion: inspection.abiVersion, warnings: inspection.warnings, log: run.log };
}

function inspected(problems: readonly Problem[]): CheckResult {
  return { ok: false, stage: "inspect", problems, log: [] };
}

interface Run {
  readonly failure: { readonly stage: RunStage; readonly message: string } | undefined;
  readonly log: readonly LogLine[];
}

/** The thread's code. From source it first needs the loader for TypeScript, which a thread does not take over. */
function workerCode(): string {
  if (import.meta.url.endsWith(".js"))
    return `import(${JSON.stringify(new URL("./check-worker.js", import.meta.url).href)})`;
  const file = JSON.stringify(new URL("./check-worker.ts", import.meta.url).href);
  return `import("tsx/esm/api").then(({ register }) => { register(); return import(${file}); })`;
}

function runInWorker(task: CheckTask, timeoutMs: number): Promise<Run> {
  const worker = new Worker(workerCode(), {
    eval: true,
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: JS_HEAP_MB + task.hostMemoryMb, maxYoungGenerationSizeMb: 32 },
    stdout: true,
    stderr: true,
    env: {},
  });
  return new Promise((resolve) => {
    let stage: RunStage = "start";
    let timer = setTimeout(() => end("the thread for the check did not come up"), READY_TIMEOUT_MS);
    const finish = (run: Run): void => {
      clearTimeout(timer);
      resolve(run);
      void worker.terminate();
    };
    const end = (message: string): void => finish({ failure: { stage, message }, log: [] });

    worker.on("message", (message: CheckMessage) => {
      switch (message.kind) {
        case "ready":
          clearTimeout(timer);
          timer = setTimeout(() => end(`the module did not finish within ${timeoutMs} ms`), timeoutMs);
          break;
        case "stage":
          stage = message.stage;
          break;
        case "result":
          finish({ failure: message.failure, log: message.log });
          break;
      }
    });
    worker.on("error", (error) => end(`the check was ended: ${error.message}`));
    worker.on("exit", () => end("the check ended without a result"));
  });
}
