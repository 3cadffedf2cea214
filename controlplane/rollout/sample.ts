import { LISTENERS, mergeTotals, NO_TOTALS, type Figures, type ListenerName, type Totals } from "../fleet/index.ts";
import type { AnalysisSpec } from "../model/index.ts";
import type { Listeners } from "./measure.ts";

/** What the sidecars of one Service reported in a window. */
export interface ServiceSample {
  /** Those who have the new version. */
  readonly watched: Totals;
  /** Those who have the old version, in groups: by how far those differ it is known what chance makes. */
  readonly control: readonly Totals[];
}

/** What sidecars reported in a window. Plain data, and what several control planes saw in one window adds up. */
export interface Sample {
  /** The end of the window, in milliseconds since the epoch. */
  readonly to: number;
  readonly services: ReadonlyMap<string, ServiceSample>;
  /** How often a VM trapped, by sidecar, of those who were given the new version. */
  readonly vmFailures: ReadonlyMap<string, number>;
  /** Whether one trapped in a sidecar that has the old version. */
  readonly othersTrap: boolean;
}

/** What sidecars of one Service did before the first of them was given the new version. */
export interface ServicePast {
  /** All of them: what a slow answer is, is told by it. */
  readonly all: Totals;
  /** Those who kept the old version. */
  readonly control: Totals;
  /** The same in groups, minute by minute. Other control planes are not told of it, since it is long. */
  readonly minutes: readonly (readonly Totals[])[];
}

/** What the samples of a run are compared with, by Service. */
export interface Backdrop {
  readonly past: ReadonlyMap<string, ServicePast>;
  /** Those who were given the new version, before they had it. */
  readonly before: ReadonlyMap<string, Totals>;
}

export function mergeSamples(to: number, samples: readonly Sample[]): Sample {
  return {
    to,
    services: mergeMaps(
      samples.map(({ services }) => services),
      (one, other) => ({
        watched: mergeTotals(one.watched, other.watched),
        control: mergeGroups(one.control, other.control),
      }),
    ),
    vmFailures: mergeMaps(
      samples.map(({ vmFailures }) => vmFailures),
      (one, other) => one + other,
    ),
    othersTrap: samples.some(({ othersTrap }) => othersTrap),
  };
}

export function mergeBackdrops(backdrops: readonly Backdrop[]): Backdrop {
  return {
    past: mergeMaps(
      backdrops.map(({ past }) => past),
      (one, other) => ({
        all: mergeTotals(one.all, other.all),
        control: mergeTotals(one.control, other.control),
        minutes: [...one.minutes, ...other.minutes],
      }),
    ),
    before: mergeMaps(
      backdrops.map(({ before }) => before),
      mergeTotals,
    ),
  };
}

export function withoutMinutes({ past, before }: Backdrop): Backdrop {
  return { past: new Map([...past].map(([service, one]) => [service, { ...one, minutes: [] }])), before };
}

function mergeGroups(one: readonly Totals[], other: readonly Totals[]): readonly Totals[] {
  return Array.from({ length: Math.max(one.length, other.length) }, (_, group) =>
    mergeTotals(one[group] ?? NO_TOTALS, other[group] ?? NO_TOTALS),
  );
}

function mergeMaps<Value>(
  maps: readonly ReadonlyMap<string, Value>[],
  merge: (one: Value, other: Value) => Value,
): ReadonlyMap<string, Value> {
  const merged = new Map<string, Value>();
  for (const map of maps) {
    for (const [key, value] of map) {
      const known = merged.get(key);
      merged.set(key, known === undefined ? value : merge(known, value));
    }
  }
  return merged;
}

/** Leaves of figures what the checks of a run look at: that is what travels between control planes. */
export class Excerpt {
  readonly #counters: ReadonlySet<string>;
  readonly #histograms: ReadonlySet<string>;
  readonly #gauges: ReadonlySet<string>;

  constructor({ checks }: AnalysisSpec, listeners: Listeners) {
    const names = (which: (listener: ListenerName) => readonly string[]): string[] =>
      LISTENERS.filter((listener) => listeners.includes(listener)).flatMap(which);
    const statistics = checks.flatMap((check) => (check.metric === "Statistic" ? [check.statistic] : []));
    this.#counters = new Set([
      ...names((listener) => [`http.${listener}.downstream_rq_completed`, `http.${listener}.downstream_rq_5xx`]),
      ...statistics,
    ]);
    this.#gauges = new Set(statistics);
    const isTimed = checks.some(({ metric }) => metric === "Slow");
    this.#histograms = new Set(isTimed ? names((listener) => [`http.${listener}.downstream_rq_time`]) : []);
  }

  of({ totals }: Figures): Totals {
    const isKept = (name: string): boolean => this.#counters.has(name) || DENIALS.test(name);
    return {
      ...totals,
      counters: new Map([...totals.counters].filter(([name]) => isKept(name))),
      gauges: new Map([...totals.gauges].filter(([name]) => this.#gauges.has(name))),
      histograms: new Map([...totals.histograms].filter(([name]) => this.#histograms.has(name))),
    };
  }
}

/** What `Figures.denials` counts. */
const DENIALS = /^wasmcustom\.(?:authz\.denied|ratelimit)\./;
