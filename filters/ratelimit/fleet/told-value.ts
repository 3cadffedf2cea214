import { Bytes, encodeHex, isUtf8, sha256 } from "proxy-wasm-assemblyscript-sdk";

const HASHED: Uint8Array = Bytes.utf8("sha256:").copy();

/**
 * A value of a request as a service is told of it. What is no UTF-8, which a message must not hold, and what is longer than
 * `maxSize` is told by its hash: a service would refuse the message, and with it all limits of the request.
 */
export function toldValue(value: Bytes, maxSize: i32): Bytes {
  if (value.size <= maxSize && isUtf8(value.pointer, value.size)) return value;
  const hex = encodeHex(sha256(value));
  const told = Bytes.allocate(HASHED.length + hex.size);
  memory.copy(told.pointer, HASHED.dataStart, HASHED.length);
  memory.copy(told.pointer + HASHED.length, hex.pointer, hex.size);
  return told;
}
