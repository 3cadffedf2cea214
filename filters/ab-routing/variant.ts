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

  /** Changes the current request as it should be. Whether that was necessary. */
  changeRequest(): bool {
    const isTold = this.isTold;
    // In place of whatever the client wrote there.
    if (!isTold) requestHeaders.setBytes(this.telling.header, Bytes.of(this.value));
    const effect = this.effect;
    if (effect === null || !effect.changesRequests) return !isTold;
    effect.changeRequest();
    return true;
  }

  changeResponse(): void {
    const header = this.telling.responseHeader;
    if (header !== null) responseHeaders.setBytes(header, Bytes.of(this.value));
    const effect = this.effect;
    if (effect !== null) effect.changeResponse();
  }

  /** Whether the request has the header as it is to be already: once, with the variant's name. */
  private get isTold(): bool {
    const header = this.telling.header;
    const index = requestHeaders.indexOfName(header);
    if (index < 0 || !requestHeaders.valueAt(index).equals(Bytes.of(this.value))) return false;
    return requestHeaders.indexOfName(header, index + 1) < 0;
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
