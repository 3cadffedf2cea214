import { parentPort, workerData } from "node:worker_threads";
import type { CheckMessage, CheckTask } from "./check.ts";
import { ProxyWasmHost } from "./host.ts";
import type { LogLine } from "./log.ts";
import { soak } from "./soak.ts";

/** The thread in which `checkModule` runs a module. */

const MIB = 1024 * 1024;
const PAGES_PER_MIB = 16;

/** Log lines are for people; more than this of them help nobody. */
const MAX_LOG_LINES = 1000;

function say(message: CheckMessage): void {
  parentPort?.postMessage(message);
}

const { bytes, memoryMb, hostMemoryMb, vmId, vmConfiguration, environment, requests, ...options } =
  workerData as CheckTask;

say({ kind: "ready" });
const host = await ProxyWasmHost.load(bytes, {
  ...(vmId !== undefined && { vmId }),
  ...(vmConfiguration !== undefined && { vmConfiguration }),
  ...(environment !== undefined && { environment }),
  maxMemoryPages: memoryMb * PAGES_PER_MIB,
  quota: hostMemoryMb * MIB,
  // The canary is the check; a second machine would say the same again.
  canary: false,
});
const plugin = host.startPlugin({ ...options, onStage: (stage) => say({ kind: "stage", stage }) });
const { failure } = plugin;
if (failure === undefined && requests !== undefined) {
  say({ kind: "stage", stage: "requests" });
  const message = soak(host, plugin, requests);
  say({ kind: "result", log: logOf(), ...(message !== undefined && { failure: { stage: "requests", message } }) });
} else {
  say({ kind: "result", log: logOf(), ...(failure && { failure }) });
}

function logOf(): readonly LogLine[] {
  return plugin.log.slice(0, MAX_LOG_LINES);
}
