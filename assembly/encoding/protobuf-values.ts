// What a field with a length can hold beside text and messages.

import { Bytes } from "../bytes";
import { arenaAllocate } from "../runtime/arena";
import { ProtobufReader } from "./protobuf-reader";
import { WireType, zigZagDecode } from "./protobuf-wire";
import { readVarint, varintEnd } from "./protobuf-varint";

/**
 * The numbers of a repeated field, packed or not, from one occurrence of it. A field may occur several times; its numbers are
 * those of all.
 */
@unmanaged
@final
export class ProtobufScalars {
  /** The current number as it is on the wire; see `ProtobufReader.number`. */
  number: u64;
  /** Whether reading stopped at something that is no number of this type. */
  malformed: bool;

  /** Whether `number` is the only one and still to come. */
  private single: bool;
  private type: WireType;
  private at: usize;
  private end: usize;

  /**
   * The numbers in the current field of a reader, packed or, as older writers have them, one by itself.
   * @param type Of one number: Varint, I32 or I64.
   */
  static of(reader: ProtobufReader, type: WireType): ProtobufScalars {
    if (reader.wireType == WireType.Len) return ProtobufScalars.packed(reader.content, type);
    const scalars = ProtobufScalars.packed(reader.content, type);
    scalars.malformed = reader.wireType != type;
    scalars.single = true;
    scalars.number = reader.number;
    return scalars;
  }

  /** @param type Of one number: Varint, I32 or I64. */
  static packed(content: Bytes, type: WireType): ProtobufScalars {
    const scalars = changetype<ProtobufScalars>(arenaAllocate(offsetof<ProtobufScalars>()));
    scalars.number = 0;
    scalars.single = false;
    scalars.malformed = type != WireType.Varint && type != WireType.I32 && type != WireType.I64;
    scalars.type = type;
    scalars.at = content.pointer;
    scalars.end = content.pointer + content.size;
    return scalars;
  }

  /** Goes to the next number. False at the end, and where the field is malformed. */
  next(): bool {
    if (this.malformed) return false;
    if (this.single) {
      this.single = false;
      return true;
    }
    if (this.at >= this.end) return false;
    if (this.type == WireType.Varint) {
      this.number = readVarint(this.at, this.end);
      this.at = varintEnd;
      this.malformed = varintEnd == 0;
      return !this.malformed;
    }
    const size: usize = this.type == WireType.I32 ? 4 : 8;
    this.malformed = this.end - this.at < size;
    if (this.malformed) return false;
    this.number = size == 4 ? load<u32>(this.at) : load<u64>(this.at);
    this.at += size;
    return true;
  }

  get sint(): i64 {
    return zigZagDecode(this.number);
  }

  get float(): f32 {
    return reinterpret<f32>(<u32>this.number);
  }

  get double(): f64 {
    return reinterpret<f64>(this.number);
  }
}

/** An entry of a map. What the entry leaves out is empty or 0. */
@unmanaged
@final
export class ProtobufMapEntry {
  /** A key that is a string; empty for a number. */
  key: Bytes;
  /** A key that is a number. */
  keyNumber: u64;
  /** A value that is a string, bytes or a message; empty for a number. */
  value: Bytes;
  /** A value that is a number. */
  valueNumber: u64;

  /** Reads the content of a map's field. Null when it is malformed. */
  static read(content: Bytes): ProtobufMapEntry | null {
    const entry = changetype<ProtobufMapEntry>(arenaAllocate(offsetof<ProtobufMapEntry>()));
    entry.key = content.slice(0, 0);
    entry.keyNumber = 0;
    entry.value = content.slice(0, 0);
    entry.valueNumber = 0;
    const reader = ProtobufReader.of(content);
    while (reader.next()) {
      if (reader.field == 1) {
        entry.key = reader.content;
        entry.keyNumber = reader.number;
      } else if (reader.field == 2) {
        entry.value = reader.content;
        entry.valueNumber = reader.number;
      }
    }
    return reader.malformed ? null : entry;
  }
}
