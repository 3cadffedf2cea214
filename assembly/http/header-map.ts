// Header and trailer maps.

import { MapType, Status } from "../abi/enums";
import {
  proxy_add_header_map_value,
  proxy_get_header_map_pairs,
  proxy_get_header_map_size,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
  proxy_set_header_map_pairs,
} from "../abi/imports";
import { Bytes, asciiLower } from "../bytes";
import { epoch, forgetHostState } from "../runtime/callback";
import { HeaderList } from "./header-list";
import { HeaderName } from "./header-name";

const sizeOut: usize = memory.data(4);
const pairsOut: usize = memory.data(4);

/**
 * One of the maps of the current stream or callout.
 *
 * The map is fetched whole at the first read in a callback, parsed in place, and read from there until something is
 * written: a single call of the host costs about as much as reading one header by name would.
 * Every name may be given as a `string` or, with no allocation, as a `HeaderName`; values come as `string` (decoded as
 * UTF-8, malformed parts as U+FFFD) or as `Bytes`. Where a header repeats, `get` gives its first value and `getAll` every one.
 * A map that is not there in this callback reads as empty, and writes to it answer `Status.BadArgument`.
 */
@final
export class HeaderMap {
  private pairs: usize = 0;
  private length: i32 = 0;
  private seen: u32 = 0;

  constructor(readonly type: MapType) {}

  /** Number of headers; a header that repeats counts once for each value. */
  get count(): i32 {
    this.load();
    return this.length;
  }

  /** Size of all names and values in bytes, as the host counts it. */
  get byteSize(): u32 {
    return proxy_get_header_map_size(this.type, sizeOut) == Status.Ok ? load<u32>(sizeOut) : 0;
  }

  /** The first value of a header, or null when it is absent. An empty value is not null. */
  get(name: string): string | null {
    const index = this.indexOf(name);
    return index < 0 ? null : this.valueAt(index).toString();
  }

  /** Every value of a header, in order. */
  getAll(name: string): string[] {
    const values: string[] = [];
    for (let i = this.indexOf(name); i >= 0; i = this.indexOf(name, i + 1)) values.push(this.valueAt(i).toString());
    return values;
  }

  has(name: string): bool {
    return this.indexOf(name) >= 0;
  }

  /** The first value of a header as it came, or null when it is absent. */
  find(name: HeaderName): Bytes | null {
    const index = this.indexOfName(name);
    return index < 0 ? null : this.valueAt(index);
  }

  /** Position of the first header of this name at or after `from`, or -1. */
  indexOf(name: string, from: i32 = 0): i32 {
    this.load();
    const length = name.length;
    for (let i = max(from, 0), n = this.length; i < n; ++i) {
      if (this.nameSize(i) == length && equalsAscii(this.namePointer(i), name)) return i;
    }
    return -1;
  }

  /** As `indexOf`, for a prepared name. */
  indexOfName(name: HeaderName, from: i32 = 0): i32 {
    this.load();
    const size = name.size;
    const pointer = name.pointer;
    const start = max(from, 0);
    let at = start < this.length ? this.namePointer(start) : 0;
    for (let i = start, n = this.length; i < n; ++i) {
      const nameSize = this.nameSize(i);
      if (nameSize == size && memory.compare(at, pointer, size) == 0) return i;
      at += nameSize + this.valueSize(i) + 2;
    }
    return -1;
  }

  /** The name at a position from 0 up to, not including, `count`. */
  nameAt(index: i32): Bytes {
    this.load();
    assert(<u32>index < <u32>this.length, "header index out of range");
    return Bytes.at(this.namePointer(index), this.nameSize(index));
  }

  /** The value at a position from 0 up to, not including, `count`. */
  valueAt(index: i32): Bytes {
    this.load();
    assert(<u32>index < <u32>this.length, "header index out of range");
    return Bytes.at(this.namePointer(index) + this.nameSize(index) + 1, this.valueSize(index));
  }

