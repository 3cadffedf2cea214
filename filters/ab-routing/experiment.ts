// One experiment: which variant a request gets, and whom it is told.

import { Bytes, Counter, HeaderName, Property, requestHeaders } from "proxy-wasm-assemblyscript-sdk";
import { RequestValue } from "../common/values/request-value";
import { experimentSeed, placeOf } from "./allocation";
import { ExperimentConfig } from "./config";

/** A variant, as it is told. */
@final
export class Variant {
  /** The name in UTF-8. */
  readonly value: Uint8Array;
  private counter: Counter;

  constructor(experiment: string, name: string) {
    this.value = Bytes.utf8(name).copy();
    this.counter = new Counter(`ab.${experiment}.${name}`);
  }

  count(): void {
    this.counter.increment();
  }
}

/** An experiment; one object serves all requests. */
@final
export class Experiment {
  /** The response header that tells the variant, or null. */
  readonly responseHeader: HeaderName | null;
  private header: HeaderName;
  private filterState: Property | null;
  private variants: Variant[];
  private seed: u64;

  constructor(private config: ExperimentConfig) {
    const responseHeader = config.responseHeader;
    this.responseHeader = responseHeader.length ? new HeaderName(responseHeader) : null;
    this.header = new HeaderName(config.header);
    this.filterState = config.filterState ? new Property([`ab.${config.name}`]) : null;
    const variants: Variant[] = [];
    for (let i = 0; i < config.variants.length; ++i) variants.push(new Variant(config.name, config.variants[i]));
    this.variants = variants;
    const split = config.split;
    this.seed = split === null ? 0 : experimentSeed(split.salt, config.name);
  }

  /** The variant of the current request. */
  choose(): Variant {
    return this.variants[this.chosen()];
  }

  /** Whether the request does not have the variant's header as it is to be: once, with this value. */
  needsHeader(variant: Variant): bool {
    const index = requestHeaders.indexOfName(this.header);
    if (index < 0 || !requestHeaders.valueAt(index).equals(Bytes.of(variant.value))) return true;
    return requestHeaders.indexOfName(this.header, index + 1) >= 0;
  }

  /** Sets the request's header, in place of whatever the client wrote there. */
  setHeader(variant: Variant): void {
    requestHeaders.setBytes(this.header, Bytes.of(variant.value));
  }

  /** Counts the request, and leaves the variant for access logs. */
  record(variant: Variant): void {
    variant.count();
    const filterState = this.filterState;
    if (filterState !== null) filterState.set(Bytes.of(variant.value));
  }

  private chosen(): i32 {
    const config = this.config;
    for (let i = 0; i < config.rules.length; ++i) {
      if (config.rules[i].match.matches()) return config.rules[i].variant;
    }
    const split = config.split;
    if (split === null) return config.fallback;
    const key = firstValue(split.key);
    return key === null ? config.fallback : split.allocation.at(placeOf(key, this.seed));
  }
}

/** The first value that the request has; an empty one says nothing about who sends it. */
function firstValue(values: RequestValue[]): Bytes | null {
  for (let i = 0; i < values.length; ++i) {
    const value = values[i].read();
    if (value !== null && value.size) return value;
  }
  return null;
}
