import type { Bin } from "../statistics/index.ts";
import { rangeOf, type Range } from "./ranges.ts";
import type { Report, Sample } from "./report.ts";
import type { TotalsBuilder } from "./totals.ts";
import { DEFAULT_WINDOW_MS, WindowedSums, windowsOf } from "./windows.ts";

/** A statistic as a node last reported it. */
export interface Stat {
  readonly value: number;
  /** When it was received, in milliseconds since the epoch. */
  readonly at: number;
}

export interface SeriesLimits {
  /** How many counters and gauges are kept of one sidecar. Default: 2,000. */
  readonly maxStats?: number;
  /** Of how many counters and ranges of histograms the course is kept. Default: 512. */
  readonly maxColumns?: number;
  /** How long the windows of the last minute are, in milliseconds. Default: 5 s. */
  readonly windowMs?: number;
}

interface Entry {
  value: number;
  at: number;
  readonly isCounter: boolean;
  /** What the counter had counted when its course begins. */
  before: number;
  /** Undefined for gauges, for counters that have not moved, and where there is no more room. */
  column: Column | undefined;
}

/** The course of a counter, or of a range of a histogram. */
interface Column {
  readonly name: string;
  readonly range: Range | undefined;
  index: number;
}

/** The process is as young as what it counted is: so its counters began at 0 within what is being told now. */
const YOUNG_S = 15;
/** How long a report may be on its way. */
const LATE_MS = 2_000;
/** The column of the time that reports tell of. */
const TIME = 0;
/** How often room is made at most, and when a statistic that is not reported is gone. */
const CLEAN_MS = 60_000;
const GONE_MS = 600_000;
/** Columns that nothing but `ESSENTIAL` gets, so that what a fleet is judged by is there even beside hundreds of clusters. */
const RESERVED = 128;
const ESSENTIAL = /^(?:http|wasm)\./;

/**
 * What one sidecar reported: each statistic's latest value, and for counters and histograms their course. Pure: it has no
 * clock and does no I/O.
 *
 * Counters are reported as they stand, so a report that is lost loses nothing. One that is lower than before was made
 * anew, and has counted from 0: Envoy was started again, or the statistic's owner, such as a cluster, was removed and
 * added. When Envoy was started again all counters began anew, also those that are not lower by now; `server.uptime`
 * tells. Histograms come as what was measured since the last report.
 */
export class SidecarSeries {
  readonly #maxStats: number;
  readonly #maxColumns: number;
  readonly #entries = new Map<string, Entry>();
  #columns: Column[] = [];
  readonly #ranges = new Map<string, Map<Range, Column>>();
  readonly #sums: WindowedSums;
  readonly #firstAt: number;
  #lastAt: number;
  #uptime: number | undefined;
  #cleanedAt = -Infinity;
  /** Whether all that came yet is the first report, which may come in several messages. */
  #isFirst = true;

  /** @param at when the first report came. */
  constructor(at: number, limits: SeriesLimits = {}) {
    this.#maxStats = limits.maxStats ?? 2_000;
    this.#maxColumns = limits.maxColumns ?? 512;
    this.#sums = new WindowedSums(windowsOf(limits.windowMs ?? DEFAULT_WINDOW_MS), at);
    this.#sums.addColumn();
    this.#firstAt = at;
    this.#lastAt = at;
  }

  /** When the last report came, in milliseconds since the epoch. */
  get lastAt(): number {
    return this.#lastAt;
  }

  /** The latest value of each counter and gauge. */
  get latest(): ReadonlyMap<string, Stat> {
    return this.#entries;
  }

  /** Bytes that the course takes; the latest values take about 100 each besides. */
  get bytes(): number {
    return this.#sums.bytes;
  }

  /** @param at when it came; one that is earlier than the last is taken for as late. */
  record(report: Report, at: number): void {
    const { counters, gauges, histograms } = report;
    const uptime = gauges.find(([name]) => name === "server.uptime")?.[1];
    const isRestarted = uptime !== undefined && this.#isRestarted(uptime, at);
    this.#uptime = uptime ?? this.#uptime;
    const since = Math.max(this.#lastAt, at) - this.#lastAt;
    this.#lastAt += since;
    this.#sums.advance(this.#lastAt);
    // A counter that is told of once more is told of by another report.
    this.#isFirst &&= !counters.some(([name]) => this.#entries.has(name));
    const isYoung = this.#isFirst && uptime !== undefined && uptime <= YOUNG_S;
    const isUnknown = this.#isFirst && !isYoung;
    this.#sums.add(TIME, isYoung ? uptime * 1_000 : since);
    for (const sample of counters) this.#count(sample, isRestarted, isUnknown);
    for (const [name, value] of gauges) {
      const entry = this.#entries.get(name);
      if (entry === undefined) this.#enter(name, false, value, 0);
      else if (!entry.isCounter) this.#set(entry, value);
    }
    for (const [name, bins] of histograms) this.#addBins(name, bins);
  }

