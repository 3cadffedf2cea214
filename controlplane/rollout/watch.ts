import { Figures, NO_TOTALS, type NodeStats } from "../fleet/index.ts";
import type { CheckSpec, RolloutSpec } from "../model/index.ts";
import { addCounts, Dispersion, NONE, type Count } from "../statistics/index.ts";
import { Analysis } from "./analysis.ts";
import type { Evidence } from "./evidence.ts";
import { Trail, type TrailPoint } from "./trail.ts";
import { countOf, type Listeners, namesFor, requestsOf, slowFrom } from "./measure.ts";
import type { Verdict } from "./observation.ts";

/** How far back a sidecar is compared with itself. */
const BEFORE_MS = 600_000;
/** As many sidecars with the old version are enough to compare with. */
const MAX_CONTROL = 200;
/** Into so many groups those are put, to see how far such groups differ. */
const GROUPS = 8;
const MINUTE_MS = 60_000;
/** By so many sidecars of a Service, and for so long, is seen what was usual: those of all Services may have to be looked through at once. */
const MAX_PAST = 96;
const PAST_MINUTES = 6;

type WatchedStats = Pick<NodeStats, "figures" | "windowMs">;

/** A sidecar that is measured. */
export interface MeasuredSidecar {
  readonly node: string;
  readonly service: string;
  /** When it was given the new version; undefined for one that has the old version. */
  readonly admittedAt: number | undefined;
  /** Since when it is known to run it. */
  readonly runningSince: number | undefined;
}

/** Measures a run: takes the figures of each window once, Service by Service, and judges them. */
export class Watch {
  readonly #spec: RolloutSpec;
  readonly #listeners: Listeners;
  readonly #stats: WatchedStats;
  readonly #analysis: Analysis;
  readonly #keeps: (name: string) => boolean;
  readonly #services = new Map<string, ServiceWatch>();
  readonly #trail = new Trail();
  #measuredTo: number;
  #othersTrap = false;

  /** @param now from when on it measures; what was before is what it compares with. */
  constructor(spec: RolloutSpec, listeners: Listeners, stats: WatchedStats, now: number) {
    this.#spec = spec;
    this.#listeners = listeners;
    this.#stats = stats;
    this.#analysis = new Analysis(spec.analysis);
    this.#keeps = namesFor(spec.analysis.checks);
    this.#measuredTo = this.#endOf(now);
  }

  /** Measures the windows that ended since the last time. */
  measure(sidecars: readonly MeasuredSidecar[], now: number): void {
    const to = this.#endOf(now);
    const from = this.#measuredTo;
    if (to <= from) return;
    this.#measuredTo = to;
    for (const [service, all] of byService(sidecars)) {
      let watch = this.#services.get(service);
      if (watch === undefined) {
        // Until one of a Service has the new version, nothing of it is of use.
        const [first] = all.flatMap(({ admittedAt }) => admittedAt ?? []).sort((a, b) => a - b);
        if (first === undefined) continue;
        this.#services.set(service, (watch = this.#begin(all, first)));
      }
      this.#measure(watch, all, from, to);
    }
    this.#trail.add(to, this.evidence);
  }

  verdict(): Verdict {
    return this.#analysis.verdict();
  }

  get evidence(): Evidence {
    return this.#analysis.evidence;
  }

  /** How the evidence came about. */
  get trail(): readonly TrailPoint[] {
    return this.#trail.points;
  }

  /** A wave was found good. */
  nextWave(): void {
    this.#analysis.nextWave();
  }

