import { Bytes, isUtf8 } from "proxy-wasm-assemblyscript-sdk";

/**
 * The bytes with `!` in place of each that is no part of well-formed UTF-8, as Envoy writes them for an authorizer: a field of type
 * `string` takes nothing else.
 */
export function wellFormed(bytes: Bytes): Bytes {
  if (isUtf8(bytes.pointer, bytes.size)) return bytes;
  const out = Bytes.allocate(bytes.size);
  let at = 0;
  while (at < bytes.size) {
    const size = characterSize(bytes, at);
    if (size) memory.copy(out.pointer + at, bytes.pointer + at, size);
    else store<u8>(out.pointer + at, 0x21);
    at += max(size, 1);
  }
  return out;
}

/** Size of the character at a place, 0 when there is none. */
function characterSize(bytes: Bytes, at: i32): i32 {
  for (let size = 1; size <= 4 && at + size <= bytes.size; ++size) {
    if (isUtf8(bytes.pointer + at, size)) return size;
  }
  return 0;
}
