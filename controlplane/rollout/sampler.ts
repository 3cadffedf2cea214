import { mergeTotals, type Figures, type NodeStats, type Totals } from "../fleet/index.ts";
import type { RolloutSpec } from "../model/index.ts";
import { Pace } from "../xds/index.ts";
import { namesFor, type Listeners } from "./measure.ts";
import { Excerpt, type Backdrop, type Sample, type ServicePast, type ServiceSample } from "./sample.ts";

/** How far back a sidecar is compared with itself. */
const BEFORE_MS = 600_000;
/** As many sidecars with the old version are enough to compare with. */
const MAX_CONTROL = 200;
/** Into so many groups those are put, to see how far such groups differ. */
const GROUPS = 8;
const MINUTE_MS = 60_000;
/** The figures of so many are added up before others get a turn. */
const AT_ONCE = 256;
/** By so many sidecars of a Service, and for so long, it is seen how far they differ: those of all Services may have to be looked through at once. */
const MAX_PAST = 96;
const PAST_MINUTES = 6;

type SampledStats = Pick<NodeStats, "figures" | "windowMs">;

/** A sidecar that is measured. */
export interface MeasuredSidecar {
  readonly node: string;
  readonly service: string;
  /** When it was given the new version; undefined for one that has the old version. */
  readonly admittedAt: number | undefined;
  /** Since when it is known to run it. */
  readonly runningSince: number | undefined;
}

export interface MeasuredFleet {
  /** The sidecars that are connected to this control plane. */
  readonly here: readonly MeasuredSidecar[];
  /** When the first sidecar of a Service was given the new version: until one was, nothing of it is of use. */
  readonly firstAt: ReadonlyMap<string, number>;
}

/** Takes the figures of each window once, Service by Service, of the sidecars that are connected to this control plane. */
export class Sampler {
  readonly #excerpt: Excerpt;
  readonly #stats: SampledStats;
  readonly #keeps: (name: string) => boolean;
  readonly #past = new Map<string, ServicePast>();
  readonly #before = new Map<string, Totals>();
  readonly #seen = new Set<string>();
  readonly #pace = new Pace();
  #measuredTo: number;

  /** @param now from when on it measures; what was before is what it compares with. */
  constructor({ analysis }: RolloutSpec, listeners: Listeners, stats: SampledStats, now: number) {
    this.#excerpt = new Excerpt(analysis, listeners);
    this.#stats = stats;
    this.#keeps = namesFor(analysis.checks);
    this.#measuredTo = this.#endOf(now);
  }