  /** @param firstAt when the first of the Service was given the new version. */
  #begin(all: readonly MeasuredSidecar[], firstAt: number): ServiceWatch {
    const sample = all.slice(0, MAX_PAST);
    const to = this.#endOf(firstAt);
    const groups = groupsOf(all.filter(({ admittedAt }) => admittedAt === undefined).slice(0, MAX_PAST));
    const figuresOf = (some: readonly MeasuredSidecar[], from: number, end: number): Figures =>
      this.#between(
        some.map(({ node }) => node),
        from,
        end,
      );
    const controlPast = merged(groups.map((group) => figuresOf(group, to - BEFORE_MS, to)));
    // Where there are none left, those who have the new version now had the old one then.
    const past = groups.length > 0 ? controlPast : figuresOf(sample, to - BEFORE_MS, to);
    const slowMs = this.#checks.map((check) =>
      check.metric === "Slow" ? slowFrom(past, this.#listeners, check.quantile) : undefined,
    );
    const dispersions = this.#checks.map(() => new Dispersion());
    for (let from = to - PAST_MINUTES * MINUTE_MS; from < to; from += MINUTE_MS) {
      const minute = groups.map((group) => figuresOf(group, from, from + MINUTE_MS));
      this.#checks.forEach((check, c) =>
        dispersions[c]?.add(minute.map((figures) => countOf(check, figures, this.#listeners, slowMs[c]))),
      );
    }
    return {
      ...{ slowMs, dispersions, before: this.#checks.map(() => NONE), seen: new Set() },
      controlBefore: this.#checks.map((check, c) => countOf(check, controlPast, this.#listeners, slowMs[c])),
    };
  }

  #measure(watch: ServiceWatch, all: readonly MeasuredSidecar[], from: number, to: number): void {
    // What a sidecar reports is of the time before, so its first report with the new version is partly of the old one.
    const isWatched = ({ runningSince }: MeasuredSidecar): boolean =>
      runningSince !== undefined && this.#endOf(runningSince) + 2 * this.#stats.windowMs <= from;
    const watched = all.filter(isWatched);
    const control = all.filter(({ admittedAt }) => admittedAt === undefined).slice(0, MAX_CONTROL);
    this.#remember(watch, all);
    const figuresOf = (some: readonly MeasuredSidecar[]): Figures =>
      this.#between(
        some.map(({ node }) => node),
        from,
        to,
      );
    const mine = figuresOf(watched);
    const groups = groupsOf(control).map(figuresOf);
    this.#analysis.addRequests(requestsOf(mine, this.#listeners));
    this.#checks.forEach((check, c) => {
      const slowMs = watch.slowMs[c];
      const counts = groups.map((figures) => countOf(check, figures, this.#listeners, slowMs));
      this.#analysis.add(c, {
        watched: countOf(check, mine, this.#listeners, slowMs),
        control: counts.reduce(addCounts, NONE),
        before: watch.before[c] ?? NONE,
        controlBefore: watch.controlBefore[c] ?? NONE,
        dispersion: watch.dispersions[c]?.index,
      });
      // Of this window, so it counts from the next one on.
      watch.dispersions[c]?.add(counts);
      if (check.metric === "Slow") watch.slowMs[c] ??= slowFrom(merged(groups), this.#listeners, check.quantile);
    });
    this.#othersTrap ||= groups.some(({ vmFailures }) => vmFailures > 0);
    const isMeasured = new Set(watched);
    this.#measureTraps(watched, mine, from, to);
    const fresh = all.filter(
      (one) =>
        one.admittedAt !== undefined &&
        !isMeasured.has(one) &&
        this.#endOf(one.admittedAt) + this.#stats.windowMs <= from,
    );
    this.#measureTraps(fresh, figuresOf(fresh), from, to);
  }

  /** A VM that traps shows at once, also before the filter is proven to run; where others trap too, it is another filter. */
  #measureTraps(sidecars: readonly MeasuredSidecar[], together: Figures, from: number, to: number): void {
    if (this.#othersTrap || together.vmFailures === 0) return;
    for (const { node } of sidecars) {
      this.#analysis.addVmFailures(node, this.#between([node], from, to).vmFailures);
    }
  }

  /** Adds how sidecars did before, as soon as they were given the new version: later, times are not told apart so well. */
  #remember(watch: ServiceWatch, all: readonly MeasuredSidecar[]): void {
    for (const { node, admittedAt } of all) {
      if (watch.seen.has(node) || admittedAt === undefined) continue;
      watch.seen.add(node);
      const past = this.#between([node], admittedAt - BEFORE_MS, this.#endOf(admittedAt));
      this.#checks.forEach((check, c) => {
        const counted = countOf(check, past, this.#listeners, watch.slowMs[c]);
        watch.before[c] = addCounts(watch.before[c] ?? NONE, counted);
      });
    }
  }

  /** What was reported in the windows between two times. A time at which a window begins would mean that window's end. */
  #between(nodes: readonly string[], from: number, to: number): Figures {
    return this.#stats.figures(nodes, from - 1, to - 1, this.#keeps);
  }

  /** The end of the last window that is over. */
  #endOf(time: number): number {
    const { windowMs } = this.#stats;
    return Math.floor(time / windowMs) * windowMs;
  }

  get #checks(): readonly CheckSpec[] {
    return this.#spec.analysis.checks;
  }
}

interface ServiceWatch {
  /** For each check, from when on an answer is slow. */
  readonly slowMs: (number | undefined)[];
  /** For each check, how those who were given the new version did before. */
  readonly before: Count[];
  /** For each check, how those who had the old version did before the first was given the new one. */
  readonly controlBefore: readonly Count[];
  /** For each check, how far groups of those who have the old version differ. */
  readonly dispersions: readonly Dispersion[];
  readonly seen: Set<string>;
}

function byService(sidecars: readonly MeasuredSidecar[]): ReadonlyMap<string, readonly MeasuredSidecar[]> {
  const services = new Map<string, MeasuredSidecar[]>();
  for (const sidecar of sidecars) {
    const group = services.get(sidecar.service);
    if (group === undefined) services.set(sidecar.service, [sidecar]);
    else group.push(sidecar);
  }
  return services;
}

function groupsOf(sidecars: readonly MeasuredSidecar[]): readonly (readonly MeasuredSidecar[])[] {
  const count = Math.min(GROUPS, sidecars.length);
  return Array.from({ length: count }, (_, group) => sidecars.filter((_, i) => i % count === group));
}

function merged(figures: readonly Figures[]): Figures {
  return figures.reduce((sum, one) => sum.merge(one), new Figures(NO_TOTALS));
}
