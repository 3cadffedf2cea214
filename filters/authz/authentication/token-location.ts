// Where a request has a token.

import { Bytes, ConfigObject, HeaderName, requestHeaders } from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../../common/lists";
import { headerName } from "../../common/names";
import { hasIgnoreCaseAt } from "../text";

// @ts-ignore: decorator
@inline const SPACE: u8 = 0x20;
// @ts-ignore: decorator
@inline const COMMA: u8 = 0x2c;

export enum Found {
  /** There is no token here. */
  Nothing,
  /** `TokenLocation.token` has it. It may be empty. */
  Token,
  /** More than one, or something that could be taken for another. */
  TooMany,
}

/** A header that may hold a token. */
@final
export class TokenLocation {
  readonly header: HeaderName;
  /** What `find` found. */
  token: Bytes = changetype<Bytes>(0);

  private constructor(
    header: string,
    /** The word before the token, such as `Bearer`, whose case does not count; empty where the token is the whole value. */
    private scheme: string,
  ) {
    this.header = new HeaderName(header);
  }

  /** Reads `fromHeaders`; left out, it is the bearer token of RFC 6750. */
  static readAll(provider: ConfigObject): TokenLocation[] {
    const objects = provider.objects("fromHeaders");
    refuseEmpty(provider, "fromHeaders", objects.length);
    const locations: TokenLocation[] = [];
    if (objects.length == 0) locations.push(new TokenLocation("authorization", "Bearer"));
    for (let i = 0; i < objects.length; ++i) {
      const header = headerName(objects[i], "name");
      if (header.startsWith(":")) objects[i].error("name", "a header that is no pseudo-header");
      const prefix = objects[i].stringOr("prefix", "");
      if (!isPrefix(prefix)) objects[i].error("prefix", 'a word and a space such as "Bearer "');
      locations.push(new TokenLocation(header, prefix.trimEnd()));
    }
    return locations;
  }

  isSame(other: TokenLocation): bool {
    return this.header.name == other.header.name && this.scheme == other.scheme;
  }

  /**
   * Looks for a token. A header with another scheme than the one asked for holds none, but one that only looks like it does
   * is never taken for absent: then the token is empty, or there are too many.
   */
  find(): Found {
    const index = requestHeaders.indexOfName(this.header);
    if (index < 0) return Found.Nothing;
    const value = requestHeaders.valueAt(index);
    if (requestHeaders.indexOfName(this.header, index + 1) >= 0) return Found.TooMany;
    const word = this.scheme.length;
    if (word == 0) {
      this.token = value;
      return Found.Token;
    }
    for (let comma = value.indexOf(COMMA); comma >= 0; comma = value.indexOf(COMMA, comma + 1)) {
      if (this.hasScheme(value.slice(comma + 1).trim())) return Found.TooMany;
    }
    if (!this.hasScheme(value)) return Found.Nothing;
    // Another blank than a space is no separator (RFC 9110, section 11.4).
    this.token = value.size > word && value[word] == SPACE ? value.slice(word).trim() : value.slice(0, 0);
    return Found.Token;
  }

  /** Whether a value begins with the scheme as a word. */
  private hasScheme(value: Bytes): bool {
    const size = this.scheme.length;
    if (!hasIgnoreCaseAt(value, 0, this.scheme)) return false;
    if (value.size == size) return true;
    const next = value[size];
    return !(<u32>((next | 0x20) - 0x61) < 26 || <u32>(next - 0x30) < 10 || next == 0x2d || next == 0x5f);
  }
}

/** Nothing, or letters, digits, `-` and `_` with one space behind them. */
function isPrefix(text: string): bool {
  if (text.length == 0) return true;
  for (let i = 0; i < text.length - 1; ++i) {
    const code = text.charCodeAt(i);
    if (<u32>((code | 0x20) - 0x61) >= 26 && <u32>(code - 0x30) >= 10 && code != 0x2d && code != 0x5f) return false;
  }
  return text.length > 1 && text.charCodeAt(text.length - 1) == 0x20;
}
