import { experimentsOf, figuresOfTotals, isOfExperiments, standingsOf, type Standing } from "../ab/index.ts";
import type { Release } from "../control/index.ts";
import type { NodeStats } from "../fleet/index.ts";

/** How the experiments stand that the filter ab-routing runs, over all sidecars. */
export interface ExperimentsReport {
  /** How many sidecars have reported, also those that are gone, for an hour. */
  readonly sidecars: number;
  readonly policies: readonly PolicyExperiments[];
}

export interface PolicyExperiments {
  /** The FilterPolicy. */
  readonly policy: string;
  /** Those that are measured and have a split. */
  readonly experiments: readonly Standing[];
}

const ROOT_ID = "ab-routing";

export interface ExperimentsInput {
  readonly release: Release | undefined;
  readonly stats: Pick<NodeStats, "totals">;
}

/** Makes the report. Statistics are by the name of the experiment, so it is to be the same in one policy only. */
export function experimentsReport({ release, stats }: ExperimentsInput): ExperimentsReport {
  const totals = stats.totals(isOfExperiments);
  const figures = figuresOfTotals(totals);
  const policies = [...(release?.model.filterPolicies.values() ?? [])]
    .filter(({ spec }) => (spec.rootId ?? spec.module) === ROOT_ID)
    .map(({ metadata, spec }) => ({
      policy: metadata.name,
      experiments: standingsOf(experimentsOf(spec.configuration ?? {}), figures),
    }));
  return { sidecars: totals.sidecars, policies };
}
