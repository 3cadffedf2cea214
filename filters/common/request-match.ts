// Which requests something is for.

import { Bytes, ConfigObject, HeaderName, requestCookie, requestHeaders } from "proxy-wasm-assemblyscript-sdk";
import { Cidr, addressHigh, addressLow, parseAddress, readCidrs } from "./cidr";
import { clientAddress, readPosition } from "./client-address";
import { refuseEmpty } from "./lists";
import { CookieSource, HeaderSource, MatchKey, PathSource, PathStartSource, ValueSource } from "./match-keys";
import { headerName } from "./names";
import { requestPath } from "./request";
import { StringMatch, TEXT_TESTS, TextTest } from "./string-match";
import { readValue } from "./values/read";
import { RequestValue } from "./values/request-value";

const METHOD: HeaderName = new HeaderName(":method");
const VALUE_TESTS: string[] = TEXT_TESTS.concat(["present"]);

/** Conditions on a request that must all hold. With none it matches every request. */
@final
export class RequestMatch {
  private path: StringMatch | null = null;
  private methods: StringMatch[] = [];
  private headers: HeaderMatch[] = [];
  private cookies: CookieMatch[] = [];
  private values: NamedValueMatch[] = [];
  private addresses: AddressMatch | null = null;

  /**
   * Reads `{ "path": ..., "methods": [...], "headers": [...], "cookies": [...], "values": [...], "clientAddress": ... }`.
   * @param object Null for no conditions.
   */
  static read(object: ConfigObject | null): RequestMatch {
    const match = new RequestMatch();
    if (object === null) return match;
    const path = object.objectOrNull("path");
    if (path !== null) match.path = StringMatch.read(path);
    const methods = object.strings("methods");
    refuseEmpty(object, "methods", methods.length);
    for (let i = 0; i < methods.length; ++i) match.methods.push(new StringMatch(TextTest.Exact, methods[i]));
    const headers = object.objects("headers");
    refuseEmpty(object, "headers", headers.length);
    for (let i = 0; i < headers.length; ++i) match.headers.push(new HeaderMatch(headers[i]));
    const cookies = object.objects("cookies");
    refuseEmpty(object, "cookies", cookies.length);
    for (let i = 0; i < cookies.length; ++i) match.cookies.push(new CookieMatch(cookies[i]));
    const values = object.objects("values");
    refuseEmpty(object, "values", values.length);
    for (let i = 0; i < values.length; ++i) match.values.push(new NamedValueMatch(values[i]));
    const addresses = object.objectOrNull("clientAddress");
    if (addresses !== null) match.addresses = new AddressMatch(addresses);
    return match;
  }

  /** The first element, with its slash, of all paths that it can match; empty where they have none in common. */
  get firstPathElement(): string {
    const path = this.path;
    if (path === null || (path.test != TextTest.Exact && path.test != TextTest.Prefix)) return "";
    const end = path.text.indexOf("/", 1);
    if (end > 0) return path.text.substring(0, end);
    // The element of a prefix may go on behind it.
    return path.test == TextTest.Exact ? path.text : "";
  }

  /** Reads an array of such objects; empty when the field is left out. */
  static readAll(object: ConfigObject, field: string): RequestMatch[] {
    const items = object.objects(field);
    refuseEmpty(object, field, items.length);
    const matches: RequestMatch[] = [];
    for (let i = 0; i < items.length; ++i) matches.push(RequestMatch.read(items[i]));
    return matches;
  }

  /** Texts each of which a request that is meant has. */
  keys(): MatchKey[] {
    const keys: MatchKey[] = [];
    const path = this.path;
    if (path !== null && path.test == TextTest.Exact) keys.push(new MatchKey(new PathSource(), path.text));
    if (path !== null && path.test == TextTest.Prefix) keys.push(new MatchKey(new PathStartSource(), path.text));
    for (let i = 0; i < this.headers.length; ++i) {
      const text = this.headers[i].exactText;
      if (text !== null) keys.push(new MatchKey(new HeaderSource(this.headers[i].name), text));
    }
    for (let i = 0; i < this.cookies.length; ++i) {
      const text = this.cookies[i].exactText;
      if (text !== null) keys.push(new MatchKey(new CookieSource(this.cookies[i].name), text));
    }
    for (let i = 0; i < this.values.length; ++i) {
      const text = this.values[i].exactText;
      if (text !== null) keys.push(new MatchKey(new ValueSource(this.values[i].value), text));
    }
    return keys;
  }

