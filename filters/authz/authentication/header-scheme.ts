// The scheme before a credential in a header (RFC 9110, section 11.4).

import { Bytes } from "proxy-wasm-assemblyscript-sdk";
import { hasIgnoreCaseAt } from "../text";
import { Found } from "./credential-location";

// @ts-ignore: decorator
@inline const SPACE: u8 = 0x20;
// @ts-ignore: decorator
@inline const COMMA: u8 = 0x2c;


@final
export class HeaderScheme {
  /** What `find` found. It may be empty. */
  credential: Bytes = changetype<Bytes>(0);

  /** @param word For example `Bearer`, whose case does not count; empty for none. */
  constructor(private word: string) {}

  find(value: Bytes): Found {
    const size = this.word.length;
    if (size == 0) {
      this.credential = value;
      return Found.Credential;
    }
    for (let comma = value.indexOf(COMMA); comma >= 0; comma = value.indexOf(COMMA, comma + 1)) {
      if (this.stands(value.slice(comma + 1).trim())) return Found.TooMany;
    }
    if (!this.stands(value)) return Found.Nothing;
    // Another blank than a space is no separator.
    this.credential = value.size > size && value[size] == SPACE ? value.slice(size).trim() : value.slice(0, 0);
    return Found.Credential;
  }

  /** Whether a value begins with the scheme as a word. */
  private stands(value: Bytes): bool {
    const size = this.word.length;
    if (!hasIgnoreCaseAt(value, 0, this.word)) return false;
    if (value.size == size) return true;
    const next = value[size];
    return !(<u32>((next | 0x20) - 0x61) < 26 || <u32>(next - 0x30) < 10 || next == 0x2d || next == 0x5f);
  }
}
