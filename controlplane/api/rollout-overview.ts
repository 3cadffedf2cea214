import { type RolloutView, type Run, versionFor } from "../rollout/index.ts";
import type { SourceFaults } from "./rollout-faults.ts";
import {
  type RolloutReport,
  type RolloutSidecar,
  type RunReport,
  rolloutHead,
  runHead,
  sidecarReport,
} from "./rollouts-report.ts";

/** All Rollouts as `RolloutsReport` has them, but of their sidecars the counts and those that are not well. */
export interface RolloutsOverview {
  readonly rollouts: readonly RolloutOverview[];
}

export type RolloutOverview = Omit<RolloutReport, "run"> & { readonly run: RunOverview | null };

export type RunOverview = Omit<RunReport, "sidecars"> & {
  readonly sidecars: {
    readonly all: number;
    readonly connected: number;
    /** Those that are to have the new version, and of them those that run it. */
    readonly new: number;
    readonly running: number;
    /** Those that refused it, do not run it, or cannot, and say why. */
    readonly unwell: number;
  };
  /** The first of those. */
  readonly unwell: readonly RolloutSidecar[];
};

/** So many of the sidecars that are not well are told of. */
const MAX_UNWELL = 50;

export function rolloutsOverview(
  views: readonly RolloutView[],
  faults: SourceFaults,
  now = Date.now(),
): RolloutsOverview {
  return {
    rollouts: views.map((view) => {
      const { run } = view.record;
      return { ...rolloutHead(view, faults), run: run === undefined ? null : overviewOf(run, view, now) };
    }),
  };
}

/** Goes through all sidecars once, and makes nothing of those that are well. */
function overviewOf(run: Run, view: RolloutView, now: number): RunOverview {
  const counts = { all: view.sidecars.length, connected: 0, new: 0, running: 0, unwell: 0 };
  const unwell: RolloutSidecar[] = [];
  for (const sidecar of view.sidecars) {
    const state = view.states.get(sidecar.node);
    if (state?.connected === true) ++counts.connected;
    if (versionFor(run, sidecar.node) === run.to) {
      ++counts.new;
      if (run.waveOf.has(sidecar.node) && state?.progress === "Running") ++counts.running;
    }
    if (state?.message === undefined && sidecar.unable === undefined) continue;
    if (++counts.unwell <= MAX_UNWELL) unwell.push(sidecarReport(run, view, sidecar));
  }
  return { ...runHead(run, view, now), sidecars: counts, unwell };
}
