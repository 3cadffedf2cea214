// Who sends a request: an address without port.

import { Bytes, ConfigObject, HeaderName, Property, requestHeaders } from "proxy-wasm-assemblyscript-sdk";

const SOURCE_ADDRESS: Property = new Property(["source", "address"]);
const X_FORWARDED_FOR: HeaderName = new HeaderName("x-forwarded-for");

// @ts-ignore: decorator
@inline const COLON: u8 = 0x3a;
// @ts-ignore: decorator
@inline const COMMA: u8 = 0x2c;

/** The farthest address from the right of `x-forwarded-for` that can be asked for. */
// @ts-ignore: decorator
@inline const MAX_POSITION: i64 = 32;

/** Reads `xForwardedForPosition`, which may be left out. */
export function readPosition(object: ConfigObject): i32 {
  return <i32>object.integerOr("xForwardedForPosition", 0, MAX_POSITION, 0);
}

/**
 * The client's address, or null where the host does not know it.
 * @param position 0 for the peer of the connection; n for the n-th address from the right of `x-forwarded-for`, as far
 *   as it has so many: a client writes what it likes on the left of what the trusted proxies append.
 */
export function clientAddress(position: i32): Bytes | null {
  if (position > 0) {
    const forwarded = forwardedAddress(position);
    if (forwarded !== null) return withoutPort(forwarded);
  }
  const peer = SOURCE_ADDRESS.bytes();
  return peer === null ? null : withoutPort(peer);
}

/** The n-th address from the right over all lines of the header, or null when there are fewer. */
export function forwardedAddress(position: i32): Bytes | null {
  let wanted = position;
  for (let i = requestHeaders.count - 1; i >= 0; --i) {
    const name = requestHeaders.nameAt(i);
    if (name.size != X_FORWARDED_FOR.size || memory.compare(name.pointer, X_FORWARDED_FOR.pointer, name.size)) continue;
    const line = requestHeaders.valueAt(i);
    const found = fromRight(line, wanted);
    if (found !== null) return found;
    wanted -= countItems(line);
  }
  return null;
}

/** The n-th item from the right of a list with commas, without blanks, or null when there are fewer. */
export function fromRight(list: Bytes, position: i32): Bytes | null {
  let end = list.size;
  for (let i = list.size - 1; i >= -1; --i) {
    if (i >= 0 && list[i] != COMMA) continue;
    if (--position == 0) return list.slice(i + 1, end).trim();
    end = i;
  }
  return null;
}

function countItems(list: Bytes): i32 {
  let count = 1;
  for (let i = 0; i < list.size; ++i) {
    if (list[i] == COMMA) ++count;
  }
  return count;
}

/** `192.0.2.1:80` and `[2001:db8::1]:80` without port and brackets; anything else, also an address of a pipe, as it is. */
export function withoutPort(address: Bytes): Bytes {
  if (address.size > 1 && address[0] == 0x5b) {
    const bracket = address.indexOf(0x5d);
    return bracket < 0 ? address : address.slice(1, bracket);
  }
  const colon = address.indexOf(COLON);
  // More than one colon: an IPv6 address, which has no port without brackets.
  if (colon < 0 || address.indexOf(COLON, colon + 1) >= 0) return address;
  for (let i = colon + 1; i < address.size; ++i) {
    if (<u32>(address[i] - 0x30) > 9) return address;
  }
  return address.slice(0, colon);
}
