import { Bytes, ConfigObject, JsonKind, JsonValue } from "proxy-wasm-assemblyscript-sdk";
import { StringMatch, TextTest } from "../../common/string-match";
import { Caller } from "../authentication/caller";
import { ClaimPath, hasWord } from "../authentication/claims";
import { Condition } from "./condition";
import { Key } from "./key";
import { RequestView } from "./request-view";

enum ClaimTest {
  Equals,
  Contains,
  Prefix,
  Suffix,
  Regex,
  Present,
}

/** The fields that stand for the tests, in their order. */
const CLAIM_TESTS: string[] = ["equals", "contains", "prefix", "suffix", "regex", "present"];

/** A condition on a claim. Of an array of texts, any may pass. */
@final
export class ClaimMatch {
  private path: ClaimPath;
  private test: ClaimTest;
  private equal: JsonValue | null = null;
  private text: string = "";
  private match: StringMatch | null = null;
  private present: bool = true;

  constructor(object: ConfigObject) {
    this.path = ClaimPath.read(object, "claim");
    const test = object.alternative(CLAIM_TESTS);
    this.test = max(test, 0);
    switch (test) {
      case ClaimTest.Equals:
        this.equal = object.json("equals");
        if (!isScalar(this.equal)) object.error("equals", "a string, a number, true or false");
        break;
      case ClaimTest.Contains:
        this.text = object.string("contains");
        break;
      case ClaimTest.Prefix:
        this.match = StringMatch.of(object, TextTest.Prefix);
        break;
      case ClaimTest.Suffix:
        this.match = StringMatch.of(object, TextTest.Suffix);
        break;
      case ClaimTest.Regex:
        this.match = StringMatch.of(object, TextTest.Regex);
        break;
      case ClaimTest.Present:
        this.present = object.boolOr("present", true);
        break;
      default:
        break;
    }
  }

  /** The OAuth scope that is asked for; empty for a condition on something else. */
  get scope(): string {
    return this.test == ClaimTest.Contains && (this.path.is("scope") || this.path.is("scp")) ? this.text : "";
  }

  addKeys(keys: Key[]): bool {
    const equal = this.equal;
    if (this.test == ClaimTest.Contains) keys.push(Key.ofClaim(this.path, this.text));
    else if (equal !== null && equal.kind == JsonKind.String) keys.push(Key.ofClaim(this.path, equal.text));
    else return false;
    return true;
  }

  matches(claims: JsonValue): bool {
    const value = this.path.find(claims);
    if (this.test == ClaimTest.Present) return (value !== null) == this.present;
    if (value === null) return false;
    if (this.test == ClaimTest.Equals) return isSame(value, this.equal);
    if (value.kind == JsonKind.String) return this.passes(value.text, true);
    if (value.kind != JsonKind.Array) return false;
    for (let i = 0; i < value.items.length; ++i) {
      const item = unchecked(value.items[i]);
      if (item.kind == JsonKind.String && this.passes(item.text, false)) return true;
    }
    return false;
  }

  /** @param isAlone Whether the text is the whole claim, which then is a list of words to `contains`. */
  private passes(text: string, isAlone: bool): bool {
    const match = this.match;
    if (match !== null) return match.matches(Bytes.utf8(text));
    return isAlone ? hasWord(text, this.text) : text == this.text;
  }
}

/**
 * On the token, or on that of one provider. A caller can have several tokens: then any may meet the condition, and for a strict one all
 * must, so that what one token allows is not done in the name of another.
 */
@final
export class ClaimCondition extends Condition {
  /** The provider whose token it is on; empty for every token. */
  readonly provider: string;
  private match: ClaimMatch;

  constructor(object: ConfigObject) {
    super("claims");
    this.match = new ClaimMatch(object);
    this.provider = object.has("provider") ? object.string("provider") : "";
  }

  get scope(): string {
    return this.match.scope;
  }

  /** Of one token or of several, one at least meets it. */
  addKeys(keys: Key[]): bool {
    return this.match.addKeys(keys);
  }

  holds(request: RequestView, caller: Caller, strict: bool): bool {
    let isFound = false;
    for (let i = 0; i < caller.identities.length; ++i) {
      const identity = unchecked(caller.identities[i]);
      if (this.provider.length && identity.provider.name != this.provider) continue;
      if (this.match.matches(identity.claims) != strict) return !strict;
      isFound = true;
    }
    return strict && isFound;
  }
}

function isScalar(value: JsonValue | null): bool {
  if (value === null) return false;
  return value.kind == JsonKind.String || value.kind == JsonKind.Bool || value.kind == JsonKind.Number;
}

/** Numbers are the same by value: 1 is 1.0. */
function isSame(value: JsonValue, expected: JsonValue | null): bool {
  if (expected === null || value.kind != expected.kind) return false;
  if (value.kind == JsonKind.Number) return value.number == expected.number;
  return value.text == expected.text && value.bool == expected.bool;
}
