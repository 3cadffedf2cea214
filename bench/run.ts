// Variants side by side: each an Envoy of its own, measured in interleaved rounds. See README.md.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Envoy } from "../test/support/envoy.ts";
import { get } from "../test/support/http.ts";
import { freePorts } from "../test/support/ports.ts";
import { configurationOf, type Variant } from "./configuration.ts";
import { cpuTime, pinTo, quantile, residentMemory, sendLoad, type Load } from "./measure.ts";

export interface Running {
  readonly variant: Variant;
  readonly envoy: Envoy;
  readonly port: number;
  readonly pid: number;
  /** From the start of the process to the first answer, in milliseconds. */
  readonly startTime: number;
  /** Resident memory after that answer, in MiB. */
  readonly startMemory: number;
  /** Microseconds of CPU a request, by round. */
  readonly costs: number[];
}

/** Starts a variant on the first core, and makes sure that its filter does its work. */
export async function start(variant: Variant): Promise<Running> {
  const [port = 0, adminPort = 0] = await freePorts(2);
  const began = performance.now();
  const envoy = await Envoy.start(variant.name, configurationOf(variant, port, adminPort), adminPort, {
    concurrency: 1,
    logLevel: "error",
  });
  try {
    const pid = envoy.process.child.pid ?? 0;
    await firstAnswer(envoy, port, variant);
    const startTime = performance.now() - began;
    const startMemory = residentMemory(pid);
    await pinTo(pid, 0);
    await variant.check?.(port, envoy);
    return { variant, envoy, port, pid, startTime, startMemory, costs: [] };
  } catch (error) {
    await envoy.stop();
    throw error;
  }
}

/** Starts all variants, warms them, measures them in rounds, runs what is measured `beside`, hands them to `report`, and stops them whatever happens. */
export async function compare(
  variants: readonly Variant[],
  rounds: number,
  requests: number,
  report: (all: readonly Running[]) => void,
  beside: (all: readonly Running[]) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const all: Running[] = [];
  try {
    for (const variant of variants) all.push(await start(variant));
    for (const running of all) await measure(running, Math.ceil(requests / 4)); // V8 compiles hot code.
    for (let round = 1; round <= rounds; ++round) {
      for (const running of all) running.costs.push(await measure(running, requests));
      process.stderr.write(`round ${String(round)} of ${String(rounds)}\n`);
    }
    await beside(all);
    report(all);
  } finally {
    await Promise.all(all.map(({ envoy }) => envoy.stop()));
  }
}

/** What a variant cost over its baseline in the same round, by round; nothing for a baseline. */
export function addedCosts({ variant, costs }: Running, all: readonly Running[]): number[] {
  const base = all.find((other) => other.variant.name === variant.baseline);
  return base === undefined ? [] : costs.map((cost, round) => cost - (base.costs[round] ?? NaN));
}

/** The median of added costs and the quartiles around it, as two cells of a table. */
export function addedCells(added: readonly number[]): [string, string] {
  if (added.length === 0) return ["-", "-"];
  const figure = (share: number): string => quantile(added, share).toFixed(1);
  return [figure(0.5), `${figure(0.25)} to ${figure(0.75)}`];
}

export function printRow(cells: readonly string[]): void {
  process.stdout.write(`| ${cells.join(" | ")} |\n`);
}

async function measure({ variant, port, pid }: Running, requests: number): Promise<number> {
  const { path, paths, headers } = variant;
  const load: Load = { port, path, headers, requests, status: "2xx" };
  if (paths === undefined) return costOf(load, pid);
  const folder = mkdtempSync(join(tmpdir(), "meshwright-bench-"));
  try {
    const uris = join(folder, "uris");
    writeFileSync(uris, paths.map((each) => `http://127.0.0.1:${String(port)}${each}\n`).join(""));
    return await costOf({ ...load, uris }, pid);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Microseconds of CPU a request. */
async function costOf(load: Load, pid: number): Promise<number> {
  const before = cpuTime(pid);
  await sendLoad(load);
  return (cpuTime(pid) - before) / 1000 / load.requests;
}

async function firstAnswer(envoy: Envoy, port: number, { path, headers }: Variant): Promise<void> {
  await envoy.until(async () => {
    try {
      return (await get(port, path, { headers })).status === 200;
    } catch {
      return false; // Nothing listens yet.
    }
  });
}
