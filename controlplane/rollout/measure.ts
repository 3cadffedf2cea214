import type { Figures, ListenerName } from "../fleet/index.ts";
import type { CheckSpec } from "../model/index.ts";
import type { Exposure } from "../statistics/index.ts";

/** Which answers are looked at: a filter for inbound requests shows in those, and what its callers see is not its own. */
export type Listeners = readonly ListenerName[];

export function requestsOf(figures: Figures, listeners: Listeners): number {
  return listeners.reduce((sum, listener) => sum + figures.http(listener).requests, 0);
}

/**
 * What a check counts in some figures.
 * @param slowMs from when on an answer is slow; undefined while nothing is known to compare with.
 */
export function exposureOf(check: CheckSpec, figures: Figures, listeners: Listeners, slowMs?: number): Exposure {
  const of = requestsOf(figures, listeners);
  switch (check.metric) {
    case "Errors":
      return { of, events: listeners.reduce((sum, listener) => sum + figures.http(listener).errors5xx, 0) };
    case "Denials":
      return { of, events: figures.denials };
    case "Statistic":
      return { of, events: figures.stat(check.statistic) ?? 0 };
    case "Slow": {
      if (slowMs === undefined) return { of: 0, events: 0 };
      const bins = listeners.flatMap((listener) => figures.http(listener).latencyMs.bins);
      let slow = 0;
      let all = 0;
      for (const { low, count } of bins) {
        all += count;
        // The end of one range and the beginning of the next may differ in their last digit.
        if (low >= slowMs * (1 - 1e-9)) slow += count;
      }
      return { of: all, events: slow };
    }
  }
}

/** The time that a share of the answers took at most, rounded up to the end of a range of the histogram; undefined without any. */
export function slowFrom(figures: Figures, listeners: Listeners, quantile: number): number | undefined {
  const bins = listeners.flatMap((listener) => figures.http(listener).latencyMs.bins).sort((a, b) => a.low - b.low);
  const all = bins.reduce((sum, { count }) => sum + count, 0);
  let below = 0;
  for (const { low, width, count } of bins) {
    below += count;
    if (all > 0 && below >= quantile * all) return low + width;
  }
  return undefined;
}
