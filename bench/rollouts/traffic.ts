// What pretended sidecars report, window by window: drawn at random, and kept as running sums.
import { LATENCY_BOUNDS } from "../../controlplane/bootstrap/histograms.ts";
import { Figures } from "../../controlplane/fleet/index.ts";
import type { Bin } from "../../controlplane/statistics/index.ts";
import type { Random } from "./random.ts";

/** What a version does to requests. */
export interface Effect {
  /** The share of the requests that it answers with 503. */
  readonly errors: number;
  /** By how many milliseconds it makes answers slower. */
  readonly delayMs: number;
}

export const NO_EFFECT: Effect = { errors: 0, delayMs: 0 };

/** How requests are without a fault. */
export interface Conditions {
  /** Requests to a sidecar in a second. */
  readonly requests: number;
  /** The share of them that fails. */
  readonly errors: number;
  /** Failures come in groups of so many on average. */
  readonly burst: number;
  /** How far sidecars differ in their speed: the standard deviation of the logarithm of their times. */
  readonly unevenness: number;
}

export const WINDOW_MS = 5_000;
const MINUTE_MS = 60_000;
const PAST_MINUTES = 10;

/** Times of answers are log-normal around this. */
const MEDIAN_MS = 20;
const SIGMA = 0.5;
/** Upper ends of the ranges that Envoy tells; those that hardly any time falls into are left out. */
const BOUNDS = LATENCY_BOUNDS.filter((bound) => bound >= 4.5 && bound <= 330);
const COLUMNS = 2 + BOUNDS.length;

/** Sidecars by name, for `Watch`. */
export class SimulatedStats {
  readonly windowMs = WINDOW_MS;
  readonly #nodes: ReadonlyMap<string, number>;
  readonly #speeds: readonly number[];
  /** By delay, of each sidecar. */
  readonly #shares = new Map<number, (readonly number[])[]>();
  readonly #random: Random;
  readonly #conditions: Conditions;
  /** The sums at the end of each window, a row of columns for each sidecar. */
  readonly #rows: Float64Array[];
  readonly #start: number;

  /** @param start before it ten minutes have passed, which are told apart by the minute. */
  constructor(nodes: readonly string[], conditions: Conditions, random: Random, start: number) {
    this.#nodes = new Map(nodes.map((node, i) => [node, i]));
    this.#conditions = conditions;
    this.#random = random;
    this.#start = start;
    this.#speeds = nodes.map(() => Math.exp(conditions.unevenness * random.normal()));
    this.#rows = [new Float64Array(nodes.length * COLUMNS)];
    for (let minute = 0; minute < PAST_MINUTES; ++minute) this.pass(() => NO_EFFECT, MINUTE_MS);
  }

  /** Lets a window pass. */
  pass(effectOf: (node: string) => Effect, ms = WINDOW_MS): void {
    const row = this.#rows[this.#rows.length - 1]?.slice() ?? new Float64Array();
    const { requests, errors, burst } = this.#conditions;
    for (const [node, i] of this.#nodes) {
      const effect = effectOf(node);
      const mean = (requests * ms) / 1_000;
      const at = i * COLUMNS;
      let all = 0;
      const shares = this.#sharesOf(i, effect.delayMs);
      for (let column = 0; column < shares.length; ++column) {
        const count = this.#random.poisson((shares[column] ?? 0) * mean);
        all += count;
        row[at + 2 + column] = (row[at + 2 + column] ?? 0) + count;
      }
      const failed = this.#grouped(errors * mean, burst) + this.#random.poisson(effect.errors * mean);
      row[at] = (row[at] ?? 0) + all;
      row[at + 1] = (row[at + 1] ?? 0) + Math.min(all, failed);
    }
    this.#rows.push(row);
  }

  figures(nodes: Iterable<string>, from: number, to: number): Figures {
    const [before, after] = [this.#rowAt(from), this.#rowAt(to)];
    const sums = new Float64Array(COLUMNS);
    let sidecars = 0;
    for (const node of nodes) {
      ++sidecars;
      const at = (this.#nodes.get(node) ?? 0) * COLUMNS;
      for (let column = 0; column < COLUMNS; ++column) {
        sums[column] = (sums[column] ?? 0) + (after[at + column] ?? 0) - (before[at + column] ?? 0);
      }
    }
    const bins: Bin[] = [];
    for (let i = 0; i < BOUNDS.length; ++i) {
      const low = BOUNDS[i - 1] ?? 0;
      const count = sums[2 + i] ?? 0;
      if (count > 0) bins.push({ low, width: (BOUNDS[i] ?? low) - low, count });
    }
    return new Figures({
      ...{ sidecars, observedMs: sidecars * (to - from), gauges: new Map() },
      counters: new Map([
        ["http.inbound.downstream_rq_completed", sums[0] ?? 0],
        ["http.inbound.downstream_rq_5xx", sums[1] ?? 0],
      ]),
      histograms: new Map([["http.inbound.downstream_rq_time", bins]]),
    });
  }

  /** As `NodeStats`: times stand for the ends of their windows. */
  #rowAt(time: number): Float64Array {
    const end = (Math.floor(time / WINDOW_MS) + 1) * WINDOW_MS;
    const since = end - this.#start;
    const row = PAST_MINUTES + (since < 0 ? Math.floor(since / MINUTE_MS) : since / WINDOW_MS);
    return this.#rows[Math.max(0, Math.min(this.#rows.length - 1, row))] ?? new Float64Array();
  }

  #grouped(mean: number, burst: number): number {
    if (burst <= 1) return this.#random.poisson(mean);
    let failed = 0;
    // A group has at least one, and on average `burst`.
    for (let groups = this.#random.poisson(mean / burst); groups > 0; --groups) {
      failed += 1 + this.#random.poisson(burst - 1);
    }
    return failed;
  }

  /** The share of the times in each range. */
  #sharesOf(node: number, delayMs: number): readonly number[] {
    let ofAll = this.#shares.get(delayMs);
    if (ofAll === undefined) this.#shares.set(delayMs, (ofAll = []));
    const speed = this.#speeds[node] ?? 1;
    const below = (ms: number): number =>
      ms <= delayMs ? 0 : normalBelow(Math.log((ms - delayMs) / (MEDIAN_MS * speed)) / SIGMA);
    const shares = (ofAll[node] ??= BOUNDS.map((bound, i) =>
      i === BOUNDS.length - 1 ? 1 - below(BOUNDS[i - 1] ?? 0) : below(bound) - below(BOUNDS[i - 1] ?? 0),
    ));
    return shares;
  }
}

/** The standard normal distribution (M. Abramowitz, I. Stegun 1964, 26.2.17: exact to 1e-7). */
function normalBelow(x: number): number {
  if (x < 0) return 1 - normalBelow(-x);
  const t = 1 / (1 + 0.2316419 * x);
  const factors = [1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.31938153];
  const polynomial = factors.reduce((sum, factor) => (sum + factor) * t, 0);
  return 1 - (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
}
