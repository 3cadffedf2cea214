import { inspectModule, type Inspection, type Problem } from "./abi/inspect.ts";
import type { AbiVersion } from "./abi/imports.ts";
import type { Bytes } from "./bytes.ts";
import { CheckThread, type RunStage } from "./check-thread.ts";
import type { LogLine } from "./log.ts";

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

/** What a module may take when it is checked. */
export interface CheckLimits {
  readonly memoryMb?: number | undefined;
  readonly hostMemoryMb?: number | undefined;
  readonly moduleMb?: number | undefined;
}

/** How a module is to be run at a check. */
export type CheckRun = Omit<CheckOptions, keyof CheckLimits>;

const MIB = 1024 * 1024;

/**
 * Says whether Envoy would load a module and whether the module takes a configuration, by doing both. The module runs in a
 * thread of its own that is ended after `timeoutMs`, so a module that loops or grows without end is a result like another.
 */
export async function checkModule(bytes: Uint8Array, options: CheckOptions = {}): Promise<CheckResult> {
  const { memoryMb, hostMemoryMb, moduleMb, ...run } = options;
  const limits = { memoryMb, hostMemoryMb, moduleMb };
  const checker = new ModuleChecker(bytes, limits);
  try {
    return await checker.check(run);
  } finally {
    checker.close();
  }
}

/**
 * Checks one module with one configuration after the other, each as {@link checkModule} does: in a virtual machine of its own. The module
 * is inspected and compiled once, and the thread is used again as long as nothing went wrong in it.
 */
export class ModuleChecker {
  readonly #thread: CheckThread;
  readonly #inspection: Inspection;
  #last: Promise<unknown> = Promise.resolve();

  constructor(bytes: Uint8Array, { memoryMb = 256, hostMemoryMb = 16, moduleMb = 64 }: CheckLimits = {}) {
    this.#inspection =
      bytes.length > moduleMb * MIB
        ? refused(`the module has ${bytes.length} bytes; at most ${moduleMb} MiB are accepted`)
        : inspectModule(bytes);
    this.#thread = new CheckThread({ bytes, memoryMb, hostMemoryMb });
  }

  /** Checks follow one another, in the order of the calls. */
  async check({ timeoutMs = 5000, ...options }: CheckRun = {}): Promise<CheckResult> {
    const { ok, abiVersion, problems, warnings } = this.#inspection;
    if (!ok || abiVersion === undefined) return { ok: false, stage: "inspect", problems, log: [] };
    const running = this.#last.then(() => this.#thread.run(options, timeoutMs));
    this.#last = running;
    const { failure, log } = await running;
    if (failure === undefined) return { ok: true, abiVersion, warnings, log };
    return { ok: false, stage: failure.stage, problems: [{ message: failure.message }], log };
  }

  /** Ends the thread. A check that runs is not finished then. */
  close(): void {
    this.#thread.close();
  }
}

function refused(message: string): Inspection {
  return { ok: false, abiVersion: undefined, imports: [], exports: [], problems: [{ message }], warnings: [] };
}
