import type { Totals } from "../fleet/index.ts";
import type { Figures } from "./envoy-stats.ts";

const PREFIX = "wasmcustom.ab.";

/** Whether a statistic of Envoy is one of experiments. */
export function isOfExperiments(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** The figures of experiments among what sidecars reported. */
export function figuresOfTotals({ counters, histograms }: Totals): Figures {
  return { counters: named(counters), histograms: named(histograms) };
}

function named<Value>(statistics: ReadonlyMap<string, Value>): Map<string, Value> {
  const own = [...statistics].filter(([name]) => isOfExperiments(name));
  return new Map(own.map(([name, value]) => [name.slice(PREFIX.length), value]));
}
