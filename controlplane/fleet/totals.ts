import type { Bin } from "../statistics/index.ts";
import { rangeOf, type Range } from "./ranges.ts";

/** A gauge over several sidecars, as each last reported it. */
export interface GaugeTotal {
  /** How many sidecars reported it. */
  readonly sidecars: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

/** What several sidecars reported of a span of time, statistic by statistic. Plain data. */
export interface Totals {
  /** How many sidecars reported. */
  readonly sidecars: number;
  /** How long a time they told of, in milliseconds, that of one sidecar added to that of another. */
  readonly observedMs: number;
  /** What each counter counted; one that counted nothing is left out. */
  readonly counters: ReadonlyMap<string, number>;
  readonly gauges: ReadonlyMap<string, GaugeTotal>;
  /** What each histogram measured, by ranges of values in ascending order. A range of width 0 has no end. */
  readonly histograms: ReadonlyMap<string, readonly Bin[]>;
}

export const NO_TOTALS: Totals = {
  sidecars: 0,
  observedMs: 0,
  counters: new Map(),
  gauges: new Map(),
  histograms: new Map(),
};

/** Totals of other sidecars, or of the next span of time; then a sidecar counts in both. */
export function mergeTotals(first: Totals, second: Totals): Totals {
  const merged = new TotalsBuilder();
  merged.addTotals(first);
  merged.addTotals(second);
  return merged.build();
}

interface MutableBin extends Bin {
  count: number;
}

function inOrder(a: Bin, b: Bin): number {
  return a.low - b.low || a.width - b.width;
}

/** Adds up totals. */
export class TotalsBuilder {
  #sidecars = 0;
  #observedMs = 0;
  readonly #counters = new Map<string, number>();
  readonly #gauges = new Map<string, GaugeTotal>();
  readonly #histograms = new Map<string, Map<string, MutableBin>>();

  addSidecar(observedMs: number): void {
    this.#sidecars++;
    this.#observedMs += observedMs;
  }

  add(name: string, count: number): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + count);
  }

  /** Adds values that fell into a range of a histogram. */
  addBin(name: string, { key, low, width }: Range, count: number): void {
    let bins = this.#histograms.get(name);
    if (bins === undefined) {
      bins = new Map<string, MutableBin>();
      this.#histograms.set(name, bins);
    }
    const known = bins.get(key);
    if (known === undefined) bins.set(key, { low, width, count });
    else known.count += count;
  }

  addGauge(name: string, value: number): void {
    this.#addGauge(name, { sidecars: 1, sum: value, min: value, max: value });
  }

  addTotals({ sidecars, observedMs, counters, gauges, histograms }: Totals): void {
    this.#sidecars += sidecars;
    this.#observedMs += observedMs;
    for (const [name, count] of counters) this.add(name, count);
    for (const [name, gauge] of gauges) this.#addGauge(name, gauge);
    for (const [name, bins] of histograms) for (const bin of bins) this.addBin(name, rangeOf(bin), bin.count);
  }

  build(): Totals {
    const histograms = new Map(
      [...this.#histograms].map(([name, bins]) => [name, [...bins.values()].sort(inOrder)] as const),
    );
    return {
      sidecars: this.#sidecars,
      observedMs: this.#observedMs,
      counters: this.#counters,
      gauges: this.#gauges,
      histograms,
    };
  }

  #addGauge(name: string, { sidecars, sum, min, max }: GaugeTotal): void {
    const known = this.#gauges.get(name);
    this.#gauges.set(
      name,
      known === undefined
        ? { sidecars, sum, min, max }
        : {
            sidecars: known.sidecars + sidecars,
            sum: known.sum + sum,
            min: Math.min(known.min, min),
            max: Math.max(known.max, max),
          },
    );
  }
}
