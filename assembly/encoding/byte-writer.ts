// Bytes that are written one after another.

import { Bytes } from "../bytes";
import { decimal } from "./decimal";

/**
 * A buffer that grows. Make one at module top level or in a context and `clear` it for each use: once it has grown to what
 * is needed, nothing is allocated any more.
 */
@final
export class ByteWriter {
  private buffer: StaticArray<u8>;
  private length: i32 = 0;

  /** @param capacity Bytes to start with. */
  constructor(capacity: i32 = 256) {
    this.buffer = new StaticArray<u8>(max(capacity, 16));
  }

  get size(): i32 {
    return this.length;
  }

  /** What was written; valid until something else is, and no longer than this callback. */
  get bytes(): Bytes {
    return Bytes.at(changetype<usize>(this.buffer), this.length);
  }

  /** The byte written last, or 0 when there is none. */
  get last(): u8 {
    return this.length ? load<u8>(changetype<usize>(this.buffer) + this.length - 1) : 0;
  }

  /** Forgets what was written and keeps the memory. */
  clear(): this {
    this.length = 0;
    return this;
  }

  byte(value: u8): this {
    store<u8>(this.reserve(1), value);
    this.length += 1;
    return this;
  }

  write(value: Bytes): this {
    memory.copy(this.reserve(value.size), value.pointer, value.size);
    this.length += value.size;
    return this;
  }

  /** Writes a text in UTF-8; lone surrogates become U+FFFD. */
  text(value: string): this {
    const size = String.UTF8.byteLength(value);
    const to = this.reserve(size);
    String.UTF8.encodeUnsafe(changetype<usize>(value), value.length, to, false, String.UTF8.ErrorMode.REPLACE);
    this.length += size;
    return this;
  }

  /** Writes a number in decimal digits. */
  integer(value: i64): this {
    if (value >= 0) return this.write(decimal(value));
    // The negation wraps for the smallest number only, whose magnitude it then is.
    return this.byte(0x2d).write(decimal(<u64>-value));
  }

  /**
   * Makes room for `size` more bytes and gives the address to write them to. They count once `advance` says so.
   */
  reserve(size: i32): usize {
    const needed = this.length + size;
    if (needed > this.buffer.length) {
      const larger = new StaticArray<u8>(max(needed, this.buffer.length << 1));
      memory.copy(changetype<usize>(larger), changetype<usize>(this.buffer), this.length);
      this.buffer = larger;
    }
    return changetype<usize>(this.buffer) + this.length;
  }

  /** Counts bytes that were written to what `reserve` gave. */
  advance(size: i32): void {
    this.length += size;
  }
}
