// What Envoy's admin interface tells of experiments. Pure.

import { isList, isObject, objectsOf, textOr } from "../explain/index.ts";
import type { Json } from "../model/index.ts";
import { mergeBins, type Bin } from "../statistics/index.ts";

/** The path of the admin interface that has them. */
export const STATS_PATH = `/stats?format=json&histogram_buckets=detailed&filter=${encodeURIComponent("^wasmcustom\\.ab\\.")}`;

const PREFIX = "wasmcustom.ab.";

/** The figures of one Envoy, or of several, by `<experiment>.<variant>.<metric>`. */
export interface Figures {
  readonly counters: ReadonlyMap<string, number>;
  readonly histograms: ReadonlyMap<string, readonly Bin[]>;
}

/**
 * Reads an answer of `STATS_PATH`.
 * @throws an Error if it is none.
 */
export function readFigures(answer: unknown): Figures {
  if (!isObject(answer) || !isList(answer["stats"])) throw new Error("expected statistics of Envoy in JSON");
  const counters = new Map<string, number>();
  const histograms = new Map<string, readonly Bin[]>();
  for (const stat of objectsOf(answer["stats"])) {
    const { name, value, histograms: group } = stat;
    if (typeof name === "string" && typeof value === "number" && name.startsWith(PREFIX)) {
      counters.set(name.slice(PREFIX.length), value);
    }
    if (!isObject(group)) continue;
    for (const { name: histogram, totals } of objectsOf(group["details"])) {
      const own = textOr(histogram, "");
      if (own.startsWith(PREFIX)) histograms.set(own.slice(PREFIX.length), objectsOf(totals).map(binOf));
    }
  }
  return { counters, histograms };
}

function binOf({ lower_bound: low, width, count }: { readonly [name: string]: Json }): Bin {
  return { low: numberOr(low), width: numberOr(width), count: numberOr(count) };
}

function numberOr(value: Json | undefined): number {
  return typeof value === "number" ? value : 0;
}

/** The figures of several Envoys together. */
export function addFigures(all: readonly Figures[]): Figures {
  const counters = new Map<string, number>();
  const bins = new Map<string, (readonly Bin[])[]>();
  for (const figures of all) {
    for (const [name, value] of figures.counters) counters.set(name, (counters.get(name) ?? 0) + value);
    for (const [name, own] of figures.histograms) bins.set(name, [...(bins.get(name) ?? []), own]);
  }
  const histograms = new Map([...bins].map(([name, several]) => [name, mergeBins(several)] as const));
  return { counters, histograms };
}
