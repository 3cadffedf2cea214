// Templates of paths: `/users/{id}/files/{**}`.

import { Bytes } from "proxy-wasm-assemblyscript-sdk";

// @ts-ignore: decorator
@inline const SLASH: u8 = 0x2f;

/** What templates are, for the message of an error. */
export const TEMPLATE_FORM: string =
  'a path whose segments are text without %, ?, #, ; and backslash, or one of "{name}", "{*}" and "{**}" as a whole, "{**}" once';

/**
 * `{name}` and `{*}` are one segment that is not empty, and `{**}` is any number of segments. As in Envoy, `/a/{**}` is `/a/` and what
 * is below it, not `/a`; between segments, `{**}` can be none.
 */
@final
export class PathTemplate {
  /** Of each segment but `{**}`: its name, `*` for one without, or null for text. */
  private names: (string | null)[] = [];
  /** Of each segment but `{**}`: its text. */
  private texts: Uint8Array[] = [];
  /** How many segments stand before `{**}`; all of them where there is none. */
  private before: i32 = 0;
  private hasRest: bool = false;
  private captureFrom: i32 = 0;
  private captureSize: i32 = 0;

  private constructor(readonly text: string) {}

  /** Null for a text that is no template. */
  static parse(text: string): PathTemplate | null {
    if (!text.startsWith("/")) return null;
    const template = new PathTemplate(text);
    const segments = text.split("/");
    for (let i = 1; i < segments.length; ++i) {
      const segment = segments[i];
      const isLast = i == segments.length - 1;
      if (segment == "{**}") {
        if (template.hasRest) return null;
        template.hasRest = true;
        template.before = template.texts.length;
        continue;
      }
      const isVariable = segment.startsWith("{") && segment.endsWith("}");
      const name: string | null = isVariable ? segment.substring(1, segment.length - 1) : null;
      if (name !== null) {
        if (name != "*" && !isName(name)) return null;
      } else {
        const isEmpty = segment.length == 0 && !(isLast && i > 1);
        if (isEmpty || segment == "." || segment == ".." || !isLiteral(segment)) return null;
      }
      template.names.push(name);
      template.texts.push(Bytes.utf8(segment).copy());
    }
    if (!template.hasRest) template.before = template.texts.length;
    return template;
  }

  /** The number of the segment `{name}`, or -1. */
  indexOf(name: string): i32 {
    for (let i = 0; i < this.names.length; ++i) {
      const other = this.names[i];
      if (other !== null && other == name && name != "*") return i;
    }
    return -1;
  }

  /**
   * Whether a path is one of the template's.
   * @param wanted The number of a segment that `captured` is to give.
   */
  matches(path: Bytes, wanted: i32 = -1): bool {
    if (path.size == 0 || path[0] != SLASH) return false;
    const count = countSlashes(path);
    const after = this.texts.length - this.before;
    if (!this.hasRest ? count != this.before : count < this.texts.length + i32(after == 0)) return false;
    let at = 1;
    for (let i = 0; i < count; ++i) {
      const slash = path.indexOf(SLASH, at);
      const end = slash < 0 ? path.size : slash;
      const segment = i < this.before ? i : i >= count - after ? i - count + this.texts.length : -1;
      if (segment >= 0 && !this.isSegment(segment, path, at, end)) return false;
      if (segment == wanted && wanted >= 0) {
        this.captureFrom = at;
        this.captureSize = end - at;
      }
      at = end + 1;
    }
    return true;
  }

  /** The segment of the path that the last `matches` was asked for. */
  captured(path: Bytes): Bytes {
    return path.slice(this.captureFrom, this.captureFrom + this.captureSize);
  }

  private isSegment(segment: i32, path: Bytes, start: i32, end: i32): bool {
    if (unchecked(this.names[segment]) !== null) return end > start;
    const text = unchecked(this.texts[segment]);
    return end - start == text.length && memory.compare(path.pointer + start, text.dataStart, text.length) == 0;
  }
}

function countSlashes(path: Bytes): i32 {
  let count = 0;
  for (let i = path.indexOf(SLASH); i >= 0; i = path.indexOf(SLASH, i + 1)) ++count;
  return count;
}

function isName(name: string): bool {
  for (let i = 0; i < name.length; ++i) {
    const code = name.charCodeAt(i);
    if (<u32>((code | 0x20) - 0x61) >= 26 && <u32>(code - 0x30) >= 10 && code != 0x5f) return false;
  }
  return name.length > 0;
}

function isLiteral(segment: string): bool {
  for (let i = 0; i < segment.length; ++i) {
    const code = segment.charCodeAt(i);
    if (code < 0x20 || code == 0x7f || "%?#;\\{}*".includes(String.fromCharCode(code))) return false;
  }
  return true;
}
