import { Bytes } from "../bytes";
import { arenaAllocate } from "../runtime/arena";
import { WireType, zigZagEncode } from "./protobuf-wire";

/** The longest varint. */
// @ts-ignore: decorator
@inline const MAX_VARINT_SIZE: i32 = 10;

/**
 * Writes a message into memory of this callback. Fields are written as they are given, zero and empty ones included; leave them out
 * where the receiver knows no presence.
 *
 *     const writer = ProtobufWriter.create();
 *     const mark = writer.beginMessage(3);
 *     writer.string(1, "nested");
 *     writer.endMessage(mark);
 */
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

  /** What was written so far. */
  get message(): Bytes {
    return Bytes.at(this.pointer, this.size);
  }

  /** For the types uint32, uint64, enum and bool; also int32 and int64, negative numbers sign-extended to 64 bits. */
  varint(field: u32, value: u64): this {
    return this.tag(field, WireType.Varint).raw(value);
  }

  bool(field: u32, value: bool): this {
    return this.varint(field, u64(value));
  }

  /** For the types sint32 and sint64. */
  sint(field: u32, value: i64): this {
    return this.varint(field, zigZagEncode(value));
  }

  /** For the types fixed32 and sfixed32. */
  fixed32(field: u32, value: u32): this {
    return this.tag(field, WireType.I32).raw32(value);
  }

  /** For the types fixed64 and sfixed64. */
  fixed64(field: u32, value: u64): this {
    return this.tag(field, WireType.I64).raw64(value);
  }

  float(field: u32, value: f32): this {
    return this.fixed32(field, reinterpret<u32>(value));
  }

  double(field: u32, value: f64): this {
    return this.fixed64(field, reinterpret<u64>(value));
  }

  /** For the type bytes, and for a message or a packed field that is written already. */
  bytes(field: u32, value: Bytes): this {
    this.tag(field, WireType.Len).raw(value.size);
    this.reserve(value.size);
    memory.copy(this.pointer + this.size, value.pointer, value.size);
    this.size += value.size;
    return this;
  }

  string(field: u32, value: string): this {
    return this.bytes(field, Bytes.utf8(value));
  }

  /** Begins a message in a field, written straight into this one. Hand what it gives to `endMessage`. */
  beginMessage(field: u32): i32 {
    this.tag(field, WireType.Len);
    this.reserve(1);
    return ++this.size;
  }

  /** Ends the message begun last. One of more than 127 bytes is moved by the size of its longer length. */
  endMessage(mark: i32): this {
    const size = this.size - mark;
    const more = varintSize(size) - 1;
    // Growing keeps what is before `size`, so there must be room for the length before `size` goes back to it.
    this.reserve(MAX_VARINT_SIZE);
    if (more) {
      memory.copy(this.pointer + mark + more, this.pointer + mark, size);
    }
    this.size = mark - 1;
    this.raw(size);
    this.size += size;
    return this;
  }

  /** Begins a packed field; `packedVarint` and the like then add its numbers, and `endMessage` ends it. */
  beginPacked(field: u32): i32 {
    return this.beginMessage(field);
  }

  packedVarint(value: u64): this {
    return this.raw(value);
  }

  packedSint(value: i64): this {
    return this.raw(zigZagEncode(value));
  }

  packedFixed32(value: u32): this {
    return this.raw32(value);
  }

  packedFixed64(value: u64): this {
    return this.raw64(value);
  }

  packedFloat(value: f32): this {
    return this.raw32(reinterpret<u32>(value));
  }

  packedDouble(value: f64): this {
    return this.raw64(reinterpret<u64>(value));
  }

  /** An entry of a map from string to string or bytes. Entries of others are messages: the key is field 1, the value field 2. */
  mapEntry(field: u32, key: Bytes, value: Bytes): this {
    const mark = this.beginMessage(field);
    return this.bytes(1, key).bytes(2, value).endMessage(mark);
  }

  private tag(field: u32, type: WireType): this {
    return this.raw(((<u64>field) << 3) | type);
  }

  private raw(value: u64): this {
    this.reserve(MAX_VARINT_SIZE);
    let at = this.pointer + this.size;
    while (value > 0x7f) {
      store<u8>(at++, <u8>(value | 0x80));
      value >>= 7;
    }
    store<u8>(at++, <u8>value);
    this.size = <i32>(at - this.pointer);
    return this;
  }

  private raw32(value: u32): this {
    this.reserve(4);
    store<u32>(this.pointer + this.size, value);
    this.size += 4;
    return this;
  }

  private raw64(value: u64): this {
    this.reserve(8);
    store<u64>(this.pointer + this.size, value);
    this.size += 8;
    return this;
  }

  private reserve(more: i32): void {
    if (this.size + more <= this.capacity) return;
    this.capacity = max(this.capacity << 1, this.size + more);
    const pointer = arenaAllocate(this.capacity);
    memory.copy(pointer, this.pointer, this.size);
    this.pointer = pointer;
  }
}

function varintSize(value: u32): i32 {
  let size = 1;
  while (value > 0x7f) {
    ++size;
    value >>= 7;
  }
  return size;
}
