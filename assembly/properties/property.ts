// Properties by path, for what has no attribute of its own.

import { Status } from "../abi/enums";
import { proxy_set_property } from "../abi/imports";
import { Bytes } from "../bytes";
import { Attribute } from "./attribute";
import { Pairs } from "./pairs";
import { childPath } from "./path";

/**
 * A property of any type by its path, made once and read often. The host sends no type with a value: read it as what it is.
 * What Envoy documents has a typed form in `attributes`.
 */
@final
export class Property extends Attribute {
  /** @param path The parts, for example `["source", "address"]`. */
  constructor(path: string[]) {
    let bytes = new StaticArray<u8>(0);
    for (let i = 0; i < path.length; ++i) bytes = childPath(bytes, path[i]);
    super(bytes);
  }

  /** A property by its path in the host's form. */
  static at(path: StaticArray<u8>): Property {
    const property = new Property([]);
    property.path = path;
    return property;
  }

  /** What is under this property: an entry of a map, a field of a message, an item of a list (by its index in decimal). */
  child(part: string): Property {
    return Property.at(childPath(this.path, part));
  }

  string(): string | null {
    const value = this.bytes();
    return value === null ? null : value.toString();
  }

  /** For integers, durations and times (nanoseconds). */
  i64(absent: i64 = 0): i64 {
    return this.word(absent);
  }

  f64(absent: f64 = 0): f64 {
    return reinterpret<f64>(this.word(reinterpret<u64>(absent)));
  }

  bool(absent: bool = false): bool {
    const value = this.bytes();
    return value === null || value.size != 1 ? absent : load<u8>(value.pointer) != 0;
  }

  /** For maps and lists. */
  pairs(): Pairs | null {
    const value = this.bytes();
    return value === null ? null : Pairs.of(value);
  }

  /**
   * Sets a property of this stream. Envoy keeps it as filter state `wasm.<path>`, which later filters and access logs see;
   * `FilterState` says more of it. `Status.NotFound` outside a stream.
   */
  set(value: Bytes): Status {
    const path = this.path;
    return proxy_set_property(changetype<usize>(path), path.length, value.pointer, value.size);
  }
}
