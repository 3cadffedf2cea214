// Hexadecimal text (RFC 4648, section 8).

import { Bytes } from "../bytes";
import { arenaAllocate } from "../runtime/arena";

/** The bytes as lower-case hex digits, in memory of this callback. */
export function encodeHex(data: Bytes): Bytes {
  const out = arenaAllocate((<usize>data.size) << 1);
  for (let i = 0; i < data.size; ++i) {
    const byte = load<u8>(data.pointer + i);
    store<u8>(out + ((<usize>i) << 1), digit(byte >> 4));
    store<u8>(out + ((<usize>i) << 1), digit(byte & 15), 1);
  }
  return Bytes.at(out, data.size << 1);
}

/** The bytes that hex digits of either case stand for, in memory of this callback. Null when the text is anything else. */
export function decodeHex(text: Bytes): Bytes | null {
  if (text.size & 1) return null;
  const size = text.size >> 1;
  const out = arenaAllocate(size);
  for (let i = 0; i < size; ++i) {
    const high = hexValue(load<u8>(text.pointer + ((<usize>i) << 1)));
    const low = hexValue(load<u8>(text.pointer + ((<usize>i) << 1), 1));
    if ((high | low) < 0) return null;
    store<u8>(out + i, <u8>((high << 4) | low));
  }
  return Bytes.at(out, size);
}

/** The value of a hex digit of either case, or -1. */
export function hexValue(byte: u8): i32 {
  if (<u32>(byte - 0x30) < 10) return byte - 0x30;
  const letter = <u32>(byte | 0x20) - 0x61;
  return letter < 6 ? letter + 10 : -1;
}

// @ts-ignore: decorator
@inline
function digit(value: u8): u8 {
  return value < 10 ? 0x30 + value : 0x57 + value;
}
