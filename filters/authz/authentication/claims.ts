// Claims of a token: where they stand.

import { ConfigObject, JsonKind, JsonValue } from "proxy-wasm-assemblyscript-sdk";

/** Where a claim stands: the names of the members on the way to it. */
@final
export class ClaimPath {
  private constructor(private names: string[]) {}

  /** The same for the same claim, and for no other. */
  get id(): string {
    return this.names.join("\0");
  }

  /** Reads `"realm_access.roles"`, or `["https://example.com/roles"]` for names with a dot. */
  static read(object: ConfigObject, field: string): ClaimPath {
    const value = object.json(field);
    const names: string[] = [];
    if (value !== null && value.kind == JsonKind.String) {
      const parts = value.text.split(".");
      for (let i = 0; i < parts.length; ++i) names.push(parts[i]);
    } else if (value !== null && value.kind == JsonKind.Array) {
      for (let i = 0; i < value.items.length; ++i) {
        const item = value.items[i];
        names.push(item.kind == JsonKind.String ? item.text : "");
      }
    }
    if (names.length == 0 || names.includes("")) {
      object.error(field, "the name of a claim, names joined by dots, or an array of names");
    }
    return new ClaimPath(names);
  }

  /** Whether it is a claim of this name at the top. */
  is(name: string): bool {
    return this.names.length == 1 && this.names[0] == name;
  }

  /** The claim, or null where the token has none there. */
  find(claims: JsonValue): JsonValue | null {
    let value: JsonValue | null = claims;
    for (let i = 0; i < this.names.length && value !== null; ++i) value = value.member(this.names[i]);
    return value;
  }
}

/** About how many bytes of memory a value takes. */
export function memoryOf(value: JsonValue): i32 {
  let size = 80 + 2 * value.text.length;
  if (value.kind != JsonKind.Array && value.kind != JsonKind.Object) return size;
  size += 96;
  for (let i = 0; i < value.items.length; ++i) size += 8 + memoryOf(value.items[i]);
  // With its place in the index of the names.
  for (let i = 0; i < value.keys.length; ++i) size += 64 + 2 * value.keys[i].length;
  return size;
}

/** Whether a word is in a list separated by spaces, such as `scope` (RFC 8693, section 4.2). */
export function hasWord(list: string, word: string): bool {
  if (word.includes(" ")) return false;
  for (let at = list.indexOf(word); at >= 0; at = list.indexOf(word, at + 1)) {
    const end = at + word.length;
    const starts = at == 0 || list.charCodeAt(at - 1) == 0x20;
    if (starts && (end == list.length || list.charCodeAt(end) == 0x20)) return true;
  }
  return false;
}
