// A fetched JWK set to keys. It comes from elsewhere, so one bad key must not take the good ones away.

import { Bytes, JsonValue, jsonError, logWarn, parseJson } from "proxy-wasm-assemblyscript-sdk";
import { Algorithm } from "./algorithm";
import { Jwk, JwkErrors } from "./jwk";
import { listOf, namesOf } from "./jwks";
import { Key } from "./key";

/** A larger answer is refused unread. */
// @ts-ignore: decorator
@inline const MAX_SIZE: i32 = 128 * 1024;
/** More keys are refused: a token that names none could have each of them tried. */
// @ts-ignore: decorator
@inline const MAX_KEYS: i32 = 64;

/** The keys of a text. */
@final
export class FetchedJwks {
  keys: Key[] = [];
  /** Why the whole of it is not good; empty where it is. */
  error: string = "";
  /** Keys that were skipped because something is wrong with them. */
  skipped: i32 = 0;

  /** @param issuer Whose keys they are, for the log. */
  constructor(text: Bytes, allowed: Algorithm[], issuer: string) {
    const isSmall = text.size <= MAX_SIZE;
    const json: JsonValue | null = isSmall ? parseJson(text) : null;
    const list: JsonValue[] | null = json === null ? null : listOf(json);
    if (!isSmall) this.error = `${text.size} bytes, more than ${MAX_SIZE}`;
    else if (json === null) this.error = `no JSON: ${jsonError}`;
    else if (list === null) this.error = 'no JWK set such as {"keys": [...]}';
    else if (list.length > MAX_KEYS) this.error = `${list.length} keys, more than ${MAX_KEYS}`;
    else this.read(list, allowed, issuer);
  }

  private read(list: JsonValue[], allowed: Algorithm[], issuer: string): void {
    const errors = new LoggedJwkErrors(issuer);
    for (let i = 0; i < list.length; ++i) {
      const before = errors.count;
      errors.index = i;
      const key = new Jwk(list[i], allowed, errors).read();
      if (key !== null) this.keys.push(key);
      if (errors.count > before) ++this.skipped;
    }
    if (this.keys.length == 0) this.error = `no key for signatures with ${namesOf(allowed)}`;
  }
}


@final
class LoggedJwkErrors extends JwkErrors {
  index: i32 = 0;

  constructor(private issuer: string) {
    super();
  }

  add(member: string, expected: string, found: string): void {
    logWarn(`${this.issuer}: keys[${this.index}] is skipped: ${member}: expected ${expected}, found ${found}`);
  }
}
