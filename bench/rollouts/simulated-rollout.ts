// One rollout without a control plane: the real decisions and the real test, over sidecars and traffic that are drawn at random.
import { decide } from "../../controlplane/rollout/decide.ts";
import type { AnalysisSpec, RolloutSpec } from "../../controlplane/model/index.ts";
import type { SidecarState } from "../../controlplane/rollout/observation.ts";
import { apply, hasEnded, type Run, versionFor } from "../../controlplane/rollout/run.ts";
import type { Sidecar } from "../../controlplane/rollout/sidecars.ts";
import { firstAdmitted, Sampler } from "../../controlplane/rollout/sampler.ts";
import { Watch } from "../../controlplane/rollout/watch.ts";
import { Random } from "./random.ts";
import { type Conditions, type Effect, NO_EFFECT, SimulatedStats, WINDOW_MS } from "./traffic.ts";

export interface FleetSize {
  readonly services: number;
  /** Of each Service. */
  readonly sidecars: number;
}

/** What came of a rollout. */
export interface Ending {
  /** In words; undefined when it was promoted. */
  readonly undone: string | undefined;
  /** From 1: the wave in which it ended. */
  readonly wave: number;
  /** How many sidecars had the new version. */
  readonly touched: number;
  /** How long after the first sidecar was given it. */
  readonly ms: number;
}

const START = 1_700_000_000_000;
/** Longer than this none takes. */
const END_MS = 24 * 3_600_000;

export async function simulate(
  spec: RolloutSpec,
  { services, sidecars }: FleetSize,
  conditions: Conditions,
  effect: Effect,
  seed: number,
): Promise<Ending> {
  const random = new Random(seed);
  const fleet: Sidecar[] = Array.from({ length: services * sidecars }, (_, i) => ({
    ...{ node: `${seed}-${i}`, service: `s${i % services}`, region: "", zone: "", envoy: "1.40.0", labels: {} },
  }));
  const nodes = fleet.map(({ node }) => node);
  const stats = new SimulatedStats(nodes, conditions, random, START);
  const sampler = new Sampler(spec, ["inbound"], stats, START);
  const watch = new Watch(spec, ["inbound"]);
  const old: SidecarState = { connected: true, since: START, progress: "Running" };
  const runningSince = new Map<string, number>();
  let run: Run = apply(undefined, {
    ...{ type: "Started", at: START, rollout: "r", run: 1, from: "old", to: "new", spec, by: "bench", undo: false },
    ...{ sidecars: nodes.length, unable: [] },
  });
  for (let now = START; !hasEnded(run); now += WINDOW_MS) {
    if (now - START > END_MS) throw new Error("it does not end");
    const current = run;
    if (now > START) stats.pass((node) => (versionFor(current, node) === run.to ? effect : NO_EFFECT));
    // A report that came since it was given the version proves that it runs it.
    for (const [node, at] of run.admitted) if (at < now && !runningSince.has(node)) runningSince.set(node, now);
    const states = new Map(
      nodes.map((node) => {
        const isBehind = versionFor(current, node) === current.to && !runningSince.has(node);
        return [node, isBehind ? { ...old, progress: "Behind" as const } : old];
      }),
    );
    if (sampler.isDue(now)) {
      const here = fleet.map(({ node, service }) => ({
        ...{ node, service, admittedAt: current.admitted.get(node), runningSince: runningSince.get(node) },
      }));
      watch.add(await sampler.take({ here, firstAt: firstAdmitted(here) }, now), sampler.backdrop);
    }
    const seen = { sidecars: fleet, states, verdict: watch.verdict(), settled: true, open: true, frozen: false };
    for (const event of decide(run, seen, now)) {
      run = apply(run, event);
      if (event.type === "WaveStarted") watch.nextWave();
      // That it is undone well is another matter.
      if (event.type === "RollingBack" || event.type === "Paused" || event.type === "Promoted") {
        const isUndone = event.type !== "Promoted";
        const first = Math.min(...run.admitted.values());
        const undone = event.type === "RollingBack" ? event.reason.message : isUndone ? event.because : undefined;
        return { undone, wave: run.wave + 1, touched: run.admitted.size, ms: now - first };
      }
    }
  }
  throw new Error("it ended before anything was decided");
}

/** A Rollout as it is when nothing but its targets is written. */
export function defaultSpec(analysis: Partial<AnalysisSpec>): RolloutSpec {
  return {
    ...{ targetRefs: [], start: "Automatic", spread: { by: ["Service"], maxPercentage: 50 }, windows: [] },
    ...{ answerTimeout: "60s", lossWindow: "30s", waveTimeout: { after: "1h", action: "Pause" }, frozen: false },
    waves: [1, 10, 50, 100].map((percentage) => ({ percentage, bake: "2m", approval: "None" })),
    analysis: {
      ...{ minRequests: 100, falseAlarms: 0.001 },
      checks: [
        { metric: "Errors", tolerated: 1.5, minRate: 0.001 },
        { metric: "Slow", quantile: 0.95, tolerated: 2, minRate: 0.001 },
        { metric: "Denials", tolerated: 2, minRate: 0.001 },
      ],
      ...analysis,
    },
  };
}
