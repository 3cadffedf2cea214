// Properties: attributes of the request, the connection, the node and more (Envoy's documentation, "Attributes").

import { Status } from "./abi/enums";
import { proxy_get_property, proxy_set_property } from "./abi/imports";
import { Bytes } from "./bytes";

const dataOut: usize = memory.data(4);
const sizeOut: usize = memory.data(4);

/**
 * The path of a property, made once and read often. The host sends no type with a value: read it as what Envoy documents.
 * Every read answers null or the given default where the property is absent, as it is outside its stream.
 */
@final
export class Property {
  private path: Uint8Array;

  /** @param path The parts, for example `["source", "address"]`. */
  constructor(path: string[]) {
    this.path = Uint8Array.wrap(String.UTF8.encode(path.join("\0")));
  }

  bytes(): Bytes | null {
    const path = this.path;
    if (proxy_get_property(path.dataStart, path.length, dataOut, sizeOut) != Status.Ok) return null;
    return Bytes.at(load<usize>(dataOut), load<i32>(sizeOut));
  }

  string(): string | null {
    const value = this.bytes();
    return value === null ? null : value.toString();
  }

  /** For integers, durations and times (nanoseconds). */
  i64(absent: i64 = 0): i64 {
    const value = this.bytes();
    return value === null || value.size != 8 ? absent : load<i64>(value.pointer);
  }

  f64(absent: f64 = 0): f64 {
    const value = this.bytes();
    return value === null || value.size != 8 ? absent : load<f64>(value.pointer);
  }

  bool(absent: bool = false): bool {
    const value = this.bytes();
    return value === null || value.size != 1 ? absent : load<u8>(value.pointer) != 0;
  }

  /**
   * Sets a property of this stream. Envoy keeps it as filter state `wasm.<path>`, which later filters and access logs see.
   * `Status.NotFound` outside a stream.
   */
  set(value: Bytes): Status {
    const path = this.path;
    return proxy_set_property(path.dataStart, path.length, value.pointer, value.size);
  }
}
