// A strict JSON reader (RFC 8259) for configurations and for hostile input: it never traps.

import { Bytes } from "../bytes";
import { decodeUtf8, isUtf8 } from "../encoding/utf8";
import { JsonKind, JsonValue } from "./value";

/** Arrays and objects may be nested this deep. */
export const MAX_JSON_DEPTH: i32 = 64;

/** Why the last `parseJson` gave null, with line and column. */
export let jsonError: string = "";

/**
 * Reads one JSON text. Null when it is malformed, with the reason in `jsonError`.
 * Refused beside what the standard's grammar refuses: bytes that are not UTF-8, a lone surrogate, a member name used twice
 * in an object, and nesting deeper than `MAX_JSON_DEPTH`.
 */
export function parseJson(text: Bytes): JsonValue | null {
  jsonError = "";
  if (!isUtf8(text.pointer, text.size)) {
    jsonError = "expected UTF-8";
    return null;
  }
  const parser = new Parser(text.pointer, text.pointer + text.size);
  parser.skipBlank();
  const value = parser.value(0);
  if (value === null) return null;
  parser.skipBlank();
  if (!parser.atEnd) return parser.fail("expected end of input");
  return value;
}

class Parser {
  private at: usize;

  constructor(
    private start: usize,
    private end: usize,
  ) {
    this.at = start;
  }

  get atEnd(): bool {
    return this.at >= this.end;
  }

  /** The byte at the current place, or -1 at the end. */
  private get byte(): i32 {
    return this.at < this.end ? <i32>load<u8>(this.at) : -1;
  }

  skipBlank(): void {
    while (this.at < this.end) {
      const byte = load<u8>(this.at);
      if (byte != 0x20 && byte != 0x0a && byte != 0x0d && byte != 0x09) return;
      ++this.at;
    }
  }

  /** Records an error at the current place. */
  fail(expected: string): JsonValue | null {
    if (jsonError.length) return null;
    let line = 1;
    let lineStart = this.start;
    for (let at = this.start; at < this.at; ++at) {
      if (load<u8>(at) != 0x0a) continue;
      ++line;
      lineStart = at + 1;
    }
    const found = this.atEnd ? "end of input" : `"${decodeUtf8(this.at, <i32>min<usize>(this.end - this.at, 12))}"`;
    jsonError = `line ${line}, column ${this.at - lineStart + 1}: ${expected}, found ${found}`;
    return null;
  }

  /** A value at the current place, which no blank precedes. */
  value(depth: i32): JsonValue | null {
    const from = this.at;
    const value = this.anyValue(depth);
    if (value === null) return null;
    value.start = <i32>(from - this.start);
    value.end = <i32>(this.at - this.start);
    return value;
  }

  private anyValue(depth: i32): JsonValue | null {
    const byte = this.byte;
    if (byte == 0x7b || byte == 0x5b) {
      if (depth >= MAX_JSON_DEPTH) return this.fail(`expected at most ${MAX_JSON_DEPTH} levels`);
      return byte == 0x7b ? this.object(depth + 1) : this.array(depth + 1);
    }
    if (byte == 0x22) {
      const value = new JsonValue(JsonKind.String);
      const text = this.string();
      if (text === null) return null;
      value.text = text;
      return value;
    }
    if (byte == 0x2d || <u32>(byte - 0x30) < 10) return this.number();
    if (this.word("true")) {
      const value = new JsonValue(JsonKind.Bool);
      value.bool = true;
      return value;
    }
    if (this.word("false")) return new JsonValue(JsonKind.Bool);
    if (this.word("null")) return new JsonValue(JsonKind.Null);
    return this.fail("expected a value");
  }

  private word(text: string): bool {
    if (!Bytes.at(this.at, <i32>(this.end - this.at)).startsWith(text)) return false;
    this.at += text.length;
    return true;
  }

  private object(depth: i32): JsonValue | null {
    const value = new JsonValue(JsonKind.Object);
    ++this.at;
    this.skipBlank();
    if (this.byte == 0x7d) {
      ++this.at;
      return value;
    }
    while (true) {
      if (this.byte != 0x22) return this.fail("expected a member name");
      const nameAt = this.at;
      const name = this.string();
      if (name === null) return null;
      this.skipBlank();
      if (this.byte != 0x3a) return this.fail('expected ":"');
      ++this.at;
      this.skipBlank();
      const member = this.value(depth);
      if (member === null) return null;
      if (!value.add(name, member)) {
        this.at = nameAt;
        return this.fail("expected each member once");
      }
      this.skipBlank();
      if (this.byte == 0x7d) break;
      if (this.byte != 0x2c) return this.fail('expected "," or "}"');
      ++this.at;
      this.skipBlank();
    }
    ++this.at;
    return value;
  }

