// Metrics with tags.

import { MetricType, Status } from "../abi/enums";
import { proxy_increment_metric, proxy_record_metric } from "../abi/imports";
import { Bytes } from "../bytes";
import { hash64 } from "../hash/xxh64";
import { define, read, UNDEFINED } from "./metric";
import { taggedName } from "./tagged-name";

/** Bytes of a tag's value that count; what is longer is cut. */
// @ts-ignore: decorator
@inline const MAX_VALUE_SIZE: i32 = 100;

/**
 * A metric for each combination of values of its tags. Make it once, as a constant of the module or in `onConfigure`; give the values in the
 * order of the tags:
 *
 *     const requests = new CounterFamily("requests", ["method", "status"]);
 *     requests.tag(method).tagNumber(200).increment();
 *
 * A tag that is not given is empty; one too many is left out.
 *
 * The metric is named `wasmcustom.requests;method=GET;status=200`. In a value, spaces, `"`, `%`, `;`, `\` and what is not visible ASCII
 * are percent-encoded. Envoy makes tags of it, and labels for Prometheus, by one rule for each tag in its bootstrap:
 *
 *     stats_config:
 *       stats_tags:
 *         - { tag_name: method, regex: "^wasmcustom\\..*?(;method=([^;]*))" }
 *         - { tag_name: status, regex: "^wasmcustom\\..*?(;status=([^;]*))" }
 *
 * Prometheus then sees `requests{method="GET",status="200"}`.
 *
 * Envoy never lets go of a metric, so the number of combinations has a bound. Once it is reached, what is new counts under the
 * value `other` of every tag. Workers count on their own: all of them together may make as many combinations each.
 */
export abstract class MetricFamily {
  // Values of the combination that is being given, each after its size in one byte.
  private key: StaticArray<u8>;
  private keySize: i32 = 0;
  private given: i32 = 0;

  // Open addressing with linear probing, at most half full. A slot holds the number of a combination, from 1.
  private slots: StaticArray<i32>;
  private keys: StaticArray<u8>[] = [];
  private ids: u32[] = [];
  private other: u32 = UNDEFINED;

  constructor(
    private type: MetricType,
    private name: string,
    private tags: string[],
    private maxCombinations: i32,
  ) {
    this.key = new StaticArray<u8>(tags.length * (MAX_VALUE_SIZE + 1));
    let capacity = 4;
    while (capacity < maxCombinations * 2) capacity <<= 1;
    this.slots = new StaticArray<i32>(capacity);
  }

  /**
   * Makes the metric of the given values now, and so keeps a place for it: for values that are known from the start, and to have a
   * counter seen at 0. Not to be called at module top level.
   */
  define(): Status {
    return this.take() == UNDEFINED ? Status.InternalFailure : Status.Ok;
  }

  /** Number of combinations so far. */
  get combinations(): i32 {
    return this.ids.length;
  }

  /** The id of the given values' metric; the next values begin anew. */
  protected take(): u32 {
    while (this.given < this.tags.length) this.give(Bytes.at(0, 0));
    const size = this.keySize;
    this.keySize = 0;
    this.given = 0;
    const key = changetype<usize>(this.key);
    const mask = this.slots.length - 1;
    let slot = (<i32>hash64(Bytes.at(key, size))) & mask;
    for (let number = 0; (number = unchecked(this.slots[slot])) != 0; slot = (slot + 1) & mask) {
      const known = unchecked(this.keys[number - 1]);
      if (known.length == size && memory.compare(changetype<usize>(known), key, size) == 0) {
        return unchecked(this.ids[number - 1]);
      }
    }
    return this.ids.length < this.maxCombinations ? this.make(slot, size) : this.overflow();
  }

  protected give(value: Bytes): void {
    if (this.given == this.tags.length) return;
    const size = min(value.size, MAX_VALUE_SIZE);
    const at = changetype<usize>(this.key) + this.keySize;
    store<u8>(at, <u8>size);
    memory.copy(at + 1, value.pointer, size);
    this.keySize += size + 1;
    ++this.given;
  }

  private make(slot: i32, size: i32): u32 {
    const key = new StaticArray<u8>(size);
    memory.copy(changetype<usize>(key), changetype<usize>(this.key), size);
    const id = define(this.type, taggedName(this.name, this.tags, key));
    this.keys.push(key);
    this.ids.push(id);
    this.slots[slot] = this.ids.length;
    return id;
  }

  private overflow(): u32 {
    if (this.other == UNDEFINED) this.other = define(this.type, taggedName(this.name, this.tags, null));
    return this.other;
  }
}


@final
export class CounterFamily extends MetricFamily {
  /** @param maxCombinations At least 0. */
  constructor(name: string, tags: string[], maxCombinations: i32 = 100) {
    super(MetricType.Counter, name, tags, maxCombinations);
  }

  /** The value of the next tag; at most 100 bytes of it count. */
  tag(value: Bytes): CounterFamily {
    this.give(value);
    return this;
  }

  /** As `tag`, of text. */
  tagText(value: string): CounterFamily {
    return this.tag(Bytes.utf8(value));
  }

  /** As `tag`, of a number in decimal. */
  tagNumber(value: i64): CounterFamily {
    return this.tag(decimal(value));
  }

  /** @param offset 1 or more. */
  increment(offset: i64 = 1): Status {
    return proxy_increment_metric(this.take(), offset);
  }

  value(): u64 {
    return read(this.take());
  }
}


@final
export class GaugeFamily extends MetricFamily {
  /** @param maxCombinations At least 0. */
  constructor(name: string, tags: string[], maxCombinations: i32 = 100) {
    super(MetricType.Gauge, name, tags, maxCombinations);
  }

  /** The value of the next tag; at most 100 bytes of it count. */
  tag(value: Bytes): GaugeFamily {
    this.give(value);
    return this;
  }

  /** As `tag`, of text. */
  tagText(value: string): GaugeFamily {
    return this.tag(Bytes.utf8(value));
  }

  /** As `tag`, of a number in decimal. */
  tagNumber(value: i64): GaugeFamily {
    return this.tag(decimal(value));
  }

  /** @param offset May be negative. */
  add(offset: i64): Status {
    return proxy_increment_metric(this.take(), offset);
  }

  set(value: u64): Status {
    return proxy_record_metric(this.take(), value);
  }

  value(): u64 {
    return read(this.take());
  }
}


@final
export class HistogramFamily extends MetricFamily {
  /** @param maxCombinations At least 0. */
  constructor(name: string, tags: string[], maxCombinations: i32 = 100) {
    super(MetricType.Histogram, name, tags, maxCombinations);
  }

  /** The value of the next tag; at most 100 bytes of it count. */
  tag(value: Bytes): HistogramFamily {
    this.give(value);
    return this;
  }

  /** As `tag`, of text. */
  tagText(value: string): HistogramFamily {
    return this.tag(Bytes.utf8(value));
  }

  /** As `tag`, of a number in decimal. */
  tagNumber(value: i64): HistogramFamily {
    return this.tag(decimal(value));
  }

  record(value: u64): Status {
    return proxy_record_metric(this.take(), value);
  }
}

/** A number in decimal, in memory of this callback. */
function decimal(value: i64): Bytes {
  const bytes = Bytes.allocate(20);
  const end = bytes.pointer + 20;
  let at = end;
  let rest: u64 = value < 0 ? -value : value;
  do {
    store<u8>(--at, <u8>(0x30 + (rest % 10)));
    rest /= 10;
  } while (rest);
  if (value < 0) store<u8>(--at, 0x2d);
  bytes.pointer = at;
  bytes.size = <i32>(end - at);
  return bytes;
}
