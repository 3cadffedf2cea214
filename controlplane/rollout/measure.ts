import type { Figures, ListenerName } from "../fleet/index.ts";
import type { CheckSpec } from "../model/index.ts";
import { mergeBins, type Bin, type Count } from "../statistics/index.ts";

/** Which answers are looked at: a filter for inbound requests shows in those, and what its callers see is not its own. */
export type Listeners = readonly ListenerName[];

export function requestsOf(figures: Figures, listeners: Listeners): number {
  return listeners.reduce((sum, listener) => sum + figures.http(listener).requests, 0);
}

/**
 * What a check counts in some figures.
 * @param slowMs from when on an answer is slow; undefined while nothing is known to compare with.
 */
export function countOf(check: CheckSpec, figures: Figures, listeners: Listeners, slowMs?: number): Count {
  const all = requestsOf(figures, listeners);
  switch (check.metric) {
    case "Errors":
      return { all, of: listeners.reduce((sum, listener) => sum + figures.http(listener).errors5xx, 0) };
    case "Denials":
      return { all, of: figures.denials };
    case "Statistic":
      return { all, of: figures.stat(check.statistic) ?? 0 };
    case "Slow": {
      if (slowMs === undefined) return { all: 0, of: 0 };
      let slow = 0;
      let measured = 0;
      for (const { low, count } of latenciesOf(figures, listeners)) {
        measured += count;
        // The end of one range and the beginning of the next may differ in their last digit.
        if (low >= slowMs * (1 - 1e-9)) slow += count;
      }
      return { all: measured, of: slow };
    }
  }
}

/** The time that a share of the answers took at most, rounded up to the end of a range of the histogram; undefined without any. */
export function slowFrom(figures: Figures, listeners: Listeners, quantile: number): number | undefined {
  const bins = latenciesOf(figures, listeners);
  const all = bins.reduce((sum, { count }) => sum + count, 0);
  let below = 0;
  for (const { low, width, count } of bins) {
    below += count;
    if (all > 0 && below >= quantile * all) return low + width;
  }
  return undefined;
}

/** The names of the statistics that these checks, and the search for traps, look at. */
export function namesFor(checks: readonly CheckSpec[]): (name: string) => boolean {
  const own = new Set(checks.flatMap((check) => (check.metric === "Statistic" ? [check.statistic] : [])));
  const known = new Map<string, boolean>();
  return (name) => {
    let isKept = known.get(name);
    if (isKept === undefined) {
      isKept = own.has(name) || /^(?:http\.(?:inbound|outbound)\.downstream_rq_|wasm\.|wasmcustom\.)/.test(name);
      // Names come from sidecars, which may make up any number.
      if (known.size < 10_000) known.set(name, isKept);
    }
    return isKept;
  };
}

function latenciesOf(figures: Figures, listeners: Listeners): readonly Bin[] {
  const [first, ...others] = listeners.map((listener) => figures.http(listener).latencyMs.bins);
  return others.length === 0 ? (first ?? []) : mergeBins([first ?? [], ...others]);
}
