// One `name=value` among others, as in a query or in a line of cookies.

import { Bytes, percentDecode } from "proxy-wasm-assemblyscript-sdk";

// @ts-ignore: decorator
@inline const EQUALS: u8 = 0x3d;
// @ts-ignore: decorator
@inline const AMPERSAND: u8 = 0x26;
// @ts-ignore: decorator
@inline const SEMICOLON: u8 = 0x3b;
// @ts-ignore: decorator
@inline const COMMA: u8 = 0x2c;

enum Likeness {
  Different,
  /** Not the name, but some servers take it for that: in other case, escaped, or behind what they take for a separator. */
  Near,
  Same,
}

/** Looks for the pair of a name. A pair that could be taken for it counts as well, so that no server sees another one. */
@final
export class NamedPair {
  /** The value of the pair that `count` found last, as it is written. */
  value: Bytes = changetype<Bytes>(0);
  private bytes: Uint8Array;
  private separator: u8;
  /** What some servers take for a separator. */
  private other: u8;

  /** @param name ASCII. */
  constructor(
    readonly name: string,
    /** Of a line of cookies (RFC 6265, section 4.2.1), and not of a query. */
    private isCookie: bool,
  ) {
    this.bytes = Bytes.utf8(name).copy();
    this.separator = isCookie ? SEMICOLON : AMPERSAND;
    this.other = isCookie ? COMMA : SEMICOLON;
  }

  /** How many pairs there are, and pairs that could be taken for one: such a pair counts as two. */
  count(text: Bytes): i32 {
    let count = 0;
    for (let start = 0; start <= text.size;) {
      const end = endOf(text, start, this.separator);
      const pair = text.slice(start, end);
      const inPair = this.countIn(pair);
      if (inPair) this.value = this.valueOf(pair);
      count += inPair;
      start = end + 1;
    }
    return count;
  }

  /** The text without the pairs that `count` counts; all else stays byte for byte. In memory of this callback. */
  remove(text: Bytes): Bytes {
    const out = Bytes.allocate(text.size);
    let size = 0;
    let isFirst = true;
    for (let start = 0; start <= text.size;) {
      const end = endOf(text, start, this.separator);
      let pair = text.slice(start, end);
      if (this.countIn(pair) == 0) {
        if (!isFirst) out[size++] = this.separator;
        else if (this.isCookie && start > 0) pair = withoutBlanks(pair);
        memory.copy(out.pointer + size, pair.pointer, pair.size);
        size += pair.size;
        isFirst = false;
      }
      start = end + 1;
    }
    return out.slice(0, size);
  }

  private countIn(pair: Bytes): i32 {
    const likeness = this.likenessOf(pair);
    if (likeness == Likeness.Near) return 2;
    const count = i32(likeness == Likeness.Same);
    let end = endOf(pair, 0, this.other);
    if (end == pair.size) return count;
    // Some servers see several pairs here. Of one of this name, the first is itself.
    if (count == 0 && this.likenessOf(pair.slice(0, end)) != Likeness.Different) return 2;
    while (end < pair.size) {
      const start = end + 1;
      end = endOf(pair, start, this.other);
      if (this.likenessOf(pair.slice(start, end)) != Likeness.Different) return 2;
    }
    return count;
  }

  private likenessOf(part: Bytes): Likeness {
    // A name does not get longer when it is decoded.
    if (part.size < this.bytes.length) return Likeness.Different;
    const equals = part.indexOf(EQUALS);
    let name = equals < 0 ? part : part.slice(0, equals);
    if (this.isCookie) name = name.trim();
    if (name.size < this.bytes.length) return Likeness.Different;
    const expected = Bytes.of(this.bytes);
    if (name.equals(expected)) return Likeness.Same;
    const decoded = percentDecode(name, true);
    // An escape in the name of a parameter means the same; in that of a cookie it means nothing, but to some servers.
    if (!this.isCookie && decoded.equals(expected)) return Likeness.Same;
    return decoded.trim().isIgnoreCase(this.name) ? Likeness.Near : Likeness.Different;
  }

  private valueOf(pair: Bytes): Bytes {
    const equals = pair.indexOf(EQUALS);
    if (equals < 0) return pair.slice(pair.size);
    return this.isCookie ? pair.slice(equals + 1).trim() : percentDecode(pair.slice(equals + 1), true);
  }
}

/** Where what begins at a place ends: at the next separator or at the end. */
function endOf(text: Bytes, start: i32, separator: u8): i32 {
  const end = text.indexOf(separator, start);
  return end < 0 ? text.size : end;
}

/** Without the blanks at the start, which belong to a separator that is gone. */
function withoutBlanks(part: Bytes): Bytes {
  let start = 0;
  while (start < part.size && (part[start] == 0x20 || part[start] == 0x09)) ++start;
  return part.slice(start);
}