  get backdrop(): Backdrop {
    return { past: this.#past, before: this.#before };
  }

  /** Whether a window has ended since the last time. */
  isDue(now: number): boolean {
    return this.#endOf(now) > this.#measuredTo;
  }

  /** What was reported in the windows that ended since the last time. Pauses for whatever else there is to do. */
  async take({ here, firstAt }: MeasuredFleet, now: number): Promise<Sample> {
    const to = this.#endOf(now);
    const from = this.#measuredTo;
    this.#measuredTo = to;
    const services = new Map<string, ServiceSample>();
    const vmFailures = new Map<string, number>();
    let othersTrap = false;
    for (const [service, all] of byService(here)) {
      const first = firstAt.get(service);
      if (first === undefined) continue;
      if (!this.#past.has(service)) this.#past.set(service, await this.#pastOf(all, this.#endOf(first)));
      await this.#rememberBefore(service, all);
      const watched = all.filter((sidecar) => this.#isWatched(sidecar, from));
      const groups: Figures[] = [];
      for (const group of controlGroups(all)) groups.push(await this.#between(group, from, to));
      othersTrap ||= groups.some((figures) => figures.vmFailures > 0);
      services.set(service, {
        watched: this.#excerpt.of(await this.#between(watched, from, to)),
        control: groups.map((figures) => this.#excerpt.of(figures)),
      });
      for (const [node, failures] of await this.#vmFailures(all, from, to)) vmFailures.set(node, failures);
    }
    return { to, services, vmFailures, othersTrap };
  }

  /** What a sidecar reports is of the time before, so its first report with the new version is partly of the old one. */
  #isWatched({ runningSince }: MeasuredSidecar, from: number): boolean {
    return runningSince !== undefined && this.#endOf(runningSince) + 2 * this.#stats.windowMs <= from;
  }

  /** A VM that traps shows at once, also before the filter is proven to run. */
  async #vmFailures(
    all: readonly MeasuredSidecar[],
    from: number,
    to: number,
  ): Promise<(readonly [node: string, count: number])[]> {
    const given = all.filter(
      ({ admittedAt }) => admittedAt !== undefined && this.#endOf(admittedAt) + this.#stats.windowMs <= from,
    );
    // Nearly always none did, and then nobody is looked at alone.
    if ((await this.#between(given, from, to)).vmFailures === 0) return [];
    const failures: (readonly [string, number])[] = [];
    for (const sidecar of given) {
      const { vmFailures } = await this.#between([sidecar], from, to);
      if (vmFailures > 0) failures.push([sidecar.node, vmFailures]);
    }
    return failures;
  }

  async #pastOf(all: readonly MeasuredSidecar[], to: number): Promise<ServicePast> {
    const groups = controlGroups(all, MAX_PAST);
    const during = async (some: readonly MeasuredSidecar[], from: number, end: number): Promise<Totals> =>
      this.#excerpt.of(await this.#between(some, from, end));
    const minutes: (readonly Totals[])[] = [];
    for (let from = to - PAST_MINUTES * MINUTE_MS; from < to; from += MINUTE_MS) {
      const minute: Totals[] = [];
      for (const group of groups) minute.push(await during(group, from, from + MINUTE_MS));
      minutes.push(minute);
    }
    return {
      all: await during(all.slice(0, MAX_PAST), to - BEFORE_MS, to),
      control: await during(groups.flat(), to - BEFORE_MS, to),
      minutes,
    };
  }

  /** Adds how sidecars did before, as soon as they were given the new version: later, times are not told apart so well. */
  async #rememberBefore(service: string, all: readonly MeasuredSidecar[]): Promise<void> {
    for (const sidecar of all) {
      const { node, admittedAt } = sidecar;
      if (this.#seen.has(node) || admittedAt === undefined) continue;
      this.#seen.add(node);
      const figures = await this.#between([sidecar], admittedAt - BEFORE_MS, this.#endOf(admittedAt));
      const totals = this.#excerpt.of(figures);
      const known = this.#before.get(service);
      this.#before.set(service, known === undefined ? totals : mergeTotals(known, totals));
    }
  }

  /** What was reported in the windows between two times. A time at which a window begins would mean that window's end. */
  async #between(sidecars: readonly MeasuredSidecar[], from: number, to: number): Promise<Figures> {
    const parts: Figures[] = [];
    for (let i = 0; i < sidecars.length || i === 0; i += AT_ONCE) {
      if (this.#pace.isDue) await this.#pace.rest();
      const nodes = sidecars.slice(i, i + AT_ONCE).map(({ node }) => node);
      parts.push(this.#stats.figures(nodes, from - 1, to - 1, this.#keeps));
    }
    return parts.reduce((sum, part) => sum.merge(part));
  }

  /** The end of the last window that is over. */
  #endOf(time: number): number {
    const { windowMs } = this.#stats;
    return Math.floor(time / windowMs) * windowMs;
  }
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

/** When the first sidecar of each Service was given the new version. */
export function firstAdmitted(sidecars: readonly MeasuredSidecar[]): ReadonlyMap<string, number> {
  const first = new Map<string, number>();
  for (const { service, admittedAt = Infinity } of sidecars) {
    if (admittedAt < (first.get(service) ?? Infinity)) first.set(service, admittedAt);
  }
  return first;
}

function controlGroups(all: readonly MeasuredSidecar[], max = MAX_CONTROL): readonly (readonly MeasuredSidecar[])[] {
  const control = all.filter(({ admittedAt }) => admittedAt === undefined).slice(0, max);
  const count = Math.min(GROUPS, control.length);
  return Array.from({ length: count }, (_, group) => control.filter((_, i) => i % count === group));
}
