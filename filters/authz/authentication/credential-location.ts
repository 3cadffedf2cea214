// Where a request has a token or an API key.

import { Bytes, ConfigObject, HeaderName, RequestTarget, Status, requestHeaders } from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../../common/lists";
import { headerName } from "../../common/names";
import { isLoosely, isWord } from "../text";
import { HeaderScheme } from "./header-scheme";
import { NamedPair } from "./named-pair";

const PATH: HeaderName = new HeaderName(":path");
const COOKIE: HeaderName = new HeaderName("cookie");

export enum Found {
  /** There is no credential here. */
  Nothing,
  /** `CredentialLocation.credential` has it. It may be empty. */
  Credential,
  /** More than one, or something that could be taken for another. */
  TooMany,
}

/** A place in a request that may hold a credential. */
export abstract class CredentialLocation {
  /** What `find` found. */
  credential: Bytes = changetype<Bytes>(0);

  constructor(
    /** For example `header x-api-key`. */
    readonly place: string,
    /** What the credential stands behind at the place; empty for nothing. */
    readonly scheme: string,
    /** The header that has the credential; empty for none. */
    readonly headerName: string,
  ) {}

  /** Whether a credential of the one could be taken for one of the other. */
  overlaps(other: CredentialLocation): bool {
    if (this.place != other.place) return false;
    const scheme = this.scheme.toLowerCase();
    return scheme.length == 0 || other.scheme.length == 0 || scheme == other.scheme.toLowerCase();
  }

  isSame(other: CredentialLocation): bool {
    return this.place == other.place && this.scheme == other.scheme;
  }

  /**
   * Looks for a credential. What only looks like one is never taken for absent: then the credential is empty, or there are too many.
   */
  abstract find(): Found;

  /** Takes all credentials out of the request. All else stays byte for byte. False when the host failed to. */
  abstract remove(): bool;
}

/** Reads `fromParams` and `fromCookies`, and adds them to the locations that there are. */
export function readParamsAndCookies(object: ConfigObject, locations: CredentialLocation[]): void {
  const params = object.strings("fromParams");
  refuseEmpty(object, "fromParams", params.length);
  for (let i = 0; i < params.length; ++i) {
    if (!isWord(params[i])) object.error("fromParams", "names of letters, digits, -, . and _");
    locations.push(new ParameterLocation(params[i]));
  }
  const cookies = object.strings("fromCookies");
  refuseEmpty(object, "fromCookies", cookies.length);
  for (let i = 0; i < cookies.length; ++i) {
    if (!isWord(cookies[i])) object.error("fromCookies", "names of letters, digits, -, . and _");
    locations.push(new CookieLocation(cookies[i]));
  }
}

/** Reads the places of a provider's tokens; where none is given, it is the bearer token of RFC 6750, section 2.1. */
export function readTokenLocations(provider: ConfigObject): CredentialLocation[] {
  const objects = provider.objects("fromHeaders");
  refuseEmpty(provider, "fromHeaders", objects.length);
  const locations: CredentialLocation[] = [];
  for (let i = 0; i < objects.length; ++i) {
    const header = readHeader(objects[i], "name");
    const prefix = objects[i].stringOr("prefix", "");
    const word = prefix.trimEnd();
    if (prefix.length && !(isWord(word) && prefix == word + " ")) {
      objects[i].error("prefix", 'a word and a space such as "Bearer "');
    }
    locations.push(new HeaderLocation(header, word));
  }
  readParamsAndCookies(provider, locations);
  if (locations.length == 0) locations.push(new HeaderLocation("authorization", "Bearer"));
  return locations;
}

/** A field that names a header, and no pseudo-header. */
export function readHeader(object: ConfigObject, field: string): string {
  const header = headerName(object, field);
  if (header.startsWith(":")) object.error(field, "a header that is no pseudo-header");
  return header;
}

/** A header, with a word such as `Bearer` before the credential or without. */
@final
export class HeaderLocation extends CredentialLocation {
  private header: HeaderName;
  private value: HeaderScheme;
  /** Whether there are other spellings of the name, with `_` for `-` or the other way round. */
  private hasLookalikes: bool;

  /** @param scheme Case does not count; empty where the credential is the whole value. */
  constructor(header: string, scheme: string) {
    super(`header ${header}`, scheme, header);
    this.header = new HeaderName(header);
    this.value = new HeaderScheme(scheme);
    this.hasLookalikes = header.includes("-") || header.includes("_");
  }