  /** Whether the current request is meant. */
  matches(): bool {
    const path = this.path;
    if (path !== null && !path.matches(requestPath())) return false;
    if (this.methods.length && !this.matchesMethod()) return false;
    for (let i = 0; i < this.headers.length; ++i) {
      if (!this.headers[i].matches()) return false;
    }
    for (let i = 0; i < this.cookies.length; ++i) {
      if (!this.cookies[i].matches()) return false;
    }
    for (let i = 0; i < this.values.length; ++i) {
      if (!this.values[i].matches()) return false;
    }
    const addresses = this.addresses;
    return addresses === null || addresses.matches();
  }

  /** Whether a condition is on this header. */
  reads(header: string): bool {
    for (let i = 0; i < this.headers.length; ++i) {
      if (this.headers[i].name == header) return true;
    }
    for (let i = 0; i < this.values.length; ++i) {
      if (this.values[i].value.reads(header)) return true;
    }
    return false;
  }

  private matchesMethod(): bool {
    const method = requestHeaders.find(METHOD);
    if (method === null) return false;
    for (let i = 0; i < this.methods.length; ++i) {
      if (this.methods[i].matches(method)) return true;
    }
    return false;
  }
}

/** A test of a value that may be absent: of its text, or whether it is there. */
@final
class ValueMatch {
  private text: StringMatch | null = null;
  private present: bool = true;

  constructor(object: ConfigObject) {
    const test = object.alternative(VALUE_TESTS);
    if (test == TEXT_TESTS.length) this.present = object.boolOr("present", true);
    else if (test >= 0) this.text = StringMatch.of(object, test);
  }

  /** Whether being there is all that is asked for. */
  get isPresence(): bool {
    return this.text === null;
  }

  /** The only text that will do; null where others do, or none. */
  get exactText(): string | null {
    const text = this.text;
    return text !== null && text.test == TextTest.Exact ? text.text : null;
  }

  matches(value: Bytes | null): bool {
    const text = this.text;
    if (text === null) return (value !== null) == this.present;
    return value !== null && text.matches(value);
  }
}

/** A condition on a header; of one that repeats, on any of its values. */
@final
class HeaderMatch {
  readonly name: string;
  private header: HeaderName;
  private value: ValueMatch;

  constructor(object: ConfigObject) {
    const name = headerName(object, "name");
    this.name = name;
    this.header = new HeaderName(name);
    this.value = new ValueMatch(object);
  }

  get exactText(): string | null {
    return this.value.exactText;
  }

  matches(): bool {
    let i = requestHeaders.indexOfName(this.header);
    if (i < 0 || this.value.isPresence) return this.value.matches(i < 0 ? null : requestHeaders.valueAt(i));
    for (; i >= 0; i = requestHeaders.indexOfName(this.header, i + 1)) {
      if (this.value.matches(requestHeaders.valueAt(i))) return true;
    }
    return false;
  }
}

/** A condition on a cookie. */
@final
class CookieMatch {
  readonly name: string;
  private bytes: Uint8Array;
  private value: ValueMatch;

  constructor(object: ConfigObject) {
    const name = object.string("name");
    this.name = name;
    this.bytes = Bytes.utf8(name).copy();
    this.value = new ValueMatch(object);
  }

  get exactText(): string | null {
    return this.value.exactText;
  }

  matches(): bool {
    return this.value.matches(requestCookie(Bytes.of(this.bytes)));
  }
}

/** A condition on any value of a request. */
@final
class NamedValueMatch {
  readonly value: RequestValue;
  private test: ValueMatch;

  constructor(object: ConfigObject) {
    this.value = readValue(object.object("value"));
    this.test = new ValueMatch(object);
  }

  get exactText(): string | null {
    return this.test.exactText;
  }

  matches(): bool {
    return this.test.matches(this.value.read());
  }
}

/** A condition on where a request comes from. What is no IP address is in no range. */
@final
class AddressMatch {
  private position: i32;
  private ranges: Cidr[];

  constructor(object: ConfigObject) {
    this.position = readPosition(object);
    this.ranges = readCidrs(object, "ranges");
    if (!object.has("ranges")) object.error("ranges", "at least one range");
    refuseEmpty(object, "ranges", this.ranges.length);
  }

  matches(): bool {
    const address = clientAddress(this.position);
    if (address === null || !parseAddress(address)) return false;
    for (let i = 0; i < this.ranges.length; ++i) {
      if (this.ranges[i].hasAddress(addressHigh, addressLow)) return true;
    }
    return false;
  }
}
