// What a rollout over a large fleet costs the control plane: CPU, memory, and for how long nothing else is done.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { rolloutsOverview } from "../../controlplane/api/rollout-overview.ts";
import { rolloutsReport } from "../../controlplane/api/rollouts-report.ts";
import { hasEnded } from "../../controlplane/rollout/index.ts";
import { SqliteStore } from "../../controlplane/store/index.ts";
import { quantile } from "../measure.ts";
import { printRow } from "../run.ts";
import { PretendedMesh, Source, type MeshSize } from "./pretended-mesh.ts";

/** The CPU time of a step, and the longest part of it for which nothing else is done, in milliseconds of an idle machine. */
interface Took {
  readonly all: number;
  readonly longest: number;
}

/** By what a step did. */
type Times = Map<string, Took[]>;

/** The last thing that happened in a step names it. */
const STEPS: Readonly<Record<string, string>> = {
  Started: "starts a run",
  WaveStarted: "begins a wave",
  Admitted: "begins a wave, or gives it to more",
  Settled: "all of a wave run it",
  Judged: "a wave was found good",
  RollingBack: "undoes it",
  RolledBack: "all is undone",
  Promoted: "promotes it",
};

/** Runs a rollout of a good version and one of a version that is found bad late, and prints what their steps took. */
export async function measureLoad(size: MeshSize): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-rollouts-"));
  const store = SqliteStore.open(join(folder, "state.db"));
  try {
    // So few fail that it is found when half of the sidecars have it.
    const mesh = new PretendedMesh(size, { v3: 0.0025 });
    const source = new Source(size);
    await mesh.start(source.content("v1"), store);
    const before = memory();
    const [times, reading] = [new Map() as Times, new Map() as Times];
    const ends: string[] = [];
    let [seconds, cpu, peak] = [0, 0, 0];
    const served = (): boolean => mesh.isServed;
    for (const version of ["v2", "v3"]) {
      const desired = source.content(version);
      await timed(times, () => mesh.adopt(desired), "takes a change over", served);
      for (let isOver = false; !isOver; ++seconds) {
        mesh.pass();
        mesh.events.length = 0;
        cpu += await timed(times, () => mesh.rollouts.tick(), mesh, served);
        if (seconds % 10 === 0) {
          await timed(
            reading,
            () => JSON.stringify(rolloutsOverview(mesh.rollouts.views, { refused: [] })),
            "overview",
          );
          await timed(
            reading,
            () => JSON.stringify(rolloutsReport(mesh.rollouts.views, { refused: [] })),
            "whole report",
          );
        }
        if (seconds % 60 === 0) peak = Math.max(peak, memory());
        const run = mesh.rollouts.view("shop")?.record.run;
        isOver = run !== undefined && hasEnded(run);
        if (isOver) ends.push(`${version}: ${run?.phase ?? ""} with ${run?.admitted.size ?? 0} touched`);
      }
    }
    process.stdout.write(`\n${size.sidecars} sidecars of ${size.services} Services; ${ends.join("; ")}\n\n`);
    printRow(["step", "times", "CPU ms, p50", "p99", "most", "longest block ms, p50", "p99", "most"]);
    printRow(Array<string>(8).fill("---"));
    for (const [name, all] of [...times, ...reading]) {
      const of = (figure: (took: Took) => number): string[] =>
        [0.5, 0.99, 1].map((share) => quantile(all.map(figure), share).toFixed(1));
      printRow([name, String(all.length), ...of((took) => took.all), ...of((took) => took.longest)]);
    }
    process.stdout.write(
      `\nCPU: ${(cpu / 10 / seconds).toFixed(1)} % of a core; memory: ${before.toFixed(0)} MiB before, ${peak.toFixed(0)} MiB at most\n`,
    );
    await mesh.rollouts.close();
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param isDone whether what the step has begun is done too. */
async function timed(
  times: Times,
  step: () => unknown,
  what: string | PretendedMesh,
  isDone: () => boolean = () => true,
): Promise<number> {
  const began = cpuMs();
  let [since, longest] = [began, 0];
  const lap = (): void => {
    longest = Math.max(longest, cpuMs() - since);
    since = cpuMs();
  };
  let hasEnded = false;
  const isRunning = (): boolean => !hasEnded;
  const ended = Promise.resolve(step()).finally(() => (hasEnded = true));
  while (isRunning() || !isDone()) {
    lap();
    await nextTurn();
  }
  lap();
  await ended;
  const all = cpuMs() - began;
  const name = typeof what === "string" ? what : nameOf(what);
  times.set(name, [...(times.get(name) ?? []), { all, longest }]);
  return all;
}

/** Of this process, garbage collection included. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function nameOf({ events, now, stats }: PretendedMesh): string {
  const last = events[events.length - 1];
  if (last !== undefined) return STEPS[last.type] ?? last.type;
  return now % stats.windowMs === 0 ? "measures a window" : "looks";
}

/** Of live objects, in MiB. */
function memory(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}
