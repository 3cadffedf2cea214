// A variant of an experiment, as it is told and counted.

import { Bytes, Counter, HeaderName, Property, requestHeaders, responseHeaders } from "proxy-wasm-assemblyscript-sdk";
import { Effect } from "./effect";
import { ExperimentConfig } from "./experiment-config";
import { VariantMetrics } from "./measure";


@final
export class Variant {
  readonly name: string;
  /** The name in UTF-8. */
  readonly value: Uint8Array;
  readonly effect: Effect | null;
  /** Null where the experiment is not measured. */
  readonly metrics: VariantMetrics | null;
  private counter: Counter;

  /** @param index Which of the experiment's variants. */
  constructor(
    config: ExperimentConfig,
    index: i32,
    /** What all variants of the experiment are told in. */
    private telling: Telling,
  ) {
    const name = config.variants[index];
    this.name = name;
    this.value = Bytes.utf8(name).copy();
    this.effect = config.effects[index];
    this.counter = new Counter(`ab.${config.name}.${name}`);
    this.metrics = config.measure ? new VariantMetrics(config.name, name) : null;
  }

  /** Counts the request, and leaves the variant for access logs. */
  record(): void {
    this.counter.increment();
    const filterState = this.telling.filterState;
    if (filterState !== null) filterState.set(Bytes.of(this.value));
  }

  /**
   * Changes the current request as it should be. The header is written whatever the client wrote there: to look first would cost
   * more than to write, and a write makes Envoy choose the route again.
   */
  changeRequest(): void {
    requestHeaders.setBytes(this.telling.header, Bytes.of(this.value));
    const effect = this.effect;
    if (effect !== null) effect.changeRequest();
  }

  changeResponse(): void {
    const header = this.telling.responseHeader;
    if (header !== null) responseHeaders.setBytes(header, Bytes.of(this.value));
    const effect = this.effect;
    if (effect !== null) effect.changeResponse();
  }
}

/** Where the variants of an experiment are told. */
@final
export class Telling {
  readonly header: HeaderName;
  readonly responseHeader: HeaderName | null;
  readonly filterState: Property | null;

  constructor(config: ExperimentConfig) {
    this.header = new HeaderName(config.header);
    this.responseHeader = config.responseHeader.length ? new HeaderName(config.responseHeader) : null;
    this.filterState = config.filterState ? new Property([`ab.${config.name}`]) : null;
  }
}
