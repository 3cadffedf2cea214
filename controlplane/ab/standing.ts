// How experiments stand: what their figures say of variants. Pure.

import {
  compareProportions,
  goodnessOfFit,
  quantileOf,
  wilsonInterval,
  type ChiSquareTest,
  type Count,
  type Difference,
  type Interval,
} from "../statistics/index.ts";
import type { Figures } from "./envoy-stats.ts";
import { sharesOf, type Experiment } from "./experiments.ts";

/** Below it, the shares of the keys are not those that were to be: the figures of the experiment are not to be trusted. */
export const MISMATCH_BELOW = 0.001;

export interface Standing {
  readonly name: string;
  /** The variant that others are compared with. */
  readonly default: string;
  readonly variants: readonly VariantStanding[];
  /** Whether keys are split as the weights say. */
  readonly sampleRatio: ChiSquareTest & { readonly mismatch: boolean };
}

export interface VariantStanding {
  readonly name: string;
  /** The share of keys that it is to get, of 1. */
  readonly weight: number;
  /** Keys that were seen; one that comes by two Envoys counts in both. */
  readonly keys: number;
  /** Requests that are over. */
  readonly requests: number;
  readonly errors: number;
  /** Errors of requests, of 1, with a 95 % interval; left out without requests. */
  readonly errorRate?: { readonly value: number; readonly interval: Interval };
  /** In milliseconds; left out where no histogram is known. */
  readonly latencyMs?: { readonly p50: number; readonly p99: number };
  /** The error rate minus that of the default. */
  readonly difference?: Difference;
}

/** The experiments that are measured and have a split. */
export function standingsOf(experiments: readonly Experiment[], figures: Figures): Standing[] {
  return experiments.flatMap((experiment) =>
    experiment.measured && experiment.split !== undefined
      ? [standingOf(experiment.name, experiment.default, sharesOf(experiment.split), figures)]
      : [],
  );
}

function standingOf(name: string, base: string, shares: ReadonlyMap<string, number>, figures: Figures): Standing {
  const count = (variant: string, what: string): number => figures.counters.get(`${name}.${variant}.${what}`) ?? 0;
  const errorsOf = (variant: string): Count => ({ of: count(variant, "errors"), all: count(variant, "requests") });
  const variants = [...shares].map(([variant, weight]): VariantStanding => {
    const errors = errorsOf(variant);
    const interval = wilsonInterval(errors);
    const bins = figures.histograms.get(`${name}.${variant}.latency_ms`) ?? [];
    const [p50, p99] = [quantileOf(bins, 0.5), quantileOf(bins, 0.99)];
    const difference = variant === base ? undefined : compareProportions(errors, errorsOf(base));
    return {
      name: variant,
      weight,
      keys: count(variant, "exposed"),
      requests: errors.all,
      errors: errors.of,
      ...(interval !== undefined && { errorRate: { value: errors.of / errors.all, interval } }),
      ...(p50 !== undefined && p99 !== undefined && { latencyMs: { p50, p99 } }),
      ...(difference !== undefined && { difference }),
    };
  });
  const test = goodnessOfFit(
    variants.map(({ keys }) => keys),
    variants.map(({ weight }) => weight),
  );
  return { name, default: base, variants, sampleRatio: { ...test, mismatch: test.pValue < MISMATCH_BELOW } };
}
