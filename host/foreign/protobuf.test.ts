import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeFields, Fields } from "./protobuf.ts";

test("fields that are written are read", () => {
  const fields = Fields.parse(encodeFields({ 1: "text", 2: Uint8Array.of(0, 1), 3: true, 4: false, 200: "far" }));
  assert.ok(fields);
  assert.equal(fields.text(1), "text");
  assert.deepEqual([...fields.bytes(2)], [0, 1]);
  assert.equal(fields.number(3), 1);
  assert.equal(fields.number(4), 0);
  assert.equal(fields.text(200), "far");
  assert.equal(fields.bytes(5).length, 0);
});

test("the last of a repeated field counts, and unknown fields are skipped", () => {
  assert.equal(Fields.parse(Uint8Array.from([0x08, 1, 0x08, 2]))?.number(1), 2);
  assert.ok(Fields.parse(Uint8Array.from([0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x15, 1, 2, 3, 4])));
});

test("random bytes are a message or not, and never an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const fields = Fields.parse(bytes);
      if (fields !== undefined) assert.ok(fields.bytes(1).length <= bytes.length);
    }),
    { numRuns: 2000 },
  );
});

for (const [name, bytes] of [
  ["a cut varint", [0x80]],
  ["field number 0", [0x00, 0x01]],
  ["a length past the end", [0x0a, 5, 1]],
  ["a group", [0x0b]],
] as [string, number[]][]) {
  test(`not a message: ${name}`, () => assert.equal(Fields.parse(Uint8Array.from(bytes)), undefined));
}
