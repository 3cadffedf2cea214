import { parentPort, workerData } from "node:worker_threads";
import type { CheckMessage, CheckTask, CheckedModule, RunStage } from "./check-thread.ts";
import { ProxyWasmHost } from "./host.ts";
import { soak } from "./soak.ts";

/** The thread in which modules are checked: one module, with one task after the other, each in a host of its own. */

const MIB = 1024 * 1024;
const PAGES_PER_MIB = 16;

/** Log lines are for people; more than this of them help nobody. */
const MAX_LOG_LINES = 1000;

function say(message: CheckMessage): void {
  parentPort?.postMessage(message);
}

const { bytes, memoryMb, hostMemoryMb } = workerData as CheckedModule;
let compiled: ProxyWasmHost | undefined;

async function run({ vmId, vmConfiguration, environment, requests, ...options }: CheckTask): Promise<void> {
  const hostOptions = {
    ...(vmId !== undefined && { vmId }),
    ...(vmConfiguration !== undefined && { vmConfiguration }),
    ...(environment !== undefined && { environment }),
    maxMemoryPages: memoryMb * PAGES_PER_MIB,
    quota: hostMemoryMb * MIB,
    // The canary is the check; a second machine would say the same again.
    canary: false,
  };
  const host = compiled?.another(hostOptions) ?? (await ProxyWasmHost.load(bytes, hostOptions));
  compiled = host;
  const plugin = host.startPlugin({ ...options, onStage: (stage) => say({ kind: "stage", stage }) });
  let failure: { readonly stage: RunStage; readonly message: string } | undefined = plugin.failure;
  if (failure === undefined && requests !== undefined) {
    say({ kind: "stage", stage: "requests" });
    const message = soak(host, plugin, requests);
    if (message !== undefined) failure = { stage: "requests", message };
  }
  say({ kind: "result", log: plugin.log.slice(0, MAX_LOG_LINES), ...(failure && { failure }) });
}

// What is thrown here ends the thread, and is the outcome.
parentPort?.on("message", (task: CheckTask) => void run(task));
say({ kind: "ready" });
