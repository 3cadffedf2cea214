import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readDocuments } from "../model/index.ts";
import { identityOf, joinDocuments, splitDocuments } from "./documents.ts";

const service = (name: string): string => `kind: Service\nmetadata: { name: ${name} }\n`;

describe("a file is cut into its documents", () => {
  const cases: [what: string, text: string, lines: number[]][] = [
    ["nothing", "", []],
    ["only a comment", "# nothing\n---\n", []],
    ["one", service("a"), [1]],
    ["JSON", '{"kind": "Service",\n "metadata": {"name": "a"}}', [1]],
    ["two", `${service("a")}---\n${service("b")}`, [1, 3]],
    ["with a marker at the start", `---\n${service("a")}---\n${service("b")}`, [1, 4]],
    [
      "with comments before, between and after",
      `# one\n---\n# two\n${service("a")}# three\n---\n${service("b")}# four\n`,
      [1, 7],
    ],
    ["with an end and a directive", `${service("a")}...\n%YAML 1.2\n---\n${service("b")}`, [1, 4]],
    ["with empty ones", `---\n---\n${service("a")}---\n---\n${service("b")}---\n`, [2, 6]],
    [
      "with markers in a text",
      `kind: Service\nmetadata: { name: a }\ntext: |\n  ---\n  x\n---\n${service("b")}`,
      [1, 6],
    ],
    ["with lines as Windows has them", `${service("a")}---\n${service("b")}`.replaceAll("\n", "\r\n"), [1, 3]],
  ];
  for (const [what, text, lines] of cases) {
    test(what, () => {
      const documents = splitDocuments({ path: "f.yaml", text });
      assert.deepEqual(
        documents.map(({ line }) => line),
        lines,
      );
      const names = ["a", "b"].slice(0, lines.length);
      assert.deepEqual(
        documents.map((document) => identityOf(document)?.name),
        names,
      );
      // Each value stands where it stood in the whole file.
      const whole = readDocuments({ path: "f.yaml", text }).documents.map(({ origin }) =>
        origin.locate(["metadata", "name"]),
      );
      const cut = documents.flatMap((document) =>
        readDocuments(document).documents.map(({ origin }) => origin.locate(["metadata", "name"])),
      );
      assert.deepEqual(cut, whole);
      const joined = readDocuments({ path: "f.yaml", text: joinDocuments(documents.map((document) => document.text)) });
      assert.deepEqual([joined.problems, joined.documents.length], [[], lines.length]);
    });
  }

  for (const text of ["kind: [", "- a", "kind: Service", "metadata: null", "a: b: c", '"\ud800"']) {
    test(`${text} is no resource`, () =>
      assert.equal(splitDocuments({ path: "f", text }).map(identityOf)[0], undefined));
  }
});
