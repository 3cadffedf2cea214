import { Bytes } from "../bytes";
import { arenaAllocate } from "../runtime/arena";
import { readVarint, varintEnd } from "./protobuf-varint";
import { MAX_FIELD, WireType, zigZagDecode } from "./protobuf-wire";

/** Groups may be nested this deep, as in protobuf's own readers. */
// @ts-ignore: decorator
@inline const MAX_GROUP_DEPTH: i32 = 100;

/**
 * Reads a message field by field; nothing is copied:
 *
 *     const reader = ProtobufReader.of(message);
 *     while (reader.next()) {
 *       if (reader.field == 1) found = reader.number != 0;
 *       else if (reader.field == 2) name = reader.content.toString();
 *     }
 *     if (reader.malformed) ...
 *
 * A message in a field is read by a reader of its `content`; how deep that goes is up to the caller. What is hostile ends the
 * reading with `malformed`. Fields may come in any order and more than once; the last counts where one is expected. Check
 * `wireType` where another one would mean something: a field of the wrong one has number 0 or content of size 0.
 */
@unmanaged
@final
export class ProtobufReader {
  /** Number of the current field, 1 or more. */
  field: u32;
  wireType: WireType;
  /**
   * Value of a varint or fixed-size field as it is on the wire; 0 for others. It is that of uint32, uint64, bool (not 0), enum and
   * fixed types; cast it for int32, int64 and the sfixed types.
   */
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
    reader.content = Bytes.at(message.pointer, 0);
    reader.malformed = false;
    reader.at = message.pointer;
    reader.end = message.pointer + message.size;
    return reader;
  }

  /** Goes to the next field. False at the end, and where the message is malformed. Groups are passed over. */
  next(): bool {
    while (this.nextOrGroup()) {
      if (this.wireType != WireType.StartGroup) return true;
      if (!this.skipGroup(1)) return false;
    }
    return false;
  }

  /** The number of a field of type sint32 or sint64. */
  get sint(): i64 {
    return zigZagDecode(this.number);
  }

  /** The number of a field of type float. */
  get float(): f32 {
    return reinterpret<f32>(<u32>this.number);
  }

  /** The number of a field of type double. */
  get double(): f64 {
    return reinterpret<f64>(this.number);
  }

  private nextOrGroup(): bool {
    if (this.malformed || this.at >= this.end) return false;
    const tag = this.varint();
    const field = tag >> 3;
    this.field = <u32>field;
    this.wireType = <WireType>(tag & 7);
    this.number = 0;
    if (this.content.size) this.content = Bytes.at(this.at, 0);
    if (this.malformed || field == 0 || field > MAX_FIELD) return this.fail();
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
      case WireType.StartGroup:
        return true;
      default:
        return this.fail();
    }
  }

  /** Goes behind the end of the group that has just begun. */
  private skipGroup(depth: i32): bool {
    if (depth > MAX_GROUP_DEPTH) return this.fail();
    const group = this.field;
    while (this.at < this.end) {
      const start = this.at;
      const tag = this.varint();
      if (this.malformed) return false;
      if ((tag & 7) == WireType.EndGroup) return tag >> 3 == group || this.fail();
      this.at = start;
      if (!this.nextOrGroup()) return false;
      if (this.wireType == WireType.StartGroup && !this.skipGroup(depth + 1)) return false;
    }
    return this.fail();
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
    const value = readVarint(this.at, this.end);
    if (varintEnd) this.at = varintEnd;
    else this.fail();
    return value;
  }

  private fail(): bool {
    this.malformed = true;
    return false;
  }
}
