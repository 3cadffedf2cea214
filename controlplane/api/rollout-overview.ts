import type { RolloutView } from "../rollout/index.ts";
import { rolloutsReport, type RolloutReport, type RolloutSidecar, type RunReport } from "./rollouts-report.ts";

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

export function rolloutsOverview(views: readonly RolloutView[], now = Date.now()): RolloutsOverview {
  return { rollouts: rolloutsReport(views, now).rollouts.map(overviewOf) };
}

function overviewOf({ run, ...rollout }: RolloutReport): RolloutOverview {
  if (run === null) return { ...rollout, run };
  const { sidecars, ...rest } = run;
  const fresh = sidecars.filter(({ version }) => version === "new");
  const unwell = sidecars.filter(({ message }) => message !== null);
  return {
    ...rollout,
    run: {
      ...rest,
      sidecars: {
        all: sidecars.length,
        connected: sidecars.filter(({ connected }) => connected).length,
        new: fresh.length,
        running: fresh.filter(({ progress }) => progress === "Running").length,
        unwell: unwell.length,
      },
      unwell: unwell.slice(0, MAX_UNWELL),
    },
  };
}
