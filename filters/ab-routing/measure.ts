// What is counted of the requests that a split dealt out: the figures that variants are compared by.

import { Counter, Histogram } from "proxy-wasm-assemblyscript-sdk";

/** The metrics of a variant of a measured experiment. */
@final
export class VariantMetrics {
  private exposed: Counter;
  private requests: Counter;
  private errors: Counter;
  private latency: Histogram;

  constructor(experiment: string, variant: string) {
    const prefix = `ab.${experiment}.${variant}`;
    this.exposed = new Counter(`${prefix}.exposed`);
    this.requests = new Counter(`${prefix}.requests`);
    this.errors = new Counter(`${prefix}.errors`);
    this.latency = new Histogram(`${prefix}.latency_ms`);
  }

  /** A key is seen in this variant for the first time. */
  countExposure(): void {
    this.exposed.increment();
  }

  /**
   * A request is over.
   * @param milliseconds From the first byte of the request to the last of the answer.
   */
  countRequest(isError: bool, milliseconds: u64): void {
    this.requests.increment();
    if (isError) this.errors.increment();
    this.latency.record(milliseconds);
  }
}