  /**
   * Adds what came after `from`'s window, up to the end of `to`'s window; and the gauges that were reported since then, as
   * they were last.
   * @param keeps only counters and histograms whose names it accepts, and then no gauges.
   */
  addTo(totals: TotalsBuilder, from: number, to: number, keeps?: (name: string) => boolean): void {
    const start = this.#sums.end(from);
    const end = this.#sums.end(to);
    if (start >= end || this.#lastAt < start || this.#firstAt >= end) return;
    const before = this.#sums.at(from);
    const after = this.#sums.at(to);
    totals.addSidecar((after[TIME] ?? 0) - (before[TIME] ?? 0));
    for (const { name, range, index } of this.#columns) {
      const sum = (after[index] ?? 0) - (before[index] ?? 0);
      if (sum <= 0 || keeps?.(name) === false) continue;
      if (range === undefined) totals.add(name, sum);
      else totals.addBin(name, range, sum);
    }
    if (keeps !== undefined) return;
    for (const [name, { isCounter, value, at }] of this.#entries) {
      if (!isCounter && at >= start) totals.addGauge(name, value);
    }
  }

  /**
   * Adds all that the sidecar counted: before its first report, and since then, over all its starts. Histograms only since
   * the first report.
   * @param keeps only statistics whose names it accepts.
   */
  addAllTo(totals: TotalsBuilder, keeps: (name: string) => boolean): void {
    totals.addSidecar(this.#sums.sum(TIME));
    for (const [name, { isCounter, before, column }] of this.#entries) {
      if (isCounter && keeps(name))
        totals.add(name, before + (column === undefined ? 0 : this.#sums.sum(column.index)));
    }
    for (const { name, range, index } of this.#columns) {
      if (range !== undefined && keeps(name)) totals.addBin(name, range, this.#sums.sum(index));
    }
  }

  #isRestarted(uptime: number, at: number): boolean {
    if (this.#uptime === undefined) return false;
    return uptime < this.#uptime || uptime * 1_000 + LATE_MS < at - this.#lastAt;
  }

  #count([name, value]: Sample, isRestarted: boolean, isUnknown: boolean): void {
    const known = this.#entries.get(name);
    if (known?.isCounter === false) return;
    const entry = known ?? this.#enter(name, true, value, isUnknown ? value : 0);
    if (entry === undefined) return;
    const counted = known === undefined ? 0 : known.value;
    this.#set(entry, value);
    const more = known === undefined ? value - entry.before : isRestarted || value < counted ? value : value - counted;
    if (more === 0) return;
    entry.column ??= this.#addColumn(name, undefined);
    if (entry.column === undefined) entry.before += more;
    else this.#sums.add(entry.column.index, more);
  }

  #addBins(name: string, bins: readonly Bin[]): void {
    for (const bin of bins) {
      const range = rangeOf(bin);
      let column = this.#ranges.get(name)?.get(range);
      if (column === undefined) {
        column = this.#addColumn(name, range);
        if (column === undefined) continue;
        const columns = this.#ranges.get(name) ?? new Map<Range, Column>();
        this.#ranges.set(name, columns.set(range, column));
      }
      this.#sums.add(column.index, bin.count);
    }
  }

  #enter(name: string, isCounter: boolean, value: number, before: number): Entry | undefined {
    if (this.#entries.size >= this.#maxStats) this.#clean();
    if (this.#entries.size >= this.#maxStats) return undefined;
    const entry = { value, at: this.#lastAt, isCounter, before, column: undefined };
    this.#entries.set(name, entry);
    return entry;
  }

  #set(entry: Entry, value: number): void {
    entry.value = value;
    entry.at = this.#lastAt;
  }

  #addColumn(name: string, range: Range | undefined): Column | undefined {
    const max = ESSENTIAL.test(name) ? this.#maxColumns : this.#maxColumns - RESERVED;
    if (this.#columns.length >= max) this.#clean();
    if (this.#columns.length >= max) return undefined;
    const column = { name, range, index: this.#sums.addColumn() };
    this.#columns.push(column);
    return column;
  }

  /** Drops statistics that are reported no more and the courses of those that have not moved, once in a while. */
  #clean(): void {
    if (this.#lastAt - this.#cleanedAt < CLEAN_MS) return;
    this.#cleanedAt = this.#lastAt;
    const isStill = (column: Column): boolean => this.#sums.isStill(column.index);
    for (const [name, entry] of this.#entries) {
      if (this.#lastAt - entry.at > GONE_MS) this.#entries.delete(name);
      else if (entry.column !== undefined && isStill(entry.column)) {
        entry.before += this.#sums.sum(entry.column.index);
        entry.column = undefined;
      }
    }
    for (const [name, columns] of this.#ranges) {
      for (const [range, column] of columns) if (isStill(column)) columns.delete(range);
      if (columns.size === 0) this.#ranges.delete(name);
    }
    const kept = this.#columns.filter((column) => !isStill(column));
    this.#sums.keep([TIME, ...kept.map(({ index }) => index)]);
    kept.forEach((column, i) => (column.index = i + 1));
    this.#columns = kept;
  }
}
