// Comparing what a request holds with what the configuration says.

import { Bytes } from "proxy-wasm-assemblyscript-sdk";

export function sameBytes(bytes: Bytes, expected: Uint8Array): bool {
  return bytes.size == expected.length && hasAt(bytes, 0, expected);
}

/** Whether `expected` stands at a place where `bytes` has room for it. */
export function hasAt(bytes: Bytes, at: i32, expected: Uint8Array): bool {
  return memory.compare(bytes.pointer + at, expected.dataStart, expected.length) == 0;
}

/** Whether `bytes` has an ASCII text at a place, with no regard to the case of letters. */
export function hasIgnoreCaseAt(bytes: Bytes, at: i32, text: string): bool {
  return bytes.size - at >= text.length && bytes.slice(at, at + text.length).isIgnoreCase(text);
}

/** Whether a value can be that of a header as it is: nothing that ends it, nothing at its ends that HTTP takes away. */
export function isHeaderValue(bytes: Bytes): bool {
  for (let i = 0; i < bytes.size; ++i) {
    const byte = load<u8>(bytes.pointer + i);
    if (byte < 0x20 || byte == 0x7f) return false;
  }
  return bytes.trim().size == bytes.size;
}

/** Whether a text can stand between quotes in a header (RFC 9110, section 5.6.4) as it is. */
export function isQuotable(text: string): bool {
  for (let i = 0; i < text.length; ++i) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e || code == 0x22 || code == 0x5c) return false;
  }
  return true;
}

/** Letters, digits, `-`, `.` and `_`, at least one: what needs no escape anywhere. */
export function isWord(text: string): bool {
  for (let i = 0; i < text.length; ++i) {
    const code = text.charCodeAt(i);
    if (<u32>((code | 0x20) - 0x61) >= 26 && <u32>(code - 0x30) >= 10 && !"-._".includes(text.charAt(i))) return false;
  }
  return text.length > 0;
}

/** Whether a name is that of a header, also with `_` for `-`, which CGI and its heirs take for the same. */
export function isLoosely(name: Bytes, expected: string): bool {
  if (name.size != expected.length) return false;
  for (let i = 0; i < name.size; ++i) {
    if (unified(name[i]) != unified(expected.charCodeAt(i))) return false;
  }
  return true;
}

// @ts-ignore: decorator
@inline
function unified(code: i32): i32 {
  return code == 0x5f ? 0x2d : code;
}
