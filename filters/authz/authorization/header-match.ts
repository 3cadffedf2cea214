import { Bytes, ConfigObject, HeaderName, requestHeaders } from "proxy-wasm-assemblyscript-sdk";
import { headerName } from "../../common/names";
import { hasAt } from "../text";

enum HeaderTest {
  Exact,
  Prefix,
  Suffix,
  Present,
}

/** The fields that stand for the tests, in their order. */
const HEADER_TESTS: string[] = ["exact", "prefix", "suffix", "present"];

// @ts-ignore: decorator
@inline const COMMA: u8 = 0x2c;

/**
 * A condition on a header. A header can repeat, and a value can be a list with commas, which means the same (RFC 9110,
 * section 5.3). Each value is tested by itself, or a second one would hide from a `deny` rule (GHSA-ghc4-35x6-crw5):
 * `deny` holds if any value passes the test, `allow` if all do and there is at least one.
 * A test whose own text has a comma is one of a whole line.
 */
@final
export class HeaderMatch {
  readonly name: string;
  private header: HeaderName;
  private test: HeaderTest;
  private expected: Uint8Array = new Uint8Array(0);
  private whole: bool = false;
  private present: bool = true;
  private invert: bool;

  constructor(object: ConfigObject) {
    const name = headerName(object, "name");
    if (name.startsWith(":") || name == "host") {
      object.error("name", "a header that is no pseudo-header; see methods, hosts and paths");
    }
    this.name = name;
    this.header = new HeaderName(name);
    const test = object.alternative(HEADER_TESTS);
    this.test = test < 0 ? HeaderTest.Present : test;
    if (test == HeaderTest.Present) {
      this.present = object.boolOr("present", true);
    } else if (test >= 0) {
      const text = object.string(HEADER_TESTS[test]);
      this.expected = Bytes.utf8(text).copy();
      this.whole = text.includes(",");
    }
    this.invert = object.boolOr("invert", false);
  }

  matches(allow: bool): bool {
    let i = requestHeaders.indexOfName(this.header);
    if (this.test == HeaderTest.Present) return i >= 0 == (this.present != this.invert);
    // Nothing is there to be as the test says; inverted, nothing is there that it excludes.
    if (i < 0) return this.invert;
    for (; i >= 0; i = requestHeaders.indexOfName(this.header, i + 1)) {
      if (this.lineMatches(requestHeaders.valueAt(i), allow) != allow) return !allow;
    }
    return allow;
  }

  /** As `matches`, of the values in one line. */
  private lineMatches(line: Bytes, allow: bool): bool {
    if (this.whole) return this.valueMatches(line);
    let start = 0;
    while (start <= line.size) {
      const comma = line.indexOf(COMMA, start);
      const end = comma < 0 ? line.size : comma;
      if (this.valueMatches(line.slice(start, end).trim()) != allow) return !allow;
      start = end + 1;
    }
    return allow;
  }

  private valueMatches(value: Bytes): bool {
    return this.passes(value) != this.invert;
  }

  private passes(value: Bytes): bool {
    const size = this.expected.length;
    if (value.size < size) return false;
    switch (this.test) {
      case HeaderTest.Exact:
        return value.size == size && hasAt(value, 0, this.expected);
      case HeaderTest.Prefix:
        return hasAt(value, 0, this.expected);
      default:
        return hasAt(value, value.size - size, this.expected);
    }
  }
}
