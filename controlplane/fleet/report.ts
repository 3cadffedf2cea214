import type { Bin } from "../statistics/index.ts";

/** What a sidecar tells at one time, of the statistics that are kept. */
export interface Report {
  /** Since Envoy started, or since the statistic was made. */
  readonly counters: readonly Sample[];
  readonly gauges: readonly Sample[];
  /** What was measured since the last report, by ranges of values in ascending order. */
  readonly histograms: readonly (readonly [name: string, bins: readonly Bin[]])[];
}

export type Sample = readonly [name: string, value: number];
