import { Figures } from "./figures.ts";
import { KeptNames } from "./kept-names.ts";
import type { Report } from "./report.ts";
import { SidecarSeries, type SeriesLimits, type Stat } from "./series.ts";
import { TotalsBuilder, type Totals } from "./totals.ts";
import { DEFAULT_WINDOW_MS } from "./windows.ts";

export interface StatsOptions extends SeriesLimits {
  /** Which statistics are kept. Default: `KeptNames.default()`. */
  readonly names?: KeptNames;
  /** Of how many nodes; the one that reported longest ago is forgotten first. Default: 20,000. */
  readonly maxNodes?: number;
  /** How long a node that does not report is remembered, in milliseconds. Default: one hour. */
  readonly retentionMs?: number;
}

const NONE: ReadonlyMap<string, Stat> = new Map();

/** What every node reports of itself, of the last half hour, bounded in number. It has no clock and does no I/O. */
export class NodeStats {
  readonly names: KeptNames;
  /** How long the windows of the last minute are, in milliseconds. */
  readonly windowMs: number;
  readonly #limits: SeriesLimits;
  readonly #maxNodes: number;
  readonly #retentionMs: number;
  /** The one that reported longest ago first. */
  readonly #nodes = new Map<string, SidecarSeries>();

  constructor(options: StatsOptions = {}) {
    this.names = options.names ?? KeptNames.default();
    this.windowMs = options.windowMs ?? DEFAULT_WINDOW_MS;
    this.#limits = options;
    this.#maxNodes = options.maxNodes ?? 20_000;
    this.#retentionMs = options.retentionMs ?? 3_600_000;
  }

  /**
   * @param report with names as `names.find` gives them.
   * @param at when it came, in milliseconds since the epoch.
   */
  record(nodeId: string, report: Report, at: number): void {
    const series = this.#nodes.get(nodeId) ?? new SidecarSeries(at, this.#limits);
    this.#nodes.delete(nodeId);
    this.#nodes.set(nodeId, series);
    series.record(report, at);
    for (const [oldest, { lastAt }] of this.#nodes) {
      if (this.#nodes.size <= this.#maxNodes && at - lastAt <= this.#retentionMs) break;
      this.#nodes.delete(oldest);
    }
  }

  /** The latest counters and gauges of a node by name; none if it never reported any. */
  of(nodeId: string): ReadonlyMap<string, Stat> {
    return this.#nodes.get(nodeId)?.latest ?? NONE;
  }

  /** The nodes that are remembered. */
  nodeIds(): Iterable<string> {
    return this.#nodes.keys();
  }

  /** When a node last reported, in milliseconds since the epoch. */
  reportedAt(nodeId: string): number | undefined {
    return this.#nodes.get(nodeId)?.lastAt;
  }

  /**
   * How a group of nodes did from one time to another, in milliseconds since the epoch.
   *
   * What was reported counts at the time when the report came, so a report says something of the time since the one
   * before. Both times are rounded up to the ends of their windows (so a time at which a window begins means that window's end):
   * `windowMs` long for the last minute, a minute long for the last half hour; what is older is not told apart. So what follows one another, `a` to `b` and `b` to `c`, adds up to
   * `a` to `c`. Gauges are as they were last reported, if they were since `from`.
   *
   * @param keeps only counters and histograms whose names it accepts, and then no gauges: faster where few of many are looked at.
   */
  figures(nodeIds: Iterable<string>, from: number, to: number, keeps?: (name: string) => boolean): Figures {
    const totals = new TotalsBuilder();
    for (const id of nodeIds) this.#nodes.get(id)?.addTo(totals, from, to, keeps);
    return new Figures(totals.build());
  }

  /**
   * All that these nodes counted, also before this process began: of counters whose names are accepted, and of histograms
   * since their first report here.
   * @param nodeIds all nodes that are remembered, when left out.
   */
  totals(keeps: (name: string) => boolean, nodeIds: Iterable<string> = this.#nodes.keys()): Totals {
    const totals = new TotalsBuilder();
    for (const id of nodeIds) this.#nodes.get(id)?.addAllTo(totals, keeps);
    return totals.build();
  }
}
