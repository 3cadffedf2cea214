// The parts of a request target, the pseudo-header `:path` for example.

import { Bytes } from "../bytes";
import { arenaAllocate } from "../runtime/arena";

// @ts-ignore: decorator
@inline const SLASH: u8 = 0x2f;
// @ts-ignore: decorator
@inline const QUESTION: u8 = 0x3f;
// @ts-ignore: decorator
@inline const HASH: u8 = 0x23;

/**
 * A request target (RFC 9112, section 3.2) in its parts, which are views of it; nothing is decoded or checked.
 * Of a target in absolute form (`http://host/path?query`) the authority is given, and the path is what follows.
 * `*` and `host:port` of CONNECT are all path.
 */
@unmanaged
@final
export class RequestTarget {
  /** Host and port of the absolute form; null for others. */
  authority: Bytes | null;
  /** Up to the query and the fragment. May be empty. */
  path: Bytes;
  /** Behind the `?`; null where there is none, which is not the same as empty. */
  query: Bytes | null;
  /** Behind the `#`; Envoy refuses requests with one unless it is told otherwise. */
  fragment: Bytes | null;

  static of(target: Bytes): RequestTarget {
    const parts = changetype<RequestTarget>(arenaAllocate(offsetof<RequestTarget>()));
    const start = authorityStart(target);
    const pathStart = start < 0 ? 0 : start + authoritySize(target, start);
    const path = pathOf(target.slice(pathStart));
    const pathEnd = pathStart + path.size;
    const hash = target.indexOf(HASH, pathEnd);
    const end = hash < 0 ? target.size : hash;
    parts.authority = start < 0 ? null : target.slice(start, pathStart);
    parts.path = path;
    parts.query = pathEnd < end ? target.slice(pathEnd + 1, end) : null;
    parts.fragment = hash < 0 ? null : target.slice(hash + 1);
    return parts;
  }
}

/** The path of a target that is not in absolute form: what comes before the first `?` or `#`. */
export function pathOf(target: Bytes): Bytes {
  let size = 0;
  while (size < target.size && !isPathEnd(load<u8>(target.pointer + size))) ++size;
  return size == target.size ? target : target.slice(0, size);
}

/** Where the authority of the absolute form begins, or -1. */
function authorityStart(target: Bytes): i32 {
  const colon = target.indexOf(0x3a);
  if (colon < 1 || colon + 2 >= target.size) return -1;
  if (target[colon + 1] != SLASH || target[colon + 2] != SLASH) return -1;
  if (<u32>((target[0] | 0x20) - 0x61) > 25) return -1;
  for (let i = 1; i < colon; ++i) {
    const byte = target[i];
    const isLetterOrDigit = <u32>((byte | 0x20) - 0x61) < 26 || <u32>(byte - 0x30) < 10;
    if (!isLetterOrDigit && byte != 0x2b && byte != 0x2d && byte != 0x2e) return -1;
  }
  return colon + 3;
}

function authoritySize(target: Bytes, start: i32): i32 {
  let end = start;
  while (end < target.size && target[end] != SLASH && !isPathEnd(target[end])) ++end;
  return end - start;
}

// @ts-ignore: decorator
@inline
function isPathEnd(byte: u8): bool {
  return byte == QUESTION || byte == HASH;
}
