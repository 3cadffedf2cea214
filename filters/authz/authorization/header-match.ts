import { Bytes, ConfigObject, HeaderName, requestHeaders } from "proxy-wasm-assemblyscript-sdk";
import { headerName } from "../../common/names";
import { TextTest } from "../../common/string-match";
import { Caller } from "../authentication/caller";
import { Condition } from "./condition";
import { Key } from "./key";
import { RequestView } from "./request-view";
import { ValueMatch } from "./value-match";

// @ts-ignore: decorator
@inline const COMMA: u8 = 0x2c;

/**
 * A condition on a header. A header can repeat, and a value can be a list with commas, which means the same (RFC 9110,
 * section 5.3). Each value is tested by itself, or a second one would hide from a `deny` rule (GHSA-ghc4-35x6-crw5):
 * it holds if any value passes the test, a strict one if all do and there is at least one.
 * A test whose own text has a comma is one of a whole line.
 */
@final
export class HeaderMatch extends Condition {
  readonly name: string;
  private header: HeaderName;
  private value: ValueMatch;
  private whole: bool = false;

  constructor(object: ConfigObject) {
    super("headers");
    const name = headerName(object, "name");
    if (name.startsWith(":") || name == "host") {
      object.error("name", "a header that is no pseudo-header; see methods, hosts and paths");
    }
    this.name = name;
    this.header = new HeaderName(name);
    const value = new ValueMatch(object);
    this.value = value;
    const text = value.text;
    if (text !== null) this.whole = text.text.includes(",");
  }

  holds(request: RequestView, caller: Caller, strict: bool): bool {
    let i = requestHeaders.indexOfName(this.header);
    if (!this.value.asksForValues) return this.value.holdsFor(i >= 0);
    if (i < 0) return this.value.holdsAbsent;
    for (; i >= 0; i = requestHeaders.indexOfName(this.header, i + 1)) {
      if (this.lineMatches(requestHeaders.valueAt(i), strict) != strict) return !strict;
    }
    return strict;
  }

  addKeys(keys: Key[]): bool {
    const text = this.value.text;
    if (text === null || text.test != TextTest.Exact || this.value.isInverted) return false;
    keys.push(Key.ofHeader(this.header, Bytes.utf8(text.text)));
    return true;
  }

  /** As `holds`, of the values in one line. */
  private lineMatches(line: Bytes, strict: bool): bool {
    if (this.whole) return this.value.passes(line);
    let start = 0;
    while (start <= line.size) {
      const comma = line.indexOf(COMMA, start);
      const end = comma < 0 ? line.size : comma;
      if (this.value.passes(line.slice(start, end).trim()) != strict) return !strict;
      start = end + 1;
    }
    return strict;
  }
}