  private array(depth: i32): JsonValue | null {
    const value = new JsonValue(JsonKind.Array);
    ++this.at;
    this.skipBlank();
    if (this.byte == 0x5d) {
      ++this.at;
      return value;
    }
    while (true) {
      const item = this.value(depth);
      if (item === null) return null;
      value.items.push(item);
      this.skipBlank();
      if (this.byte == 0x5d) break;
      if (this.byte != 0x2c) return this.fail('expected "," or "]"');
      ++this.at;
      this.skipBlank();
    }
    ++this.at;
    return value;
  }

  private number(): JsonValue | null {
    const from = this.at;
    if (this.byte == 0x2d) ++this.at;
    if (this.byte == 0x30) ++this.at;
    else if (!this.digits()) return this.fail("expected a digit");
    if (this.byte == 0x2e) {
      ++this.at;
      if (!this.digits()) return this.fail("expected a digit");
    }
    if ((this.byte | 0x20) == 0x65) {
      ++this.at;
      if (this.byte == 0x2b || this.byte == 0x2d) ++this.at;
      if (!this.digits()) return this.fail("expected a digit");
    }
    const value = new JsonValue(JsonKind.Number);
    value.text = decodeUtf8(from, <i32>(this.at - from));
    return value;
  }

  private digits(): bool {
    const from = this.at;
    while (<u32>(this.byte - 0x30) < 10) ++this.at;
    return this.at > from;
  }

  /** A string at the current quote. */
  private string(): string | null {
    const from = ++this.at;
    while (this.at < this.end && load<u8>(this.at) != 0x22 && load<u8>(this.at) != 0x5c && load<u8>(this.at) >= 0x20)
      ++this.at;
    if (this.byte == 0x22) return decodeUtf8(from, <i32>(this.at++ - from));

    const parts: string[] = [];
    let plain = from;
    while (true) {
      const byte = this.byte;
      if (byte < 0x20) {
        this.fail(byte < 0 ? "expected the end of a string" : "expected no control character in a string");
        return null;
      }
      if (byte != 0x22 && byte != 0x5c) {
        ++this.at;
        continue;
      }
      if (this.at > plain) parts.push(decodeUtf8(plain, <i32>(this.at - plain)));
      if (byte == 0x22) break;
      ++this.at;
      const escaped = this.escape();
      if (escaped === null) return null;
      parts.push(escaped);
      plain = this.at;
    }
    ++this.at;
    return parts.join("");
  }

  /** What stands behind a backslash. */
  private escape(): string | null {
    const byte = this.byte;
    switch (byte) {
      case 0x22:
      case 0x5c:
      case 0x2f:
        ++this.at;
        return String.fromCharCode(byte);
      case 0x62:
        ++this.at;
        return "\b";
      case 0x66:
        ++this.at;
        return "\f";
      case 0x6e:
        ++this.at;
        return "\n";
      case 0x72:
        ++this.at;
        return "\r";
      case 0x74:
        ++this.at;
        return "\t";
      case 0x75:
        return this.unicodeEscape();
      default:
        this.fail("expected an escape");
        return null;
    }
  }

  private unicodeEscape(): string | null {
    const high = this.hex4();
    if (high < 0) return null;
    if (high < 0xd800 || high > 0xdfff) return String.fromCharCode(high);
    if (high < 0xdc00 && this.byte == 0x5c && this.at + 1 < this.end && load<u8>(this.at, 1) == 0x75) {
      ++this.at;
      const low = this.hex4();
      if (low < 0) return null;
      if (low >= 0xdc00 && low <= 0xdfff) return String.fromCharCode(high, low);
    }
    this.fail("expected a surrogate pair");
    return null;
  }

  /** The number behind `u`, or -1. */
  private hex4(): i32 {
    ++this.at;
    let code = 0;
    for (let i = 0; i < 4; ++i) {
      const byte = this.byte;
      const digit = <u32>(byte - 0x30) < 10 ? byte - 0x30 : <u32>((byte | 0x20) - 0x61) < 6 ? (byte | 0x20) - 0x57 : -1;
      if (digit < 0) {
        this.fail("expected four hex digits");
        return -1;
      }
      code = (code << 4) | digit;
      ++this.at;
    }
    return code;
  }
}
