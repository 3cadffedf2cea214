// Paths in one form, whatever their spelling: as Envoy normalises them, and further.
//
// What Envoy does was measured: test/path.test.ts runs its options beside this code.

import { Bytes } from "./bytes";
import { hexValue } from "./encoding/hex";
import { escapeAt, isUnreserved, upperHexDigit } from "./encoding/percent";
import { pathOf } from "./url/target";

// @ts-ignore: decorator
@inline const SLASH: u8 = 0x2f;
// @ts-ignore: decorator
@inline const DOT: u8 = 0x2e;
// @ts-ignore: decorator
@inline const PERCENT: u8 = 0x25;
// @ts-ignore: decorator
@inline const BACKSLASH: u8 = 0x5c;
// @ts-ignore: decorator
@inline const SEMICOLON: u8 = 0x3b;

/** The values of Envoy's `path_with_escaped_slashes_action`; Envoy's own default keeps them unchanged. */
export enum EscapedSlashes {
  KeepUnchanged,
  RejectRequest,
  UnescapeAndRedirect,
  UnescapeAndForward,
}

/** What `normalizePath` found. */
export enum PathVerdict {
  /** The request goes on, with the path as it was normalised. */
  Accept,
  /** The request is answered with 400. */
  Reject,
  /** The client is sent to the path as it was normalised, with 307. */
  Redirect,
}

/**
 * What Envoy's HTTP connection manager does to a path before any filter sees it, by its options of the same names. For filters
 * that must know the path of a listener that does not normalise, or of a URL that came in a header.
 */
@final
export class PathNormalizer {
  /** What `normalize` made of the last target, query included. In memory of this callback. */
  path: Bytes = changetype<Bytes>(0);

  constructor(
    readonly normalizePath: bool = true,
    readonly mergeSlashes: bool = false,
    readonly escapedSlashes: EscapedSlashes = EscapedSlashes.KeepUnchanged,
  ) {}

  /** @param target A `:path`; one that does not begin with a slash is rejected, as Envoy does for all methods but CONNECT and OPTIONS. */
  normalize(target: Bytes): PathVerdict {
    this.path = target;
    if (target.size == 0 || target[0] != SLASH) return PathVerdict.Reject;
    let path = pathOf(target);
    const rest = target.slice(path.size);
    let verdict = PathVerdict.Accept;
    if (this.escapedSlashes != EscapedSlashes.KeepUnchanged) {
      const unescaped = unescapeSlashes(path);
      if (unescaped !== path) {
        if (this.escapedSlashes == EscapedSlashes.RejectRequest) return PathVerdict.Reject;
        if (this.escapedSlashes == EscapedSlashes.UnescapeAndRedirect) verdict = PathVerdict.Redirect;
      }
      path = unescaped;
    }
    if (this.normalizePath) {
      const canonical = canonicalPath(path);
      if (canonical === null) return PathVerdict.Reject;
      path = canonical;
    }
    if (this.mergeSlashes) path = mergeSlashes(path);
    this.path = joined(path, rest);
    return verdict;
  }
}

/**
 * The path of a request target, without query and fragment, so that two spellings of one path give the same bytes
 * (RFC 3986, section 6.2.2, and Envoy's `normalize_path` and `merge_slashes` together): escaped letters, digits and
 * `-._~` are decoded, other escapes written in upper case, `\` taken for `/`, runs of slashes merged, and `.` and `..`
 * resolved. `%2F` stays as it is. A target that does not begin with a slash, such as `*`, is left alone.
 */
export function normalizePath(target: Bytes): Bytes {
  const path = pathOf(target);
  if (path.size == 0 || !isSlash(path[0]) || isNormal(path)) return path;
  return resolve(path, true);
}

/**
 * What `normalize_path` makes of a path without query; null where Envoy rejects it, that is with `%00`. Runs of slashes stay, and
 * so do escapes of reserved characters, in their case. A dot segment with parameters (`/..;a`) counts as one, as it does from
 * Envoy 1.40 on. The same object where there is nothing to do.
 */
export function canonicalPath(path: Bytes): Bytes | null {
  let plain = true;
  for (let i = 0; i < path.size && plain; ++i) {
    const byte = path[i];
    plain = byte != PERCENT && byte != BACKSLASH && !isEscaped(byte) && (byte != DOT || i == 0 || path[i - 1] != SLASH);
  }
  if (plain) return path;
  const bare = withoutDotParameters(path);
  for (let i = bare.indexOf(PERCENT); i >= 0; i = bare.indexOf(PERCENT, i + 1)) {
    if (escapeAt(bare, i) == 0) return null;
  }
  return resolve(bare, false);
}

/** What `merge_slashes` makes of a path without query. `//` stays, as it does in Envoy. */
export function mergeSlashes(path: Bytes): Bytes {
  const out = Bytes.allocate(path.size + 1);
  let size = 0;
  for (let i = 0; i < path.size; ++i) {
    if (path[i] != SLASH || size == 0 || out[size - 1] != SLASH) out[size++] = path[i];
  }
  if (size == path.size) return path;
  // Envoy joins what is between slashes and puts one in front and one behind: where nothing is between, both remain.
  if (size == 1) out[size++] = SLASH;
  return out.slice(0, size);
}

