// Views of linear memory, without allocation on the collected heap.

import { arenaAllocate } from "./runtime/arena";
import { decodeUtf8 } from "./encoding/utf8";

// @ts-ignore: decorator
@inline const LOW_BITS: u64 = 0x0101010101010101;
// @ts-ignore: decorator
@inline const HIGH_BITS: u64 = 0x8080808080808080;

/**
 * A run of bytes in linear memory, as the host gave it. It is valid until the callback returns: keep `toString()` or
 * `copy()` of it, never the view. Nothing is assumed of the encoding.
 */
@unmanaged
@final
export class Bytes {
  /** Address of the first byte. */
  pointer: usize;
  /** Number of bytes. */
  size: i32;

  /** A view of `size` bytes at `pointer`. */
  static at(pointer: usize, size: i32): Bytes {
    const view = changetype<Bytes>(arenaAllocate(offsetof<Bytes>()));
    view.pointer = pointer;
    view.size = size;
    return view;
  }

  /** Memory of this callback, with whatever is in it, to be written to. */
  static allocate(size: i32): Bytes {
    return Bytes.at(arenaAllocate(size), size);
  }

  /** A view of the bytes of an array. */
  static of(array: Uint8Array): Bytes {
    return Bytes.at(array.dataStart, array.length);
  }

  /** The one and then the other, in memory of this callback. */
  static concat(first: Bytes, second: Bytes): Bytes {
    const both = Bytes.allocate(first.size + second.size);
    memory.copy(both.pointer, first.pointer, first.size);
    memory.copy(both.pointer + first.size, second.pointer, second.size);
    return both;
  }

  /** The text in UTF-8, in memory of this callback; lone surrogates become U+FFFD. */
  static utf8(text: string): Bytes {
    const size = String.UTF8.byteLength(text);
    const pointer = arenaAllocate(size);
    String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, pointer, false, String.UTF8.ErrorMode.REPLACE);
    return Bytes.at(pointer, size);
  }


  @operator("[]")
  get(index: i32): u8 {
    assert(<u32>index < <u32>this.size, "Bytes index out of range");
    return load<u8>(this.pointer + index);
  }


  @operator("[]=")
  set(index: i32, byte: u8): void {
    assert(<u32>index < <u32>this.size, "Bytes index out of range");
    store<u8>(this.pointer + index, byte);
  }

  /** The bytes from `start` up to, not including, `end`; both are clamped to the view. */
  slice(start: i32, end: i32 = i32.MAX_VALUE): Bytes {
    const from = min(max(start, 0), this.size);
    const to = min(max(end, from), this.size);
    return Bytes.at(this.pointer + from, to - from);
  }

  equals(other: Bytes): bool {
    return this.size == other.size && memory.compare(this.pointer, other.pointer, this.size) == 0;
  }

  /** Whether the bytes are `text`, which must be ASCII. */
  is(text: string): bool {
    return this.size == text.length && this.matchesAt(0, text);
  }

  /** Whether the bytes begin with `text`, which must be ASCII. */
  startsWith(text: string): bool {
    return this.size >= text.length && this.matchesAt(0, text);
  }

  /** Whether the bytes end with `text`, which must be ASCII. */
  endsWith(text: string): bool {
    return this.size >= text.length && this.matchesAt(this.size - text.length, text);
  }

  /** As `is`, with no regard to the case of ASCII letters. */
  isIgnoreCase(text: string): bool {
    if (this.size != text.length) return false;
    for (let i = 0; i < this.size; ++i) {
      if (asciiLower(load<u8>(this.pointer + i)) != asciiLower(text.charCodeAt(i))) return false;
    }
    return true;
  }

  /** Position of the first `byte` at or after `from`, or -1. */
  indexOf(byte: u8, from: i32 = 0): i32 {
    const end = this.size;
    let i = max(from, 0);
    // Eight at a time: a byte of `word ^ pattern` is zero where the byte is.
    const pattern = <u64>byte * LOW_BITS;
    for (; i <= end - 8; i += 8) {
      const difference = load<u64>(this.pointer + i) ^ pattern;
      const zeros = (difference - LOW_BITS) & ~difference & HIGH_BITS;
      if (zeros) return i + ((<i32>ctz(zeros)) >> 3);
    }
    for (; i < end; ++i) {
      if (load<u8>(this.pointer + i) == byte) return i;
    }
    return -1;
  }

  /** The view without spaces and tabs at its ends. */
  trim(): Bytes {
    let from = 0;
    let to = this.size;
    while (from < to && isBlank(load<u8>(this.pointer + from))) ++from;
    while (to > from && isBlank(load<u8>(this.pointer + to - 1))) --to;
    return Bytes.at(this.pointer + from, to - from);
  }

  /** The bytes read as UTF-8; what is not well formed becomes U+FFFD. */
  toString(): string {
    return decodeUtf8(this.pointer, this.size);
  }

  /** A copy that lives as long as it is referred to. */
  copy(): Uint8Array {
    const array = new Uint8Array(this.size);
    memory.copy(array.dataStart, this.pointer, this.size);
    return array;
  }

  private matchesAt(start: i32, text: string): bool {
    const from = this.pointer + start;
    for (let i = 0, length = text.length; i < length; ++i) {
      if (<i32>load<u8>(from + i) != text.charCodeAt(i)) return false;
    }
    return true;
  }
}

// @ts-ignore: decorator
@inline
function isBlank(byte: u8): bool {
  return byte == 0x20 || byte == 0x09;
}

// @ts-ignore: decorator
@inline
export function asciiLower(code: i32): i32 {
  return <u32>(code - 0x41) < 26 ? code | 0x20 : code;
}
