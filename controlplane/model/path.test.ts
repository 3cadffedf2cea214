import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatPath, parsePath, parsePointer } from "./path.ts";
import type { Path } from "./path.ts";

describe("a path", () => {
  const written: [Path, string][] = [
    [[], ""],
    [["spec"], "spec"],
    [["spec", "rules", 0, "matches", 1, "path", "type"], "spec.rules[0].matches[1].path.type"],
    [["labels", "app.kubernetes.io/name"], 'labels["app.kubernetes.io/name"]'],
    [["labels", "", "x-y", "5"], 'labels[""].x-y["5"]'],
    [[0, "a"], "[0].a"],
  ];
  for (const [path, text] of written) {
    it(`is written as ${text === "" ? "nothing" : text}`, () => {
      assert.equal(formatPath(path), text);
      assert.deepEqual(parsePath(text), { path, length: text.length });
    });
  }

  const read: [string, Path, number][] = [
    ["rules[3].limit: expected integer, found string", ["rules", 3, "limit"], 14],
    ["rules[x]", ["rules"], 5],
    ["rules.", ["rules"], 5],
    [".rules", [], 0],
    ["a b", ["a"], 1],
    ['a["b', ["a"], 1],
    ['a["\\q"]', ["a"], 1],
    [": x", [], 0],
  ];
  for (const [text, path, length] of read) {
    it(`ends where ${JSON.stringify(text)} goes on otherwise`, () => {
      assert.deepEqual(parsePath(text), { path, length });
    });
  }

  it("is read as it was written", () => {
    const segment = fc.oneof(fc.string({ unit: "binary" }), fc.nat({ max: 999_999_999 }));
    fc.assert(
      fc.property(fc.array(segment), (path) => {
        const text = formatPath(path);
        assert.deepEqual(parsePath(text), { path, length: text.length });
      }),
    );
  });

  it("is read from a JSON Pointer, by the value", () => {
    const value = { "a/b": [{ "~": 1 }], "0": 2 };
    assert.deepEqual(parsePointer("/a~1b/0/~0", value), ["a/b", 0, "~"]);
    assert.deepEqual(parsePointer("/0", value), ["0"]);
    assert.deepEqual(parsePointer("", value), []);
  });
});
