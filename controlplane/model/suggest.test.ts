import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { didYouMean, editDistance } from "./suggest.ts";

describe("didYouMean", () => {
  const fields = ["address", "port", "weight", "sidecar"];
  const cases: [word: string, suggestion: string][] = [
    ["adress", ' (did you mean "address"?)'],
    ["PORT", ' (did you mean "port"?)'],
    ["wieght", ' (did you mean "weight"?)'],
    ["host", ""],
    ["x".repeat(1000), ""],
  ];
  for (const [word, suggestion] of cases) {
    it(word.slice(0, 10), () => assert.equal(didYouMean(word, fields), suggestion));
  }
});

describe("editDistance", () => {
  const cases: [a: string, b: string, distance: number][] = [
    ["", "", 0],
    ["", "abc", 3],
    ["abc", "abc", 0],
    ["abc", "abd", 1],
    ["abc", "acb", 1],
    ["kitten", "sitting", 3],
  ];
  for (const [a, b, distance] of cases) {
    it(`${a} - ${b}`, () => assert.deepEqual([editDistance(a, b), editDistance(b, a)], [distance, distance]));
  }

  it("is 0 for equal words only, and at most the length of the longer", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
        assert.equal(editDistance(a, b) === 0, a === b);
        assert.ok(editDistance(a, b) <= Math.max(a.length, b.length));
      }),
    );
  });
});
