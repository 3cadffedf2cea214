// What a rollout over a large fleet costs the control plane: CPU, memory, and for how long nothing else is done.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rolloutsOverview } from "../../controlplane/api/rollout-overview.ts";
import { rolloutsReport } from "../../controlplane/api/rollouts-report.ts";
import { hasEnded } from "../../controlplane/rollout/index.ts";
import { SqliteStore } from "../../controlplane/store/index.ts";
import { quantile } from "../measure.ts";
import { printRow } from "../run.ts";
import { content, PretendedMesh, type MeshSize } from "./pretended-mesh.ts";

/** The CPU time of each step, in milliseconds: on an idle machine it is that for which nothing else is done; by what it did. */
type Times = Map<string, number[]>;

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
    await mesh.start(content("v1", size), store);
    const before = memory();
    const [times, reading] = [new Map() as Times, new Map() as Times];
    const ends: string[] = [];
    let [seconds, cpu, peak] = [0, 0, 0];
    for (const version of ["v2", "v3"]) {
      await mesh.adopt(content(version, size));
      for (let isOver = false; !isOver; ++seconds) {
        mesh.pass();
        mesh.events.length = 0;
        cpu += await timed(times, () => mesh.rollouts.tick(), mesh);
        if (seconds % 10 === 0) {
          await timed(reading, () => JSON.stringify(rolloutsOverview(mesh.rollouts.views)), "overview");
          await timed(reading, () => JSON.stringify(rolloutsReport(mesh.rollouts.views)), "whole report");
        }
        if (seconds % 60 === 0) peak = Math.max(peak, memory());
        const run = mesh.rollouts.view("shop")?.record.run;
        isOver = run !== undefined && hasEnded(run);
        if (isOver) ends.push(`${version}: ${run?.phase ?? ""} with ${run?.admitted.size ?? 0} touched`);
      }
    }
    process.stdout.write(`\n${size.sidecars} sidecars of ${size.services} Services; ${ends.join("; ")}\n\n`);
    printRow(["step", "times", "p50 ms", "p99 ms", "longest ms"]);
    printRow(Array<string>(5).fill("---"));
    for (const [name, all] of [...times, ...reading]) {
      printRow([name, String(all.length), ...[0.5, 0.99, 1].map((share) => quantile(all, share).toFixed(1))]);
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

async function timed(times: Times, step: () => unknown, what: string | PretendedMesh): Promise<number> {
  const began = process.cpuUsage();
  await step();
  const { user, system } = process.cpuUsage(began);
  const took = (user + system) / 1_000;
  const name = typeof what === "string" ? what : nameOf(what);
  const known = times.get(name);
  if (known === undefined) times.set(name, [took]);
  else known.push(took);
  return took;
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
