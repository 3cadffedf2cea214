// Reading cookies (RFC 6265, section 4.2.1) that a client may have written in any way it liked.

import { Bytes, HeaderName, requestHeaders } from "proxy-wasm-assemblyscript-sdk";

const COOKIE: HeaderName = new HeaderName("cookie");

/** The value of the first cookie of a name in all `cookie` headers of the request, or null. */
export function requestCookie(name: Bytes): Bytes | null {
  for (let i = requestHeaders.indexOfName(COOKIE); i >= 0; i = requestHeaders.indexOfName(COOKIE, i + 1)) {
    const value = cookieValue(requestHeaders.valueAt(i), name);
    if (value !== null) return value;
  }
  return null;
}

/**
 * The value of the first cookie of a name in one header, as it is written there, or null.
 * A part without `=` is no cookie of any name, and is passed over.
 */
export function cookieValue(header: Bytes, name: Bytes): Bytes | null {
  let start = 0;
  while (start <= header.size) {
    const semicolon = header.indexOf(0x3b, start);
    const end = semicolon < 0 ? header.size : semicolon;
    const pair = header.slice(start, end);
    const equals = pair.indexOf(0x3d);
    if (equals >= 0 && pair.slice(0, equals).trim().equals(name)) return pair.slice(equals + 1).trim();
    start = end + 1;
  }
  return null;
}
