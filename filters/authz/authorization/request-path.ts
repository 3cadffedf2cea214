// One meaning for a path, or none.
//
// A filter that reads a path in another way than the service behind it lets requests by that the rules forbid
// (CVE-2019-9901, CVE-2020-8595, CVE-2021-29492, CVE-2021-31920). So rules see the path decoded and resolved, and a
// path that two servers could read in two ways is refused.

import { Bytes, escapeAt, pathOf } from "proxy-wasm-assemblyscript-sdk";

// @ts-ignore: decorator
@inline const SLASH: u8 = 0x2f;
// @ts-ignore: decorator
@inline const BACKSLASH: u8 = 0x5c;
// @ts-ignore: decorator
@inline const DOT: u8 = 0x2e;
// @ts-ignore: decorator
@inline const PERCENT: u8 = 0x25;
// @ts-ignore: decorator
@inline const SEMICOLON: u8 = 0x3b;

/** A path as rules see it. */
@unmanaged
@final
export class RequestPath {
  /** Decoded, without query, fragment, dot segments and repeated slashes. */
  path: Bytes;
  /**
   * The same without the parameters of its segments (`/a;v=1/b` is `/a/b`), as some servers read it; the same object as
   * `path` where there are none.
   */
  bare: Bytes;

  get hasParameters(): bool {
    return changetype<usize>(this.path) != changetype<usize>(this.bare);
  }
}

const result: RequestPath = changetype<RequestPath>(memory.data(offsetof<RequestPath>()));

/**
 * Reads the target of a request. Null when it does not begin with a slash (as that of CONNECT and `OPTIONS *`), or has a
 * control character, a malformed escape, an escaped slash, backslash or NUL, a backslash, an escape of an escape, the
 * segment `..`, or a dot segment with parameters. The result is overwritten by the next call.
 */
export function readRequestPath(target: Bytes): RequestPath | null {
  const raw = pathOf(target);
  if (raw.size == 0 || raw[0] != SLASH) return null;
  let plain = true;
  let before: u8 = 0;
  for (let i = 0; i < raw.size; ++i) {
    const byte = raw[i];
    if (byte < 0x20 || byte == 0x7f || byte == BACKSLASH) return null;
    if (byte == PERCENT || byte == SEMICOLON || (before == SLASH && (byte == SLASH || byte == DOT))) plain = false;
    before = byte;
  }
  if (plain) {
    result.path = raw;
    result.bare = raw;
    return result;
  }

  const decoded = decodeEscapes(raw);
  if (decoded === null) return null;
  const path = resolve(decoded);
  if (path === null) return null;
  let bare = path;
  if (decoded.indexOf(SEMICOLON) >= 0) {
    const stripped = withoutParameters(decoded);
    const resolved: Bytes | null = stripped === null ? null : resolve(stripped);
    if (resolved === null) return null;
    bare = resolved;
  }
  result.path = path;
  result.bare = bare;
  return result;
}

/** Decodes every escape. Null for one that is malformed, that hides a separator or a NUL, or where another escape comes of it. */
function decodeEscapes(raw: Bytes): Bytes | null {
  const out = Bytes.allocate(raw.size);
  let size = 0;
  for (let i = 0; i < raw.size; ++i) {
    let byte = raw[i];
    if (byte == PERCENT) {
      const code = escapeAt(raw, i);
      if (code <= 0 || code == SLASH || code == BACKSLASH) return null;
      byte = <u8>code;
      i += 2;
    }
    out[size++] = byte;
    if (size >= 3 && out[size - 3] == PERCENT && escapeAt(out, size - 3) >= 0) return null;
  }
  return out.slice(0, size);
}

/**
 * Removes empty segments and `.`. Null where there is `..`: `/a/../b` is `/b` to a server that resolves it (RFC 3986,
 * section 5.2.4), and below `/a` to one that routes by the path as it stands.
 */
function resolve(path: Bytes): Bytes | null {
  const out = Bytes.allocate(path.size);
  let size = 0;
  let start = 1;
  while (start <= path.size) {
    const slash = path.indexOf(SLASH, start);
    const end = slash < 0 ? path.size : slash;
    const length = end - start;
    const dots = dotSegment(path, start, length);
    if (dots == 2) return null;
    if (dots == 0 && length > 0) {
      out[size++] = SLASH;
      for (let i = start; i < end; ++i) out[size++] = path[i];
    }
    // What ends with a slash or a dot segment is a folder, and stays one.
    if (slash < 0 && (length == 0 || dots > 0)) out[size++] = SLASH;
    start = end + 1;
  }
  return out.slice(0, size);
}

/** 1 for `.`, 2 for `..`, else 0. */
function dotSegment(path: Bytes, start: i32, length: i32): i32 {
  if (length == 0 || length > 2 || path[start] != DOT) return 0;
  return length == 1 ? 1 : path[start + 1] == DOT ? 2 : 0;
}

/** Cuts each segment of a decoded path at its first `;`. Null where a dot segment or an empty one comes of it. */
function withoutParameters(path: Bytes): Bytes | null {
  const out = Bytes.allocate(path.size);
  let size = 0;
  let start = 1;
  while (start <= path.size) {
    const slash = path.indexOf(SLASH, start);
    const end = slash < 0 ? path.size : slash;
    const semicolon = path.indexOf(SEMICOLON, start);
    const cut = semicolon >= 0 && semicolon < end ? semicolon : end;
    if (cut < end && (cut == start || dotSegment(path, start, cut - start))) return null;
    out[size++] = SLASH;
    for (let i = start; i < cut; ++i) out[size++] = path[i];
    start = end + 1;
  }
  return out.slice(0, size);
}
