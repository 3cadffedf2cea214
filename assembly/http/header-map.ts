// Header and trailer maps.

import { MapType, Status } from "../abi/enums";
import {
  proxy_add_header_map_value,
  proxy_get_header_map_pairs,
  proxy_get_header_map_size,
  proxy_get_header_map_value,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
  proxy_set_header_map_pairs,
} from "../abi/imports";
import { Bytes, asciiLower } from "../bytes";
import { arenaAllocate } from "../runtime/arena";
import { epoch } from "../runtime/callback";
import { HeaderList } from "./header-list";
import { HeaderName } from "./header-name";

const sizeOut: usize = memory.data(4);
const dataOut: usize = memory.data(4);

/** How many headers a callback may ask for one by one; fetching the whole map is cheaper for more. */
// @ts-ignore: decorator
@inline const FEW: i32 = 1;
/** Room in a fetched map for headers that the callback sets. */
// @ts-ignore: decorator
@inline const SPARE: i32 = 4;

/** A header of a fetched map. */
@unmanaged
@final
class Entry {
  name: usize;
  nameSize: i32;
  value: usize;
  valueSize: i32;
}

/**
 * One of the maps of the current stream or callout.
 *
 * A call of the host that returns data costs much the same for a whole map as for one header. So the map is fetched once in a
 * callback, and what the callback sets or removes is written through; a callback that looked up a single header the last
 * time asks for that header alone. Nothing of this shows but in time.
 * Every name may be given as a `string` or, with no allocation, as a `HeaderName`; values come as `string` (decoded as
 * UTF-8, malformed parts as U+FFFD) or as `Bytes`. Where a header repeats, `get` gives its first value and `getAll` every one.
 * In a request, `host` is another name of `:authority`, as in Envoy.
 * A map that is not there in this callback reads as empty, and writes to it answer `Status.BadArgument`.
 */
@final
export class HeaderMap {
  private entries: usize = 0;
  private length: i32 = 0;
  private room: i32 = 0;
  /** The epoch in which `entries` was fetched. */
  private fetchedIn: u32 = 0;
  /** The epoch of the last look-up, the look-ups in it, and those in the epoch with look-ups before it. */
  private readIn: u32 = 0;
  private reads: i32 = 0;
  private readsBefore: i32 = i32.MAX_VALUE;

  constructor(readonly type: MapType) {}

  /** Number of headers; a header that repeats counts once for each value. */
  get count(): i32 {
    this.fetch();
    return this.length;
  }

  /** Size of all names and values in bytes, as the host counts it. */
  get byteSize(): u32 {
    return proxy_get_header_map_size(this.type, sizeOut) == Status.Ok ? load<u32>(sizeOut) : 0;
  }

  /** The number in `:status`: of a response, or of a callout's answer. 0 where there is none. */
  get status(): i32 {
    const value = this.find(STATUS);
    if (value === null || value.size != 3) return 0;
    let status = 0;
    for (let i = 0; i < 3; ++i) {
      const digit = <u32>value[i] - 0x30;
      if (digit > 9) return 0;
      status = status * 10 + digit;
    }
    return status;
  }

  /** The first value of a header, or null when it is absent. An empty value is not null. */
  get(name: string): string | null {
    const key = lowerCase(name);
    const value = this.first(key.pointer, key.size);
    return value === null ? null : value.toString();
  }

  /** Every value of a header, in order. */
  getAll(name: string): string[] {
    const values: string[] = [];
    for (let i = this.indexOf(name); i >= 0; i = this.indexOf(name, i + 1)) values.push(this.valueAt(i).toString());
    return values;
  }

  has(name: string): bool {
    const key = lowerCase(name);
    return this.first(key.pointer, key.size) !== null;
  }

  /** The first value of a header as it came, or null when it is absent. */
  find(name: HeaderName): Bytes | null {
    return this.first(name.pointer, name.size);
  }

