// Metrics of the host. Envoy names them `wasmcustom.<name>`.

import { MetricType, Status } from "../abi/enums";
import { proxy_define_metric, proxy_get_metric, proxy_increment_metric, proxy_record_metric } from "../abi/imports";
import { Bytes } from "../bytes";

const idOut: usize = memory.data(4);
const valueOut: usize = memory.data(8);

/** An id no host gives; calls with it answer `Status.NotFound`. */
// @ts-ignore: decorator
@inline export const UNDEFINED: u32 = u32.MAX_VALUE;

/** Ids by type and name: the host makes a new id at every definition and never frees one. */
// @ts-ignore: decorator
@lazy const defined: Map<string, u32> = new Map<string, u32>();

/** The id of a metric, or `UNDEFINED` where the host refuses it. */
export function define(type: MetricType, name: string): u32 {
  const key = `${<i32>type}${name}`;
  if (defined.has(key)) return defined.get(key);
  const text = Bytes.utf8(name);
  if (proxy_define_metric(type, text.pointer, text.size, idOut) != Status.Ok) return UNDEFINED;
  const id = load<u32>(idOut);
  defined.set(key, id);
  return id;
}

export function read(id: u32): u64 {
  return proxy_get_metric(id, valueOut) == Status.Ok ? load<u64>(valueOut) : 0;
}

/** A number that only grows. Define metrics in `onVmStart` or `onConfigure`; the host allows it no earlier. */
@final
export class Counter {
  private id: u32;

  constructor(name: string) {
    this.id = define(MetricType.Counter, name);
  }

  /** @param offset 1 or more. */
  increment(offset: i64 = 1): Status {
    return proxy_increment_metric(this.id, offset);
  }

  get value(): u64 {
    return read(this.id);
  }
}

/** A number that goes up and down. */
@final
export class Gauge {
  private id: u32;

  constructor(name: string) {
    this.id = define(MetricType.Gauge, name);
  }

  /** @param offset May be negative. */
  add(offset: i64): Status {
    return proxy_increment_metric(this.id, offset);
  }

  set(value: u64): Status {
    return proxy_record_metric(this.id, value);
  }

  get value(): u64 {
    return read(this.id);
  }
}

/** A distribution of values. The host does not let it be read. */
@final
export class Histogram {
  private id: u32;

  constructor(name: string) {
    this.id = define(MetricType.Histogram, name);
  }

  record(value: u64): Status {
    return proxy_record_metric(this.id, value);
  }
}