  /** Gives the header this one value, in place of all it had. */
  set(name: string, value: string): Status {
    const key = Bytes.utf8(name);
    const text = Bytes.utf8(value);
    forgetHostState();
    return proxy_replace_header_map_value(this.type, key.pointer, key.size, text.pointer, text.size);
  }

  /** As `set`, without allocation. */
  setBytes(name: HeaderName, value: Bytes): Status {
    forgetHostState();
    return proxy_replace_header_map_value(this.type, name.pointer, name.size, value.pointer, value.size);
  }

  /** Adds a value. Envoy joins the values of some well-known headers with a comma. */
  add(name: string, value: string): Status {
    const key = Bytes.utf8(name);
    const text = Bytes.utf8(value);
    forgetHostState();
    return proxy_add_header_map_value(this.type, key.pointer, key.size, text.pointer, text.size);
  }

  /** As `add`, without allocation. */
  addBytes(name: HeaderName, value: Bytes): Status {
    forgetHostState();
    return proxy_add_header_map_value(this.type, name.pointer, name.size, value.pointer, value.size);
  }

  /** Removes every value of a header. */
  remove(name: string): Status {
    const key = Bytes.utf8(name);
    forgetHostState();
    return proxy_remove_header_map_value(this.type, key.pointer, key.size);
  }

  /** As `remove`, without allocation. */
  removeName(name: HeaderName): Status {
    forgetHostState();
    return proxy_remove_header_map_value(this.type, name.pointer, name.size);
  }

  /**
   * Replaces the whole map. The host takes at most 1,024 headers and 1 MiB, and reads a larger list as empty.
   * Envoy finds no route for a request without its pseudo-headers and `x-forwarded-proto`.
   */
  replaceAll(headers: HeaderList): Status {
    forgetHostState();
    const pairs = headers.encode();
    return proxy_set_header_map_pairs(this.type, pairs.pointer, pairs.size);
  }

  // The pairs: count, then the sizes of each name and value, then each name and value followed by a zero byte.

  private load(): void {
    if (this.seen == epoch) return;
    this.seen = epoch;
    this.length = 0;
    if (proxy_get_header_map_pairs(this.type, pairsOut, sizeOut) != Status.Ok) return;
    this.pairs = load<usize>(pairsOut);
    // A map with nothing in it may come as no bytes at all.
    if (load<u32>(sizeOut) >= 4) this.length = load<i32>(this.pairs);
  }


  @inline
  private nameSize(index: i32): i32 {
    return load<i32>(this.pairs + ((<usize>index) << 3), 4);
  }


  @inline
  private valueSize(index: i32): i32 {
    return load<i32>(this.pairs + ((<usize>index) << 3), 8);
  }

  private namePointer(index: i32): usize {
    let at = this.pairs + 4 + ((<usize>this.length) << 3);
    for (let i = 0; i < index; ++i) at += this.nameSize(i) + this.valueSize(i) + 2;
    return at;
  }
}

function equalsAscii(pointer: usize, text: string): bool {
  for (let i = 0, length = text.length; i < length; ++i) {
    if (<i32>load<u8>(pointer + i) != asciiLower(text.charCodeAt(i))) return false;
  }
  return true;
}

/** Headers of the request, with `:method`, `:path`, `:authority` and `:scheme`. */
export const requestHeaders: HeaderMap = new HeaderMap(MapType.HttpRequestHeaders);
/** Trailers of the request; there only in `onRequestTrailers` and after. */
export const requestTrailers: HeaderMap = new HeaderMap(MapType.HttpRequestTrailers);
/** Headers of the response, with `:status`; there from `onResponseHeaders` on. */
export const responseHeaders: HeaderMap = new HeaderMap(MapType.HttpResponseHeaders);
/** Trailers of the response; there only in `onResponseTrailers` and after. */
export const responseTrailers: HeaderMap = new HeaderMap(MapType.HttpResponseTrailers);
