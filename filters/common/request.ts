// The request that is being looked at.

import { Bytes, HeaderName, normalizePath, requestHeaders } from "proxy-wasm-assemblyscript-sdk";

const PATH: HeaderName = new HeaderName(":path");

let seen: bool = false;
let path: Bytes = changetype<Bytes>(0);

/** Says that another request comes. To be called first in `onRequestHeaders`. */
export function beginRequest(): void {
  seen = false;
}

/** The path without query, normalised (see `normalizePath`), worked out once for a request; empty where there is none. */
export function requestPath(): Bytes {
  if (!seen) {
    const target = requestHeaders.find(PATH);
    path = target === null ? Bytes.at(0, 0) : normalizePath(target);
    seen = true;
  }
  return path;
}
