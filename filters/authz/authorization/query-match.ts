import { Bytes, ConfigObject, Query, escapeAt, percentDecode } from "proxy-wasm-assemblyscript-sdk";
import { TextTest } from "../../common/string-match";
import { Caller } from "../authentication/caller";
import { Condition } from "./condition";
import { Key, KeyKind } from "./key";
import { RequestView } from "./request-view";
import { ValueMatch } from "./value-match";

/**
 * A condition on a parameter of the query, by its decoded name and values. A parameter can repeat, and servers differ in which one
 * they take: it holds if any value passes, a strict one if all do. A query with a malformed escape is in doubt.
 */
@final
export class QueryMatch extends Condition {
  private name: Uint8Array;
  private value: ValueMatch;

  constructor(object: ConfigObject) {
    super("query");
    this.name = Bytes.utf8(object.string("name")).copy();
    this.value = new ValueMatch(object);
  }

  holds(request: RequestView, caller: Caller, strict: bool): bool {
    const query = Query.ofTarget(request.target);
    const name = Bytes.of(this.name);
    let isFound = false;
    let passed = strict;
    if (hasMalformedEscape(query)) return !strict;
    for (let value = query.find(name); value !== null; value = query.findNext(name)) {
      isFound = true;
      if (!this.value.asksForValues) break;
      if (this.value.passes(percentDecode(value, true)) != strict) passed = !strict;
    }
    if (!isFound) return this.value.holdsAbsent;
    return this.value.asksForValues ? passed : this.value.holdsFor(true);
  }

  addKeys(keys: Key[]): bool {
    const text = this.value.text;
    if (text === null || text.test != TextTest.Exact || this.value.isInverted) return false;
    keys.push(Key.ofUnreadable(KeyKind.Query));
    keys.push(Key.ofParameter(this.name, Bytes.utf8(text.text)));
    return true;
  }
}

/** Whether any parameter has an escape that is none. Leaves the query at its end, or behind that parameter. */
export function hasMalformedEscape(query: Query): bool {
  query.rewind();
  while (query.next()) {
    if (isMalformed(query.parameter)) return true;
  }
  return false;
}

function isMalformed(text: Bytes): bool {
  for (let i = text.indexOf(0x25); i >= 0; i = text.indexOf(0x25, i + 1)) {
    if (escapeAt(text, i) < 0) return true;
  }
  return false;
}
