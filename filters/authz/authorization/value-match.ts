import { Bytes, ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { StringMatch, TEXT_TESTS } from "../../common/string-match";

const TESTS: string[] = TEXT_TESTS.concat(["present"]);

/** A test of the values of something that can be absent or repeat, with `invert` to turn it around. */
@final
export class ValueMatch {
  /** Null for a test of presence. */
  text: StringMatch | null = null;
  private present: bool = true;
  private invert: bool;

  constructor(object: ConfigObject) {
    const test = object.alternative(TESTS);
    if (test == TEXT_TESTS.length) this.present = object.boolOr("present", true);
    else if (test >= 0) this.text = StringMatch.of(object, test);
    this.invert = object.boolOr("invert", false);
  }

  /** Whether values are to be tested one by one: `passes` then, and `holdsAbsent` where there are none. */
  get asksForValues(): bool {
    return this.text !== null;
  }

  get isInverted(): bool {
    return this.invert;
  }

  /** For a test of presence. */
  holdsFor(isPresent: bool): bool {
    return isPresent == (this.present != this.invert);
  }

  /** Nothing is there to be as a test says; inverted, nothing is there that it excludes. */
  get holdsAbsent(): bool {
    return this.asksForValues ? this.invert : this.holdsFor(false);
  }

  passes(value: Bytes): bool {
    const text = this.text;
    return text !== null && text.matches(value) != this.invert;
  }
}