  /** A header with another scheme than the one asked for holds none. */
  find(): Found {
    if (this.hasLookalikes && this.lookalike() >= 0) return Found.TooMany;
    const index = requestHeaders.indexOfName(this.header);
    if (index < 0) return Found.Nothing;
    const value = requestHeaders.valueAt(index);
    if (requestHeaders.indexOfName(this.header, index + 1) >= 0) return Found.TooMany;
    const found = this.value.find(value);
    this.credential = this.value.credential;
    return found;
  }

  remove(): bool {
    if (this.find() == Found.Nothing) return true;
    for (let i = this.lookalike(); i >= 0; i = this.lookalike()) {
      if (requestHeaders.remove(requestHeaders.nameAt(i).toString()) != Status.Ok) return false;
    }
    return requestHeaders.removeName(this.header) == Status.Ok;
  }

  /** Where a header is whose name some servers take for this one, or -1. */
  private lookalike(): i32 {
    const expected = this.headerName;
    for (let i = 0; i < requestHeaders.count; ++i) {
      const name = requestHeaders.nameAt(i);
      if (name.size == expected.length && isLoosely(name, expected) && !name.is(expected)) return i;
    }
    return -1;
  }
}

/** A parameter of the query. */
@final
class ParameterLocation extends CredentialLocation {
  private pair: NamedPair;

  constructor(name: string) {
    super(`parameter ${name}`, "", "");
    this.pair = new NamedPair(name, false);
  }

  find(): Found {
    const target = requestHeaders.find(PATH);
    const query: Bytes | null = target === null ? null : RequestTarget.of(target).query;
    if (query === null) return Found.Nothing;
    const count = this.pair.count(query);
    if (count == 1) this.credential = this.pair.value;
    return foundOf(count);
  }

  /** Takes the `?` out, too, where nothing is left behind it. */
  remove(): bool {
    const target = requestHeaders.find(PATH);
    const query: Bytes | null = target === null ? null : RequestTarget.of(target).query;
    if (target === null || query === null || this.pair.count(query) == 0) return true;
    const rest = this.pair.remove(query);
    const before = <i32>(query.pointer - target.pointer) - i32(rest.size == 0);
    const behind = target.slice(<i32>(query.pointer - target.pointer) + query.size);
    const out = Bytes.allocate(before + rest.size + behind.size);
    memory.copy(out.pointer, target.pointer, before);
    memory.copy(out.pointer + before, rest.pointer, rest.size);
    memory.copy(out.pointer + before + rest.size, behind.pointer, behind.size);
    return requestHeaders.setBytes(PATH, out) == Status.Ok;
  }
}

/** A cookie (RFC 6265). There may be several lines of them (RFC 9113, section 8.2.3). */
@final
class CookieLocation extends CredentialLocation {
  private pair: NamedPair;

  constructor(name: string) {
    super(`cookie ${name}`, "", COOKIE.name);
    this.pair = new NamedPair(name, true);
  }

  find(): Found {
    let count = 0;
    for (let i = requestHeaders.indexOfName(COOKIE); i >= 0; i = requestHeaders.indexOfName(COOKIE, i + 1)) {
      const inLine = this.pair.count(requestHeaders.valueAt(i));
      if (inLine == 1) this.credential = this.pair.value;
      count += inLine;
    }
    return foundOf(count);
  }

  remove(): bool {
    if (this.find() == Found.Nothing) return true;
    const lines: Bytes[] = [];
    for (let i = requestHeaders.indexOfName(COOKIE); i >= 0; i = requestHeaders.indexOfName(COOKIE, i + 1)) {
      const line = requestHeaders.valueAt(i);
      const rest = this.pair.remove(line);
      if (rest.trim().size) lines.push(rest);
    }
    if (requestHeaders.removeName(COOKIE) != Status.Ok) return false;
    for (let i = 0; i < lines.length; ++i) {
      if (requestHeaders.addBytes(COOKIE, lines[i]) != Status.Ok) return false;
    }
    return true;
  }
}

function foundOf(count: i32): Found {
  return count == 0 ? Found.Nothing : count == 1 ? Found.Credential : Found.TooMany;
}
