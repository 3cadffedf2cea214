// Percent-encoding (RFC 3986, section 2.1).

import { Bytes } from "../bytes";
import { hexValue } from "./hex";

// @ts-ignore: decorator
@inline const PERCENT: u8 = 0x25;
// @ts-ignore: decorator
@inline const PLUS: u8 = 0x2b;

/**
 * Decodes every escape. What is no escape, a `%` at the end for example, stays as it is, as the URL Standard has it
 * ("percent-decode"), so nothing is refused. The result is `text` itself where there is nothing to decode, else in memory
 * of this callback.
 * @param plusIsSpace Whether `+` stands for a space, as in forms and queries.
 */
export function percentDecode(text: Bytes, plusIsSpace: bool = false): Bytes {
  let first = 0;
  while (first < text.size && !isCoded(load<u8>(text.pointer + first), plusIsSpace)) ++first;
  if (first == text.size) return text;
  const out = Bytes.allocate(text.size);
  memory.copy(out.pointer, text.pointer, first);
  let size = first;
  for (let at = first; at < text.size;) {
    store<u8>(out.pointer + size++, decodedAt(text, at, plusIsSpace));
    at += escapeAt(text, at) >= 0 ? 3 : 1;
  }
  return out.slice(0, size);
}

/**
 * Escapes every byte but letters, digits, `-._~` and those in `kept`. Hex digits are upper case. The result is in memory of
 * this callback.
 * @param kept ASCII; for a path, for example, `/:@!$&'()*+,;=`.
 */
export function percentEncode(data: Bytes, kept: string = ""): Bytes {
  const out = Bytes.allocate(3 * data.size);
  let at = out.pointer;
  for (let i = 0; i < data.size; ++i) {
    const byte = load<u8>(data.pointer + i);
    if (isUnreserved(byte) || contains(kept, byte)) {
      store<u8>(at++, byte);
      continue;
    }
    store<u8>(at, PERCENT);
    store<u8>(at, upperHexDigit(byte >> 4), 1);
    store<u8>(at, upperHexDigit(byte & 15), 2);
    at += 3;
  }
  return out.slice(0, <i32>(at - out.pointer));
}

/** The byte that the escape at a place stands for, or -1 where there is no whole escape. */
export function escapeAt(text: Bytes, at: i32): i32 {
  if (at < 0 || at + 2 >= text.size || load<u8>(text.pointer + at) != PERCENT) return -1;
  const high = hexValue(load<u8>(text.pointer + at, 1));
  const low = hexValue(load<u8>(text.pointer + at, 2));
  return (high | low) < 0 ? -1 : (high << 4) | low;
}

/** Whether a text with escapes, `+` for spaces included, stands for `plain`. Nothing is allocated. */
export function decodesTo(text: Bytes, plain: Bytes, plusIsSpace: bool): bool {
  let size = 0;
  for (let at = 0; at < text.size; ++size) {
    if (size == plain.size) return false;
    if (decodedAt(text, at, plusIsSpace) != load<u8>(plain.pointer + size)) return false;
    at += escapeAt(text, at) >= 0 ? 3 : 1;
  }
  return size == plain.size;
}

/** Letters, digits and `-._~`, which mean the same escaped or not (RFC 3986, section 2.3). */
export function isUnreserved(byte: u8): bool {
  if (<u32>((byte | 0x20) - 0x61) < 26 || <u32>(byte - 0x30) < 10) return true;
  return byte == 0x2d || byte == 0x2e || byte == 0x5f || byte == 0x7e;
}

/** The upper-case digit of a number below 16. */
export function upperHexDigit(value: u8): u8 {
  return value < 10 ? 0x30 + value : 0x37 + value;
}

// @ts-ignore: decorator
@inline
function isCoded(byte: u8, plusIsSpace: bool): bool {
  return byte == PERCENT || (plusIsSpace && byte == PLUS);
}

function decodedAt(text: Bytes, at: i32, plusIsSpace: bool): u8 {
  const byte = load<u8>(text.pointer + at);
  if (byte == PLUS && plusIsSpace) return 0x20;
  if (byte != PERCENT) return byte;
  const code = escapeAt(text, at);
  return code < 0 ? byte : <u8>code;
}

function contains(text: string, byte: u8): bool {
  for (let i = 0; i < text.length; ++i) {
    if (text.charCodeAt(i) == byte) return true;
  }
  return false;
}