  /** Position of the first header of this name at or after `from`, or -1. */
  indexOf(name: string, from: i32 = 0): i32 {
    const key = lowerCase(name);
    this.fetch();
    return this.position(key.pointer, key.size, from);
  }

  /** As `indexOf`, for a prepared name. */
  indexOfName(name: HeaderName, from: i32 = 0): i32 {
    this.fetch();
    return this.position(name.pointer, name.size, from);
  }

  /** The name at a position from 0 up to, not including, `count`. */
  nameAt(index: i32): Bytes {
    this.fetch();
    assert(<u32>index < <u32>this.length, "header index out of range");
    const entry = this.at(index);
    return Bytes.at(entry.name, entry.nameSize);
  }

  /** The value at a position from 0 up to, not including, `count`. */
  valueAt(index: i32): Bytes {
    this.fetch();
    assert(<u32>index < <u32>this.length, "header index out of range");
    const entry = this.at(index);
    return Bytes.at(entry.value, entry.valueSize);
  }

  /** Gives the header this one value, in place of all it had. */
  set(name: string, value: string): Status {
    const key = lowerCase(name);
    const text = Bytes.utf8(value);
    return this.replace(key.pointer, key.size, text.pointer, text.size);
  }

  /** As `set`, without allocation. */
  setBytes(name: HeaderName, value: Bytes): Status {
    return this.replace(name.pointer, name.size, value.pointer, value.size);
  }

  /** Adds a value. Envoy joins the values of some well-known headers with a comma. */
  add(name: string, value: string): Status {
    const key = Bytes.utf8(name);
    const text = Bytes.utf8(value);
    this.fetchedIn = 0;
    return proxy_add_header_map_value(this.type, key.pointer, key.size, text.pointer, text.size);
  }

  /** As `add`, without allocation. */
  addBytes(name: HeaderName, value: Bytes): Status {
    this.fetchedIn = 0;
    return proxy_add_header_map_value(this.type, name.pointer, name.size, value.pointer, value.size);
  }

  /** Removes every value of a header. */
  remove(name: string): Status {
    const key = lowerCase(name);
    return this.delete(key.pointer, key.size);
  }

  /** As `remove`, without allocation. */
  removeName(name: HeaderName): Status {
    return this.delete(name.pointer, name.size);
  }

  /**
   * Replaces the whole map. The host takes at most 1,024 headers and 1 MiB, and reads a larger list as empty.
   * Envoy finds no route for a request without its pseudo-headers and `x-forwarded-proto`.
   */
  replaceAll(headers: HeaderList): Status {
    this.fetchedIn = 0;
    const pairs = headers.encode();
    return proxy_set_header_map_pairs(this.type, pairs.pointer, pairs.size);
  }

  private first(name: usize, size: i32): Bytes | null {
    if (this.readIn != epoch) {
      this.readIn = epoch;
      this.readsBefore = this.reads;
      this.reads = 0;
    }
    if (++this.reads <= FEW && this.readsBefore <= FEW && this.fetchedIn != epoch) {
      if (proxy_get_header_map_value(this.type, name, size, dataOut, sizeOut) != Status.Ok) return null;
      return Bytes.at(load<usize>(dataOut), load<i32>(sizeOut));
    }
    this.fetch();
    const index = this.position(name, size, 0);
    if (index < 0) return null;
    const entry = this.at(index);
    return Bytes.at(entry.value, entry.valueSize);
  }

  private position(name: usize, size: i32, from: i32): i32 {
    if (this.isAuthority(name, size)) {
      name = AUTHORITY.pointer;
      size = AUTHORITY.size;
    }
    for (let i = max(from, 0), n = this.length; i < n; ++i) {
      const entry = this.at(i);
      if (entry.nameSize == size && memory.compare(entry.name, name, size) == 0) return i;
    }
    return -1;
  }

  private isAuthority(name: usize, size: i32): bool {
    return size == 4 && load<u32>(name) == HOST && this.type == MapType.HttpRequestHeaders;
  }

