// Running one variant: an Envoy pinned to a core, load from another, and the CPU time it took.
import { execFile } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);

/** CPU time of all threads of a process so far, in nanoseconds. */
export function cpuTime(pid: number): number {
  let total = 0;
  for (const task of readdirSync(`/proc/${String(pid)}/task`)) {
    const [onCpu = "0"] = readFileSync(`/proc/${String(pid)}/task/${task}/schedstat`, "utf8").split(" ");
    total += Number(onCpu);
  }
  return total;
}

/** Keeps a process, with the threads that it has, on one core. */
export async function pinTo(pid: number, core: number): Promise<void> {
  await run("taskset", ["--all-tasks", "--cpu-list", "--pid", String(core), String(pid)]);
}

/** Resident memory of a process in MiB. */
export function residentMemory(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${String(pid)}/status`, "utf8"))?.[1] ?? "0";
  return Number(kilobytes) / 1024;
}

export interface Load {
  readonly port: number;
  readonly path: string;
  readonly requests: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The status that every answer must have. */
  readonly status: "2xx" | "4xx";
  /** A file with the URI of each request, in place of `path`; they then go over one connection, so that each is sent once. */
  readonly uris?: string;
}

/** Sends requests over 4 connections of HTTP/1.1 from the second core. Fails when an answer is not as expected. */
export async function sendLoad(load: Load): Promise<void> {
  const headers = Object.entries(load.headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const { stdout } = await run("taskset", [
    "-c",
    "1",
    "h2load",
    "--h1",
    "-c",
    load.uris === undefined ? "4" : "1",
    "-n",
    String(load.requests),
    ...headers,
    ...(load.uris === undefined ? [`http://127.0.0.1:${String(load.port)}${load.path}`] : ["-i", load.uris]),
  ]);
  const codes = /status codes: (\d+) 2xx, \d+ 3xx, (\d+) 4xx/.exec(stdout);
  const got = Number((load.status === "2xx" ? codes?.[1] : codes?.[2]) ?? 0);
  if (got !== load.requests) {
    throw new Error(`expected ${String(load.requests)} answers of ${load.status}, got ${String(got)}:\n${stdout}`);
  }
}

/** The value below which a share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? NaN;
  const high = sorted[Math.ceil(at)] ?? NaN;
  return low + (high - low) * (at - Math.floor(at));
}
