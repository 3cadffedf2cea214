import { MetricType } from "./abi/enums.ts";

/** A statistic of Envoy; its full name there is `wasmcustom.<name>`. */
export interface Metric {
  readonly name: string;
  readonly type: MetricType;
  /** The value of a counter or gauge; the number of records of a histogram. */
  value: bigint;
  /** What was recorded in a histogram. */
  readonly records: bigint[];
}

/** The statistics of one Envoy process, common to all workers. */
export class Metrics {
  readonly #metrics = new Map<string, Metric>();

  /** The value of a counter or gauge, or the number of records of a histogram; undefined if none has this name. */
  get(name: string): number | undefined {
    const metric = this.find(name);
    return metric && Number(metric.value);
  }

  /** The statistic of this name; of several types the first one, if none is given. */
  find(name: string, only?: MetricType): Metric | undefined {
    for (const type of only === undefined ? Object.values(MetricType) : [only]) {
      const metric = this.#metrics.get(`${type}:${name}`);
      if (metric !== undefined) return metric;
    }
    return undefined;
  }

  /** Every statistic as name and value. */
  entries(): [name: string, value: number][] {
    return [...this.#metrics.values()].map(({ name, value }) => [name, Number(value)]);
  }

  /** Makes the statistic or finds it: the same name and type are the same statistic. */
  define(type: MetricType, name: string): Metric {
    const key = `${type}:${name}`;
    let metric = this.#metrics.get(key);
    if (metric === undefined) this.#metrics.set(key, (metric = { name, type, value: 0n, records: [] }));
    return metric;
  }
}

/** The metric ids of one virtual machine. The low two bits of an id are its type. */
export class MetricIds {
  readonly #metrics = new Map<number, Metric>();
  readonly #last: Record<MetricType, number> = { 0: MetricType.Counter, 1: MetricType.Gauge, 2: MetricType.Histogram };

  /** A new id, also for a metric that has one. */
  add(metric: Metric): number {
    const id = (this.#last[metric.type] += 4);
    this.#metrics.set(id, metric);
    return id;
  }

  get(id: number): Metric | undefined {
    return this.#metrics.get(id);
  }
}
