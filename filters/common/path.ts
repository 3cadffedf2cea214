// One form for all spellings of a path.

import { Bytes, hexValue } from "proxy-wasm-assemblyscript-sdk";

// @ts-ignore: decorator
@inline const SLASH: u8 = 0x2f;
// @ts-ignore: decorator
@inline const DOT: u8 = 0x2e;
// @ts-ignore: decorator
@inline const PERCENT: u8 = 0x25;
// @ts-ignore: decorator
@inline const BACKSLASH: u8 = 0x5c;

/**
 * The path of a request target, without query and fragment, so that two spellings of one path give the same bytes
 * (RFC 3986, section 6.2.2, and what Envoy does with `normalize_path` and `merge_slashes`): escaped letters, digits and
 * `-._~` are decoded, other escapes written in upper case, `\` taken for `/`, runs of slashes merged, and `.` and `..`
 * resolved. `%2F` stays as it is. A target that does not begin with a slash, such as `*`, is left alone.
 */
export function normalizePath(target: Bytes): Bytes {
  const path = target.slice(0, pathSize(target));
  if (path.size == 0 || !isSlash(path[0]) || isNormal(path)) return path;

  // No step makes the path longer.
  const out = Bytes.allocate(path.size);
  let size = 0;
  for (let at = 0; at < path.size;) {
    const byte = decodedAt(path, at);
    at += escapeSize(path, at, byte);
    if (isSlash(byte)) {
      size = endSegment(out, size);
      if (size == 0 || out[size - 1] != SLASH) out[size++] = SLASH;
    } else if (byte == PERCENT) {
      // An escape that stays: three bytes, unless it is malformed.
      const end = isEscape(path, at - 1) ? at + 2 : at;
      out[size++] = PERCENT;
      for (; at < end; ++at) out[size++] = upperHex(path[at]);
    } else {
      out[size++] = byte;
    }
  }
  return out.slice(0, endSegment(out, size));
}

/** Resolves a `.` or `..` that ends at `size`; gives the size that is left, which then ends with a slash. */
function endSegment(out: Bytes, size: i32): i32 {
  let start = size;
  while (start > 0 && out[start - 1] != SLASH) --start;
  const length = size - start;
  if (length == 1 && out[start] == DOT) return start;
  if (length != 2 || out[start] != DOT || out[start + 1] != DOT) return size;
  if (start <= 1) return start;
  let parent = start - 1;
  while (parent > 0 && out[parent - 1] != SLASH) --parent;
  return parent;
}

function pathSize(target: Bytes): i32 {
  for (let i = 0; i < target.size; ++i) {
    const byte = target[i];
    if (byte == 0x3f || byte == 0x23) return i;
  }
  return target.size;
}

/** Whether nothing is to be done: the case of nearly every request. */
function isNormal(path: Bytes): bool {
  let before: u8 = 0;
  for (let i = 0; i < path.size; ++i) {
    const byte = path[i];
    if (byte == PERCENT || byte == BACKSLASH) return false;
    if (before == SLASH && (byte == SLASH || byte == DOT)) return false;
    before = byte;
  }
  return true;
}

/** The byte at a place, with an escape of an unreserved character decoded. */
function decodedAt(path: Bytes, at: i32): u8 {
  if (!isEscape(path, at)) return path[at];
  const code = (hexValue(path[at + 1]) << 4) | hexValue(path[at + 2]);
  return isUnreserved(code) ? <u8>code : PERCENT;
}

/** How many bytes `decodedAt` took. */
function escapeSize(path: Bytes, at: i32, decoded: u8): i32 {
  return path[at] == PERCENT && decoded != PERCENT ? 3 : 1;
}

function isEscape(path: Bytes, at: i32): bool {
  return (
    at >= 0 && at + 2 < path.size && path[at] == PERCENT && hexValue(path[at + 1]) >= 0 && hexValue(path[at + 2]) >= 0
  );
}

function upperHex(byte: u8): u8 {
  return byte >= 0x61 ? byte - 0x20 : byte;
}

/** RFC 3986, section 2.3. */
function isUnreserved(code: i32): bool {
  if (<u32>((code | 0x20) - 0x61) < 26 || <u32>(code - 0x30) < 10) return true;
  return code == 0x2d || code == 0x2e || code == 0x5f || code == 0x7e;
}

function isSlash(byte: u8): bool {
  return byte == SLASH || byte == BACKSLASH;
}
