import { Bytes } from "../bytes";

/** What a `JsonValue` is. */
export enum JsonKind {
  Null,
  Bool,
  Number,
  String,
  Array,
  Object,
}

/** An object with more members than this finds them by an index. */
// @ts-ignore: decorator
@inline const INDEXED: i32 = 8;

// What values without items share: most values are such.
const NO_ITEMS: JsonValue[] = [];
const NO_KEYS: string[] = [];

/** A JSON value (RFC 8259). Which fields hold something depends on `kind`. */
@final
export class JsonValue {
  /** The text of a string, or a number as it was written. */
  text: string = "";
  /** The value of a bool. */
  bool: bool = false;
  /** The items of an array, or the values of an object in the order of `keys`. */
  items: JsonValue[] = NO_ITEMS;
  /** The names of an object's members, each once, in the order in which they were written. */
  keys: string[] = NO_KEYS;

  /** Where the value begins in the text that was parsed, in bytes; 0 in one that was made otherwise. */
  start: i32 = 0;
  /** The first byte behind it. */
  end: i32 = 0;

  private index: Map<string, i32> | null = null;

  constructor(readonly kind: JsonKind) {
    if (kind == JsonKind.Array || kind == JsonKind.Object) this.items = [];
    if (kind == JsonKind.Object) this.keys = [];
  }

  /** The member of an object, or null when there is none or this is no object. */
  member(name: string): JsonValue | null {
    const at = this.indexOf(name);
    return at < 0 ? null : this.items[at];
  }

  /** Adds a member to an object. False where it has one of this name, which stays. */
  add(name: string, value: JsonValue): bool {
    if (this.indexOf(name) >= 0) return false;
    const count = this.keys.push(name);
    this.items.push(value);
    const index = this.index;
    if (index !== null) index.set(name, count - 1);
    else if (count > INDEXED) this.makeIndex();
    return true;
  }

  /** The value as it stands in the text that it was parsed from. */
  source(text: Bytes): Bytes {
    return text.slice(this.start, this.end);
  }

  private indexOf(name: string): i32 {
    const index = this.index;
    if (index === null) return this.keys.indexOf(name);
    return index.has(name) ? index.get(name) : -1;
  }

  private makeIndex(): void {
    const index = new Map<string, i32>();
    for (let i = 0; i < this.keys.length; ++i) index.set(this.keys[i], i);
    this.index = index;
  }

  /** Whether this is a number written without fraction and exponent that fits 64 bits, signed. */
  get isInteger(): bool {
    if (this.kind != JsonKind.Number) return false;
    const text = this.text;
    const digits = text.charCodeAt(0) == 0x2d ? text.length - 1 : text.length;
    for (let i = text.length - digits; i < text.length; ++i) {
      if (<u32>(text.charCodeAt(i) - 0x30) > 9) return false;
    }
    if (digits < 19) return true;
    if (digits > 19) return false;
    // 19 digits: compared with the limits as text of the same length.
    return digits == text.length ? text <= "9223372036854775807" : text <= "-9223372036854775808";
  }

  /** The number, where `isInteger`. */
  get integer(): i64 {
    return I64.parseInt(this.text);
  }

  /** The number as a double; beyond the range of doubles, an infinity. */
  get number(): f64 {
    return parseFloat(this.text);
  }

  /** The value in words for an error message, for example `string "5"` or `array of 3`. */
  describe(): string {
    switch (this.kind) {
      case JsonKind.Null:
        return "null";
      case JsonKind.Bool:
        return this.bool ? "true" : "false";
      case JsonKind.Number:
        return `number ${this.text}`;
      case JsonKind.String:
        return `string ${quote(this.text)}`;
      case JsonKind.Array:
        return `array of ${this.items.length}`;
      default:
        return "object";
    }
  }
}

/** The text in double quotes, cut where it is long. */
export function quote(text: string): string {
  return text.length > 60 ? `"${text.substring(0, 57)}..."` : `"${text}"`;
}