/** Decodes `%2F` and `%5C`, and nothing else. The same object where there is none. */
export function unescapeSlashes(path: Bytes): Bytes {
  let at = 0;
  while (at < path.size && !isEscapedSlash(path, at)) ++at;
  if (at == path.size) return path;
  const out = Bytes.allocate(path.size);
  let size = 0;
  for (let i = 0; i < path.size; ++i) {
    if (isEscapedSlash(path, i)) {
      out[size++] = <u8>escapeAt(path, i);
      i += 2;
    } else {
      out[size++] = path[i];
    }
  }
  return out.slice(0, size);
}

/**
 * Decodes, escapes and resolves dot segments.
 * @param strict Also merges slashes, writes escapes in upper case, and leaves bytes that Envoy escapes as they are.
 */
function resolve(path: Bytes, strict: bool): Bytes {
  const out = Bytes.allocate(3 * path.size);
  let size = 0;
  // Where a `%` that begins no escape was written last.
  let stray = -3;
  for (let at = 0; at < path.size; ++at) {
    const byte = path[at];
    if (isSlash(byte)) {
      const end = endSegment(out, size);
      // What a dot segment leaves ends with a slash already.
      const isThere = end < size || (strict && size > 0 && out[size - 1] == SLASH);
      size = end;
      if (!isThere) out[size++] = SLASH;
    } else if (byte != PERCENT) {
      if (!strict && isEscaped(byte)) size = writeEscape(out, size, byte);
      else out[size++] = byte;
    } else {
      const code = escapeAt(path, at);
      if (code < 0) {
        stray = size;
        out[size++] = PERCENT;
        continue;
      }
      at += 2;
      if (isUnreserved(<u8>code)) {
        out[size++] = <u8>code;
        size = guardEscape(out, size, stray, at + 1 < path.size ? path[at + 1] : 0);
      } else {
        out[size++] = PERCENT;
        out[size++] = strict ? upperHexDigit(<u8>(code >> 4)) : path[at - 1];
        out[size++] = strict ? upperHexDigit(<u8>(code & 15)) : path[at];
      }
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

/**
 * Escapes the stray `%` where the byte decoded last would make it the begin of an escape: `%4%41` is `%254A`, not `%4A`, which
 * the next reader would take for `J`.
 * @param next The byte of the path that follows.
 */
function guardEscape(out: Bytes, size: i32, stray: i32, next: u8): i32 {
  const behind = size - stray - 1;
  if (behind != 1 && behind != 2) return size;
  const second = behind == 2 ? out[stray + 2] : next;
  if (hexValue(out[stray + 1]) < 0 || hexValue(second) < 0) return size;
  memory.copy(out.pointer + stray + 3, out.pointer + stray + 1, behind);
  out[stray + 1] = 0x32;
  out[stray + 2] = 0x35;
  return size + 2;
}

function writeEscape(out: Bytes, size: i32, byte: u8): i32 {
  out[size] = PERCENT;
  out[size + 1] = upperHexDigit(byte >> 4);
  out[size + 2] = upperHexDigit(byte & 15);
  return size + 3;
}

/** Cuts the parameters of dot segments: `/a/..;b/c` is `/a/../c`. */
function withoutDotParameters(path: Bytes): Bytes {
  const out = Bytes.allocate(path.size);
  let size = 0;
  let start = 0;
  for (let i = 0; i < path.size; ++i) {
    if (path[i] == SLASH) start = i + 1;
    const length = i - start;
    const isDots = start > 0 && (length == 1 || (length == 2 && path[start + 1] == DOT)) && path[start] == DOT;
    if (path[i] == SEMICOLON && isDots) {
      while (i + 1 < path.size && path[i + 1] != SLASH) ++i;
      continue;
    }
    out[size++] = path[i];
  }
  return out.slice(0, size);
}

/** Whether `normalizePath` has nothing to do: the case of nearly every request. */
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

function joined(path: Bytes, rest: Bytes): Bytes {
  if (rest.size == 0) return path;
  if (path.pointer + path.size == rest.pointer) return Bytes.at(path.pointer, path.size + rest.size);
  return Bytes.concat(path, rest);
}

function isEscapedSlash(path: Bytes, at: i32): bool {
  const code = escapeAt(path, at);
  return code == SLASH || code == BACKSLASH;
}

/** What Envoy escapes in a path. */
function isEscaped(byte: u8): bool {
  switch (byte) {
    case 0x22: // "
    case 0x3c: // <
    case 0x3e: // >
    case 0x5e: // ^
    case 0x60: // `
    case 0x7b: // {
    case 0x7c: // |
    case 0x7d: // }
      return true;
    default:
      return byte <= 0x20 || byte >= 0x7f;
  }
}

// @ts-ignore: decorator
@inline
function isSlash(byte: u8): bool {
  return byte == SLASH || byte == BACKSLASH;
}
