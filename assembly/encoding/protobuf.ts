// The wire format of protocol buffers, as much as foreign functions need: varints, strings, bytes, and skipping the rest.

import { Bytes } from "../bytes";
import { arenaAllocate } from "../runtime/arena";

export enum WireType {
  Varint = 0,
  I64 = 1,
  Len = 2,
  I32 = 5,
}

/** Writes a message into memory of this callback. */
@unmanaged
@final
export class ProtobufWriter {
  private pointer: usize;
  private size: i32;
  private capacity: i32;

  /** @param capacity Bytes to start with; the writer takes more when it needs them. */
  static create(capacity: i32 = 256): ProtobufWriter {
    const writer = changetype<ProtobufWriter>(arenaAllocate(offsetof<ProtobufWriter>()));
    writer.pointer = arenaAllocate(capacity);
    writer.size = 0;
    writer.capacity = capacity;
    return writer;
  }

  /** For the types uint32, uint64, enum and bool; also int32 and int64, negative numbers sign-extended to 64 bits. */
  varint(field: u32, value: u64): this {
    this.reserve(20);
    this.raw(((<u64>field) << 3) | WireType.Varint);
    this.raw(value);
    return this;
  }

  /** For the types string, bytes and embedded message. */
  bytes(field: u32, value: Bytes): this {
    this.reserve(20 + value.size);
    this.raw(((<u64>field) << 3) | WireType.Len);
    this.raw(value.size);
    memory.copy(this.pointer + this.size, value.pointer, value.size);
    this.size += value.size;
    return this;
  }

  string(field: u32, value: string): this {
    return this.bytes(field, Bytes.utf8(value));
  }

  /** What was written so far. */
  get message(): Bytes {
    return Bytes.at(this.pointer, this.size);
  }

  private raw(value: u64): void {
    let at = this.pointer + this.size;
    while (value > 0x7f) {
      store<u8>(at++, <u8>(value | 0x80));
      value >>= 7;
    }
    store<u8>(at++, <u8>value);
    this.size = <i32>(at - this.pointer);
  }

  private reserve(more: i32): void {
    if (this.size + more <= this.capacity) return;
    this.capacity = max(this.capacity << 1, this.size + more);
    const pointer = arenaAllocate(this.capacity);
    memory.copy(pointer, this.pointer, this.size);
    this.pointer = pointer;
  }
}

/**
 * Reads a message field by field:
 *
 *     const reader = ProtobufReader.of(message);
 *     while (reader.next()) {
 *       if (reader.field == 1) found = reader.number != 0;
 *     }
 *     if (reader.malformed) ...
 */
@unmanaged
@final
export class ProtobufReader {
  /** Number of the current field, 1 or more. */
  field: u32;
  wireType: WireType;
  /** Value of a varint or fixed-size field; 0 for others. */
  number: u64;
  /** Content of a field with a length, a view into the message; empty for others. */
  content: Bytes;
  /** Whether reading stopped at something that is no message. */
  malformed: bool;

  private at: usize;
  private end: usize;

  static of(message: Bytes): ProtobufReader {
    const reader = changetype<ProtobufReader>(arenaAllocate(offsetof<ProtobufReader>()));
    reader.field = 0;
    reader.wireType = WireType.Varint;
    reader.number = 0;
    reader.content = Bytes.at(0, 0);
    reader.malformed = false;
    reader.at = message.pointer;
    reader.end = message.pointer + message.size;
    return reader;
  }

  /** Goes to the next field. False at the end, and where the message is malformed. */
  next(): bool {
    if (this.malformed || this.at >= this.end) return false;
    const tag = this.varint();
    this.field = <u32>(tag >> 3);
    this.wireType = <WireType>(tag & 7);
    this.number = 0;
    this.content.size = 0;
    if (this.malformed || tag > u32.MAX_VALUE || this.field == 0) return this.fail();
    switch (this.wireType) {
      case WireType.Varint:
        this.number = this.varint();
        return !this.malformed;
      case WireType.I64:
        return this.fixed(8);
      case WireType.I32:
        return this.fixed(4);
      case WireType.Len:
        return this.length();
      default:
        return this.fail();
    }
  }

  private fixed(size: usize): bool {
    if (this.end - this.at < size) return this.fail();
    this.number = size == 8 ? load<u64>(this.at) : load<u32>(this.at);
    this.at += size;
    return true;
  }

  private length(): bool {
    const size = this.varint();
    if (this.malformed || size > <u64>(this.end - this.at)) return this.fail();
    this.content = Bytes.at(this.at, <i32>size);
    this.at += <usize>size;
    return true;
  }

  private varint(): u64 {
    let value: u64 = 0;
    for (let shift: u64 = 0; shift < 70 && this.at < this.end; shift += 7) {
      const byte = load<u8>(this.at++);
      // The tenth byte holds the last of 64 bits.
      if (shift == 63 && byte > 1) break;
      value |= (<u64>(byte & 0x7f)) << shift;
      if (byte < 0x80) return value;
    }
    this.fail();
    return 0;
  }

  private fail(): bool {
    this.malformed = true;
    return false;
  }
}
