// Tests of text, named as in Envoy's StringMatcher.

import { Bytes, ConfigObject } from "proxy-wasm-assemblyscript-sdk";

export enum TextTest {
  Exact,
  Prefix,
  Suffix,
  Contains,
}

/** The fields of a configuration that stand for the tests, in their order. */
export const TEXT_TESTS: string[] = ["exact", "prefix", "suffix", "contains"];

/** Compares byte by byte: case counts, and nothing is assumed of the encoding. */
@final
export class StringMatch {
  private expected: Uint8Array;

  constructor(
    readonly test: TextTest,
    text: string,
  ) {
    this.expected = Bytes.utf8(text).copy();
  }

  /** Reads `{ "prefix": "/api" }` and the like. */
  static read(object: ConfigObject): StringMatch {
    const test = object.alternative(TEXT_TESTS);
    return new StringMatch(max(test, 0), test < 0 ? "" : object.string(TEXT_TESTS[test]));
  }

  matches(text: Bytes): bool {
    const size = this.expected.length;
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
