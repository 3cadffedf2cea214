// Writing JSON (RFC 8259) without making strings on the way.

import { dtoa_buffered } from "util/number";
import { Bytes } from "../bytes";
import { ByteWriter } from "../encoding/byte-writer";
import { isUtf8 } from "../encoding/utf8";
import { JsonKind, JsonValue } from "./value";

/**
 * Writes JSON into a buffer that is used again, so a line of a log costs no allocation once the buffer has grown:
 *
 *     const line = new JsonWriter();   // at module top level
 *
 *     line.clear().beginObject();
 *     line.name("path").stringBytes(path).name("status").integer(200);
 *     line.endObject();
 *     send(line.bytes);
 *
 * Commas come by themselves. That what is begun is ended, and that members have names, is the caller's part.
 * Text is always UTF-8: what is none in the input becomes U+FFFD.
 */
@final
export class JsonWriter {
  private out: ByteWriter;

  /** @param capacity Bytes to start with. */
  constructor(capacity: i32 = 256) {
    this.out = new ByteWriter(capacity);
  }

  /** What was written; valid until something else is, and no longer than this callback. */
  get bytes(): Bytes {
    return this.out.bytes;
  }

  /** Starts over and keeps the memory. */
  clear(): this {
    this.out.clear();
    return this;
  }

  /** Ends a line, for logs with a value a line. */
  newLine(): this {
    this.out.byte(0x0a);
    return this;
  }

  beginObject(): this {
    this.separate().byte(0x7b);
    return this;
  }

  endObject(): this {
    this.out.byte(0x7d);
    return this;
  }

  beginArray(): this {
    this.separate().byte(0x5b);
    return this;
  }

  endArray(): this {
    this.out.byte(0x5d);
    return this;
  }

  /** The name of the member whose value comes next. */
  name(name: string): this {
    this.string(name);
    this.out.byte(0x3a);
    return this;
  }

  string(value: string): this {
    this.separate().byte(0x22);
    const from = changetype<usize>(value);
    let plain = 0;
    for (let i = 0, length = value.length; i < length; ++i) {
      const code = <i32>load<u16>(from + ((<usize>i) << 1));
      if (code >= 0x80) {
        this.plainText(from, plain, i);
        i = this.notAscii(value, i);
        plain = i + 1;
      } else if (needsEscape(code)) {
        this.plainText(from, plain, i);
        this.escape(code);
        plain = i + 1;
      }
    }
    this.plainText(from, plain, value.length);
    this.out.byte(0x22);
    return this;
  }

  /** A string that comes as bytes, as those of headers do. */
  stringBytes(value: Bytes): this {
    if (!isUtf8(value.pointer, value.size)) return this.string(value.toString());
    this.separate().byte(0x22);
    let plain = 0;
    for (let i = 0; i < value.size; ++i) {
      const code = <i32>load<u8>(value.pointer + i);
      if (!needsEscape(code)) continue;
      this.out.write(Bytes.at(value.pointer + plain, i - plain));
      this.escape(code);
      plain = i + 1;
    }
    this.out.write(Bytes.at(value.pointer + plain, value.size - plain)).byte(0x22);
    return this;
  }

  integer(value: i64): this {
    this.separate().integer(value);
    return this;
  }

  /** The shortest digits that are read as the same double; null for what JSON has no number for. */
  number(value: f64): this {
    if (!isFinite(value)) return this.null();
    // The standard library writes UTF-16 of at most this many units.
    const out = this.separate();
    const to = out.reserve(64);
    const length = <i32>dtoa_buffered(to, value);
    for (let i = 0; i < length; ++i) store<u8>(to + i, load<u8>(to + ((<usize>i) << 1)));
    out.advance(length);
    return this;
  }

  bool(value: bool): this {
    this.separate().text(value ? "true" : "false");
    return this;
  }

  null(): this {
    this.separate().text("null");
    return this;
  }

  /** A value whose JSON is there already; it is not checked. */
  raw(json: Bytes): this {
    this.separate().write(json);
    return this;
  }

  /** A value that was read: strings with as few escapes as can be, numbers with the digits that they had. */
  value(value: JsonValue): this {
    switch (value.kind) {
      case JsonKind.Null:
        return this.null();
      case JsonKind.Bool:
        return this.bool(value.bool);
      case JsonKind.Number:
        this.separate().text(value.text);
        return this;
      case JsonKind.String:
        return this.string(value.text);
      case JsonKind.Array:
        this.beginArray();
        for (let i = 0; i < value.items.length; ++i) this.value(value.items[i]);
        return this.endArray();
      default:
        this.beginObject();
        for (let i = 0; i < value.items.length; ++i) this.name(value.keys[i]).value(value.items[i]);
        return this.endObject();
    }
  }

  /** Writes a comma where a value precedes; what was written last tells. */
  private separate(): ByteWriter {
    const out = this.out;
    switch (out.last) {
      case 0:
      case 0x0a:
      case 0x3a:
      case 0x5b:
      case 0x7b:
        return out;
      default:
        return out.byte(0x2c);
    }
  }

  /** Writes ASCII of a string. */
  private plainText(from: usize, start: i32, end: i32): void {
    const to = this.out.reserve(end - start);
    for (let i = start; i < end; ++i) store<u8>(to + (i - start), load<u8>(from + ((<usize>i) << 1)));
    this.out.advance(end - start);
  }

  /** Writes the character at a place in UTF-8; gives the place of its last unit. */
  private notAscii(value: string, at: i32): i32 {
    const code = value.codePointAt(at);
    const isLone = code >= 0xd800 && code < 0xe000;
    const unit: i32 = isLone ? 0xfffd : code;
    const out = this.out;
    if (unit < 0x800) {
      out.byte(<u8>(0xc0 | (unit >> 6)));
    } else {
      if (unit < 0x10000) out.byte(<u8>(0xe0 | (unit >> 12)));
      else out.byte(<u8>(0xf0 | (unit >> 18))).byte(<u8>(0x80 | ((unit >> 12) & 63)));
      out.byte(<u8>(0x80 | ((unit >> 6) & 63)));
    }
    out.byte(<u8>(0x80 | (unit & 63)));
    return unit < 0x10000 ? at : at + 1;
  }

  private escape(code: i32): void {
    const out = this.out.byte(0x5c);
    switch (code) {
      case 0x08:
        out.byte(0x62);
        break;
      case 0x09:
        out.byte(0x74);
        break;
      case 0x0a:
        out.byte(0x6e);
        break;
      case 0x0c:
        out.byte(0x66);
        break;
      case 0x0d:
        out.byte(0x72);
        break;
      case 0x22:
      case 0x5c:
        out.byte(<u8>code);
        break;
      default:
        out.text(code < 0x10 ? "u000" : "u001").byte(hexDigit(code & 15));
    }
  }
}

// @ts-ignore: decorator
@lazy
const oneShot: JsonWriter = new JsonWriter();

/** The JSON of a value, without blanks. */
export function stringifyJson(value: JsonValue): string {
  return oneShot.clear().value(value).bytes.toString();
}

// @ts-ignore: decorator
@inline
function needsEscape(code: i32): bool {
  return code < 0x20 || code == 0x22 || code == 0x5c;
}

function hexDigit(value: i32): u8 {
  return <u8>(value < 10 ? 0x30 + value : 0x57 + value);
}
