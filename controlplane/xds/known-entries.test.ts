import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Entry, KnownEntries } from "./known-entries.ts";

/** Reads `key=value`. */
function parse(bytes: Uint8Array): Entry {
  const [key = "", value] = Buffer.from(bytes).toString().split("=");
  if (value === undefined) throw new Error("no entry");
  return { key, value };
}

test("an entry that was read before is the same again, wherever it stands in a message", () => {
  const entries = new KnownEntries(parse);
  const first = entries.read(Buffer.from("cluster=0123456789abcdef"), 0, 24);
  const again = entries.read(Buffer.from("--cluster=0123456789abcdef--"), 2, 26);
  assert.equal(again, first);
  assert.deepEqual([first.key, first.value], ["cluster", "0123456789abcdef"]);
});

test("entries that end alike are told apart, and what is kept is not the message's memory", () => {
  const entries = new KnownEntries(parse);
  const version = "0123456789abcdef";
  const message = Buffer.from(`a=${version}b=${version}`);
  for (let turn = 0; turn < 2; turn += 1) {
    assert.equal(entries.read(message, 0, 18).key, "a");
    assert.equal(entries.read(message, 18, 36).key, "b");
  }
  const known = entries.read(message, 18, 36);
  message.fill(0x3d);
  assert.equal(entries.read(Buffer.from(`b=${version}`), 0, 18), known);
});

test("what is read is what was written, in any order and of any length", () => {
  const entries = new KnownEntries(parse);
  const word = fc.string({ unit: fc.constantFrom("a", "b", "0", "1"), maxLength: 300 });
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word), { maxLength: 50 }), (written) => {
      for (const [key, value] of written) {
        const bytes = Buffer.from(`${key}=${value}`);
        const entry = entries.read(bytes, 0, bytes.length);
        assert.deepEqual([entry.key, entry.value], [key, value]);
      }
    }),
  );
});

test("what cannot be read is not kept", () => {
  const entries = new KnownEntries(parse);
  const bytes = Buffer.from("nothing");
  assert.throws(() => entries.read(bytes, 0, 7), /no entry/);
  assert.throws(() => entries.read(bytes, 0, 7), /no entry/);
});