  private replace(name: usize, nameSize: i32, value: usize, valueSize: i32): Status {
    const status = proxy_replace_header_map_value(this.type, name, nameSize, value, valueSize);
    if (status != Status.Ok || this.fetchedIn != epoch) return status;
    this.forget(name, nameSize);
    if (this.length == this.room || this.isAuthority(name, nameSize)) {
      this.fetchedIn = 0;
      return status;
    }
    const entry = this.at(this.length++);
    entry.name = name;
    entry.nameSize = nameSize;
    // The caller may write over its bytes before the callback ends.
    entry.value = arenaAllocate(valueSize);
    entry.valueSize = valueSize;
    memory.copy(entry.value, value, valueSize);
    return status;
  }

  private delete(name: usize, size: i32): Status {
    const status = proxy_remove_header_map_value(this.type, name, size);
    if (this.fetchedIn == epoch) this.forget(name, size);
    return status;
  }

  /** Takes a header out of what was fetched. */
  private forget(name: usize, size: i32): void {
    let kept = this.position(name, size, 0);
    if (kept < 0) return;
    for (let i = kept + 1; i < this.length; ++i) {
      const next = this.position(name, size, i);
      const end = next < 0 ? this.length : next;
      memory.copy(this.address(kept), this.address(i), <usize>(end - i) * offsetof<Entry>());
      kept += end - i;
      i = end;
    }
    this.length = kept;
  }

  /** Reads the pairs of the host: their count, the sizes of each name and value, then each of these followed by a zero byte. */
  private fetch(): void {
    if (this.fetchedIn == epoch) return;
    this.fetchedIn = epoch;
    this.length = 0;
    this.room = 0;
    if (proxy_get_header_map_pairs(this.type, dataOut, sizeOut) != Status.Ok) return;
    // A map with nothing in it may come as no bytes at all.
    if (load<u32>(sizeOut) < 4) return;
    const pairs = load<usize>(dataOut);
    const count = load<i32>(pairs);
    this.length = count;
    this.room = count + SPARE;
    this.entries = arenaAllocate(<usize>this.room * offsetof<Entry>());
    let sizes = pairs + 4;
    let at = sizes + ((<usize>count) << 3);
    for (let i = 0; i < count; ++i) {
      const entry = this.at(i);
      entry.name = at;
      entry.nameSize = load<i32>(sizes);
      at += entry.nameSize + 1;
      entry.value = at;
      entry.valueSize = load<i32>(sizes, 4);
      at += entry.valueSize + 1;
      sizes += 8;
    }
  }


  @inline
  private at(index: i32): Entry {
    return changetype<Entry>(this.address(index));
  }


  @inline
  private address(index: i32): usize {
    return this.entries + <usize>index * offsetof<Entry>();
  }
}

const AUTHORITY: HeaderName = new HeaderName(":authority");
// @ts-ignore: decorator
@lazy const STATUS: HeaderName = new HeaderName(":status");
/** `host`, read as a little-endian number. */
// @ts-ignore: decorator
@inline const HOST: u32 = 0x74736f68;

/** The name as the host compares it, in memory of this callback. */
function lowerCase(name: string): Bytes {
  const key = Bytes.utf8(name);
  for (let i = 0; i < key.size; ++i) {
    store<u8>(key.pointer + i, <u8>asciiLower(load<u8>(key.pointer + i)));
  }
  return key;
}

/** Headers of the request, with `:method`, `:path`, `:authority` and `:scheme`. */
export const requestHeaders: HeaderMap = new HeaderMap(MapType.HttpRequestHeaders);
/** Trailers of the request; there only in `onRequestTrailers` and after. */
export const requestTrailers: HeaderMap = new HeaderMap(MapType.HttpRequestTrailers);
/** Headers of the response, with `:status`; there from `onResponseHeaders` on. */
export const responseHeaders: HeaderMap = new HeaderMap(MapType.HttpResponseHeaders);
/** Trailers of the response; there only in `onResponseTrailers` and after. */
export const responseTrailers: HeaderMap = new HeaderMap(MapType.HttpResponseTrailers);
