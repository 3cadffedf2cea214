import { Bytes } from "proxy-wasm-assemblyscript-sdk";

/** Whether nothing in a value ends a header (RFC 9110, section 5.5, less strict: bytes beyond ASCII, and blanks at its ends). */
export function isFieldValue(value: Bytes): bool {
  for (let i = 0; i < value.size; ++i) {
    const byte = value[i];
    if ((byte < 0x20 && byte != 0x09) || byte == 0x7f) return false;
  }
  return true;
}
