// Base64 (RFC 4648, sections 4 and 5). Only the one canonical text of some bytes is read: no blanks, no line ends, unused
// bits zero, padding exactly as the variant has it.

import { Bytes } from "../bytes";
import { arenaAllocate } from "../runtime/arena";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const PADDING: u8 = 0x3d;

/** Base64 with padding, in memory of this callback. */
export function encodeBase64(data: Bytes): Bytes {
  return encode(data, 0x2b, 0x2f, true);
}

/** Base64url without padding, as JOSE uses it (RFC 7515, section 2), in memory of this callback. */
export function encodeBase64Url(data: Bytes): Bytes {
  return encode(data, 0x2d, 0x5f, false);
}

/** Reads base64 with padding; the result is in memory of this callback. Null when the text is not canonical. */
export function decodeBase64(text: Bytes): Bytes | null {
  if (text.size & 3) return null;
  let size = text.size;
  if (size && load<u8>(text.pointer + size - 1) == PADDING) --size;
  if (size < text.size && load<u8>(text.pointer + size - 1) == PADDING) --size;
  return decode(text.pointer, size, 0x2b, 0x2f);
}

/** Reads base64url without padding; the result is in memory of this callback. Null when the text is not canonical. */
export function decodeBase64Url(text: Bytes): Bytes | null {
  return decode(text.pointer, text.size, 0x2d, 0x5f);
}

function encode(data: Bytes, digit62: u8, digit63: u8, padded: bool): Bytes {
  const rest = data.size % 3;
  const whole = data.size - rest;
  const pointer = arenaAllocate((<usize>data.size / 3 + 1) * 4);
  let out = pointer;
  for (let i = 0; i < whole; i += 3, out += 4) {
    const at = data.pointer + i;
    const bits = ((<u32>load<u8>(at)) << 16) | ((<u32>load<u8>(at, 1)) << 8) | load<u8>(at, 2);
    store<u8>(out, digit(bits >> 18, digit62, digit63));
    store<u8>(out, digit((bits >> 12) & 63, digit62, digit63), 1);
    store<u8>(out, digit((bits >> 6) & 63, digit62, digit63), 2);
    store<u8>(out, digit(bits & 63, digit62, digit63), 3);
  }
  if (rest) {
    const at = data.pointer + whole;
    const bits = ((<u32>load<u8>(at)) << 16) | (rest == 2 ? (<u32>load<u8>(at, 1)) << 8 : 0);
    store<u8>(out++, digit(bits >> 18, digit62, digit63));
    store<u8>(out++, digit((bits >> 12) & 63, digit62, digit63));
    if (rest == 2) store<u8>(out++, digit((bits >> 6) & 63, digit62, digit63));
    else if (padded) store<u8>(out++, PADDING);
    if (padded) store<u8>(out++, PADDING);
  }
  return Bytes.at(pointer, <i32>(out - pointer));
}

function decode(text: usize, length: i32, digit62: u8, digit63: u8): Bytes | null {
  const rest = length & 3;
  if (rest == 1) return null;
  const table = tableOf(digit62, digit63);
  const whole = text + (length - rest);
  const size = (length >> 2) * 3 + (rest ? rest - 1 : 0);
  const pointer = arenaAllocate(size);
  let out = pointer;
  let at = text;
  // Four digits at a time; what is no digit shows in the sign.
  for (; at < whole; at += 4, out += 3) {
    const bits =
      (valueOf(table, at) << 18) |
      (valueOf(table, at + 1) << 12) |
      (valueOf(table, at + 2) << 6) |
      valueOf(table, at + 3);
    if (bits < 0) return null;
    store<u8>(out, <u8>(bits >> 16));
    store<u8>(out, <u8>(bits >> 8), 1);
    store<u8>(out, <u8>bits, 2);
  }
  if (rest) {
    const bits = (valueOf(table, at) << 12) | (valueOf(table, at + 1) << 6) | (rest == 3 ? valueOf(table, at + 2) : 0);
    // The bits that no byte takes are zero.
    if (bits < 0 || bits & (rest == 3 ? 0x3 : 0x3ff)) return null;
    store<u8>(out, <u8>(bits >> 10));
    if (rest == 3) store<u8>(out, <u8>(bits >> 2), 1);
  }
  return Bytes.at(pointer, size);
}

const standardTable: usize = memory.data(256);
const urlTable: usize = memory.data(256);
/** `B`, whose value is not 0: so a table that is not filled is known. */
// @ts-ignore: decorator
@inline const FILLED: usize = 0x42;

/** The value of each byte as a digit; -1 for what is none. */
function tableOf(digit62: u8, digit63: u8): usize {
  const table = digit62 == 0x2b ? standardTable : urlTable;
  if (load<u8>(table + FILLED)) return table;
  memory.fill(table, 0xff, 256);
  for (let i = 0; i < 64; ++i) store<i8>(table + digit(i, digit62, digit63), <i8>i);
  return table;
}

// @ts-ignore: decorator
@inline
function digit(value: u32, digit62: u8, digit63: u8): u8 {
  if (value < 62) return <u8>ALPHABET.charCodeAt(value);
  return value == 62 ? digit62 : digit63;
}

// @ts-ignore: decorator
@inline
function valueOf(table: usize, at: usize): i32 {
  return <i32>load<i8>(table + load<u8>(at));
}
