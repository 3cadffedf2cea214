import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readDocuments } from "./document.ts";
import { loadModel } from "./load.ts";
import { formatProblem } from "./problem.ts";

const read = (text: string): ReturnType<typeof readDocuments> => readDocuments({ path: "f", text });
const values = (text: string): unknown[] => read(text).documents.map(({ value }) => value);
const faults = (text: string): string[] => read(text).problems.map(formatProblem);

describe("readDocuments", () => {
  const accepted: [what: string, text: string, values: unknown[]][] = [
    ["YAML", "a: 1\nb: [x, true, null, 1.5]", [{ a: 1, b: ["x", true, null, 1.5] }]],
    ["JSON", '{\n\t"a": "\\ud83d\\ude00\\/"\n}', [{ a: "😀/" }]],
    ["several documents, but not the empty ones", "a: 1\n---\n# nothing\n---\nb: 2\n...\n", [{ a: 1 }, { b: 2 }]],
    ["an empty file", "", []],
    ["aliases", "a: &x { b: 1 }\nc: *x\nd: [*x]", [{ a: { b: 1 }, c: { b: 1 }, d: [{ b: 1 }] }]],
    ["an anchor that is used again", "a: &x 1\nb: *x\nc: &x 2\nd: *x", [{ a: 1, b: 1, c: 2, d: 2 }]],
    ["YAML 1.2 words as text", "on: yes\ndate: 2020-01-01\n12: x", [{ on: "yes", date: "2020-01-01", 12: "x" }]],
    ["a merge key as a plain one", "<<: { a: 1 }", [{ "<<": { a: 1 } }]],
  ];
  for (const [what, text, expected] of accepted) it(`reads ${what}`, () => assert.deepEqual(values(text), expected));

  const bomb = Array.from(
    { length: 12 },
    (_, i) =>
      `a${i}: &a${i} [${Array(10)
        .fill(i === 0 ? "x" : `*a${i - 1}`)
        .join(", ")}]`,
  );
  const refused: [what: string, text: string, faults: string[]][] = [
    ["a key that is there twice", "a: 1\nb:\n  c: 1\n  c: 2", ["f:4:3: b.c: the key is there twice"]],
    ["an unknown alias", "a: *x", ["f:1:4: a: there is no anchor &x before this alias"]],
    ["an alias within its anchor", "a: &x [*x]", ["f:1:8: a[0]: the alias *x stands within its own anchor"]],
    ["an alias bomb", bomb.join("\n"), ["f:5:45: a4[7]: aliases stand for more than 100000 values"]],
    ["deep nesting", "[".repeat(20_000), ["f:1:1: nested deeper than 100 levels"]],
    ["a tag", "a: !!binary aGk=", ["f:1:4: YAML: Unresolved tag: tag:yaml.org,2002:binary"]],
    [
      "numbers that JSON does not have",
      "a: .nan\nb: -.inf",
      ["f:1:4: a: NaN is not a number that JSON has", "f:2:4: b: -Infinity is not a number that JSON has"],
    ],
    [
      "integers that are not exact",
      "a: 9007199254740993",
      ["f:1:4: a: the integer is too large to be kept exactly; write it as a string, in quotes"],
    ],
    ["half a surrogate pair", '"\\ud83d"', ["f:1:1: the text is not valid Unicode"]],
    ["a map as a key", "{ a: 1 }: 2", ["f:1:1: YAML: With stringKeys, all keys must be strings"]],
    [
      "a syntax error",
      "a: [1,\nb: 2",
      ["f:2:1: YAML: Flow sequence in block collection must be sufficiently indented and end with a ]"],
    ],
  ];
  for (const [what, text, expected] of refused) {
    it(`refuses ${what}`, () => {
      const actual = faults(text);
      assert.deepEqual(actual.slice(0, expected.length), expected);
      assert.deepEqual(values(text), []);
    });
  }

  it("keeps the documents beside a faulty one", () => {
    assert.deepEqual(values("a: 1\n---\nb: 1\nb: 2\n---\nc: 3"), [{ a: 1 }, { c: 3 }]);
  });

  it("keeps __proto__ as a key", () => {
    const [value] = values("__proto__: { a: 1 }");
    assert.deepEqual(Object.keys(value as object), ["__proto__"]);
    assert.equal((value as { a?: unknown }).a, undefined);
  });

  it("finds the place of keys, values, and what stands behind an alias", () => {
    const [document] = read("x: &x\n  y: 1\nlist:\n  - a\n  - *x\n").documents;
    assert.ok(document);
    const at = (...args: Parameters<typeof document.origin.locate>): string => {
      const { line, column } = document.origin.locate(...args);
      return `${line}:${column}`;
    };
    assert.equal(at(["x", "y"]), "2:6");
    assert.equal(at(["x", "y"], "key"), "2:3");
    assert.equal(at(["list", 1]), "5:5");
    assert.equal(at(["list", 1, "y"]), "2:6");
    assert.equal(at(["list", 7]), "3:1", "the key of the list, as there is no such item");
    assert.equal(at(["x", "z", "a"]), "1:1", "the key around a missing one");
  });
});

describe("loadModel", () => {
  const mesh = readFileSync(new URL("../translate/testdata/mesh.yaml", import.meta.url), "utf8");

  it("does not throw on any text", () => {
    const bit = fc.constantFrom(
      "a",
      "kind: Service",
      "spec",
      ":",
      "- ",
      "\n",
      "  ",
      "[",
      "{",
      "&a ",
      "*a",
      '"',
      "'",
      "|",
      "---\n",
      "!!x ",
      "\t",
      "#",
      "? ",
      "null",
      "\u0000",
      "é",
    );
    fc.assert(fc.property(fc.array(bit), (bits) => void loadModel([{ path: "f", text: bits.join("") }])));
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => void loadModel([{ path: "f", text }])),
    );
  });

  it("does not throw on a damaged mesh, and places every problem within it", () => {
    const damage = fc.record({
      at: fc.nat({ max: mesh.length }),
      length: fc.nat({ max: 12 }),
      text: fc.oneof(
        fc.string({ maxLength: 4 }),
        fc.constantFrom("null", "[]", "{}", "-1", "true", "\n", ": ", "&x ", "*x"),
      ),
    });
    const lines = mesh.split("\n").length;
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 5 }), (damages) => {
        let text = mesh;
        for (const { at, length, text: put } of damages) text = text.slice(0, at) + put + text.slice(at + length);
        const result = loadModel([{ path: "f", text }]);
        if (result.ok) return;
        assert.ok(result.problems.length > 0);
        for (const { line, column, message } of result.problems) {
          assert.ok(line >= 1 && line <= lines + 20 && column >= 1);
          assert.ok(!/undefined|\[object/.test(message), message);
        }
      }),
      { numRuns: 300 },
    );
  });
});
