// Tests of text, named as in Envoy's StringMatcher.

import { Bytes, ConfigObject, Regex, regexError } from "proxy-wasm-assemblyscript-sdk";

export enum TextTest {
  Exact,
  Prefix,
  Suffix,
  Contains,
  Regex,
}

/** The fields of a configuration that stand for the tests, in their order. */
export const TEXT_TESTS: string[] = ["exact", "prefix", "suffix", "contains", "regex"];

/** Compares byte by byte: case counts, and nothing is assumed of the encoding, but by a regular expression that of UTF-8. */
@final
export class StringMatch {
  private expected: Uint8Array;
  private regex: Regex | null = null;

  constructor(
    readonly test: TextTest,
    readonly text: string,
  ) {
    this.expected = Bytes.utf8(text).copy();
  }

  /** Reads `{ "prefix": "/api" }` and the like. */
  static read(object: ConfigObject): StringMatch {
    const test = object.alternative(TEXT_TESTS);
    return test < 0 ? new StringMatch(TextTest.Exact, "") : StringMatch.of(object, test);
  }

  /** Reads the field of one test. */
  static of(object: ConfigObject, test: TextTest): StringMatch {
    const field = TEXT_TESTS[test];
    const match = new StringMatch(test, object.string(field));
    if (test == TextTest.Regex && match.text.length) match.regex = readRegex(object, field, match.text);
    return match;
  }

  matches(text: Bytes): bool {
    const size = this.expected.length;
    if (this.test == TextTest.Regex) {
      const regex = this.regex;
      return regex !== null && regex.matches(text);
    }
    if (text.size < size) return false;
    switch (this.test) {
      case TextTest.Exact:
        return text.size == size && this.isAt(text, 0);
      case TextTest.Prefix:
        return this.isAt(text, 0);
      case TextTest.Suffix:
        return this.isAt(text, text.size - size);
      default:
        for (let at = 0; at <= text.size - size; ++at) {
          if (this.isAt(text, at)) return true;
        }
        return false;
    }
  }

  private isAt(text: Bytes, at: i32): bool {
    return memory.compare(text.pointer + at, this.expected.dataStart, this.expected.length) == 0;
  }
}

/** A pattern for whole values. `.` matches line ends, too: or an escaped one in a path would hide it from a rule. */
export function readRegex(object: ConfigObject, field: string, pattern: string): Regex | null {
  const regex = Regex.compile(pattern, true);
  if (regex === null) object.error(field, `a regular expression in the syntax of RE2, not ${regexError}`);
  return regex;
}
