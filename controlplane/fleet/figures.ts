import { mergeBins, quantileOf, type Bin } from "../statistics/index.ts";
import { mergeTotals, type GaugeTotal, type Totals } from "./totals.ts";

/** Requests that one kind of listener answered, over several sidecars. */
export interface HttpFigures {
  /** Requests that were answered; one that its client gave up is none. */
  readonly requests: number;
  /** Those of them that were answered with a status from 500 to 599, by the upstream, a filter or Envoy. */
  readonly errors5xx: number;
  /** From the first byte of a request to the last of its response, in milliseconds. */
  readonly latencyMs: Latency;
}

/** A distribution of times in milliseconds. */
export class Latency {
  readonly bins: readonly Bin[];

  constructor(bins: readonly Bin[]) {
    this.bins = bins;
  }

  /** How many times were measured. */
  get count(): number {
    return this.bins.reduce((sum, { count }) => sum + count, 0);
  }

  /**
   * The time below which a share of all is, as exact as Envoy's ranges are (about 10 %); undefined where nothing was
   * measured. Beyond the last range it is that range's end.
   * @param share from 0 to 1.
   */
  quantile(share: number): number | undefined {
    return quantileOf(this.bins, share);
  }
}

/** Names of the listeners of a sidecar, as they stand in Envoy's statistics. */
export const LISTENERS = ["inbound", "outbound"] as const;
export type ListenerName = (typeof LISTENERS)[number];

/** How a group of sidecars did in a span of time. */
export class Figures {
  readonly totals: Totals;

  constructor(totals: Totals) {
    this.totals = totals;
  }

  /** How many sidecars reported. */
  get sidecars(): number {
    return this.totals.sidecars;
  }

  /**
   * How long a time they told of, in seconds, that of one sidecar added to that of another; requests divided by it are the
   * requests a second of one sidecar.
   */
  get observedSeconds(): number {
    return this.totals.observedMs / 1_000;
  }

  /** Of all listeners. */
  get requests(): number {
    return this.#sum((listener) => this.http(listener).requests);
  }

  /** Of all listeners. */
  get errors5xx(): number {
    return this.#sum((listener) => this.http(listener).errors5xx);
  }

  /** Of all listeners. */
  get latencyMs(): Latency {
    return new Latency(mergeBins(LISTENERS.map((listener) => this.http(listener).latencyMs.bins)));
  }

  http(listener: ListenerName): HttpFigures {
    const prefix = `http.${listener}.downstream_rq_`;
    return {
      requests: this.#counter(`${prefix}completed`),
      errors5xx: this.#counter(`${prefix}5xx`),
      latencyMs: new Latency(this.totals.histograms.get(`${prefix}time`) ?? []),
    };
  }

  /**
   * How often a Wasm filter's VM that had trapped was found, and started again, tried in vain, or left alone for a while.
   * Envoy counts this under the failure policy FailReload only; under the others a trap shows as errors.
   */
  get vmFailures(): number {
    return this.#matching(/^wasm\..*\.vm_reload_(?:success|failure|backoff)$/);
  }

  /** Requests that the filters authz and ratelimit refused. */
  get denials(): number {
    return this.#matching(/^wasmcustom\.(?:authz\.denied\.[^.]+|ratelimit\..+\.limited)$/);
  }

  /** Bytes that the Envoys have allocated, as they last told; undefined if none did. */
  get memory(): GaugeTotal | undefined {
    return this.totals.gauges.get("server.memory_allocated");
  }

  /**
   * A statistic by its name in Envoy: what a counter counted, or the mean of a gauge over the sidecars that reported it.
   * A counter that counted nothing is undefined, as is what is not kept.
   */
  stat(name: string): number | undefined {
    const gauge = this.totals.gauges.get(name);
    return this.totals.counters.get(name) ?? (gauge && gauge.sum / gauge.sidecars);
  }

  /** These figures and those of other sidecars. */
  merge(other: Figures): Figures {
    return new Figures(mergeTotals(this.totals, other.totals));
  }

  #counter(name: string): number {
    return this.totals.counters.get(name) ?? 0;
  }

  #matching(pattern: RegExp): number {
    let sum = 0;
    for (const [name, count] of this.totals.counters) if (pattern.test(name)) sum += count;
    return sum;
  }

  #sum(figure: (listener: ListenerName) => number): number {
    return LISTENERS.reduce((sum, listener) => sum + figure(listener), 0);
  }
}
