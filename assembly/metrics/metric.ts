// Metrics of the host. Envoy names them `wasmcustom.<name>`.

import { MetricType, Status } from "../abi/enums";
import { proxy_define_metric, proxy_get_metric, proxy_increment_metric, proxy_record_metric } from "../abi/imports";
import { Bytes } from "../bytes";
import { hasStarted, whenStarted } from "../runtime/start";

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

/** Metrics of module top level, which the host does not let be defined before the module has started. */
// @ts-ignore: decorator
@lazy const waiting: Metric[] = [];

function defineWaiting(): void {
  for (let i = 0; i < waiting.length; ++i) waiting[i].define();
}

/**
 * A metric without tags. Make it once: in `onConfigure`, where the name comes from the configuration, or as a constant of the module; the
 * host then has it, at 0, from the first root context on.
 */
export abstract class Metric {
  protected id: u32 = UNDEFINED;

  constructor(
    private type: MetricType,
    private name: string,
  ) {
    if (hasStarted) {
      this.define();
    } else {
      if (!waiting.length) whenStarted(defineWaiting);
      waiting.push(this);
    }
  }

  /** The SDK's own. */
  define(): void {
    this.id = define(this.type, this.name);
  }
}

/** A number that only grows. */
@final
export class Counter extends Metric {
  /** @param name Envoy's name of it is `wasmcustom.<name>`. */
  constructor(name: string) {
    super(MetricType.Counter, name);
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
export class Gauge extends Metric {
  /** @param name Envoy's name of it is `wasmcustom.<name>`. */
  constructor(name: string) {
    super(MetricType.Gauge, name);
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
export class Histogram extends Metric {
  /** @param name Envoy's name of it is `wasmcustom.<name>`. */
  constructor(name: string) {
    super(MetricType.Histogram, name);
  }

  record(value: u64): Status {
    return proxy_record_metric(this.id, value);
  }
}
