export enum JsonKind {
  Null,
  Bool,
  Number,
  String,
  Array,
  Object,
}

/** A JSON value (RFC 8259). Which fields hold something depends on `kind`. */
@final
export class JsonValue {
  /** The text of a string, or a number as it was written. */
  text: string = "";
  /** The value of a bool. */
  bool: bool = false;
  /** The items of an array, or the values of an object in the order of `keys`. */
  items: JsonValue[] = [];
  /** The names of an object's members, each once, in the order in which they were written. */
  keys: string[] = [];

  constructor(readonly kind: JsonKind) {}

  /** The member of an object, or null when there is none or this is no object. */
  member(name: string): JsonValue | null {
    const index = this.keys.indexOf(name);
    return index < 0 ? null : this.items[index];
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
