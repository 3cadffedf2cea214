import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodePairs, encodePairs, marshalPairs, PAIRS_MAX_BYTES, PAIRS_MAX_COUNT, type Pair } from "./pairs.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("the format", () => {
  const encoded = encodePairs([[bytes("a"), bytes("bc")]]);
  assert.deepEqual([...encoded], [1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0x61, 0, 0x62, 0x63, 0]);
});

test("no pairs are no bytes to a module, and a count of zero inside of a property", () => {
  assert.equal(encodePairs([]).length, 0);
  assert.deepEqual([...marshalPairs([])], [0, 0, 0, 0]);
});

test("what is encoded is decoded", () => {
  const pair = fc.tuple(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 20 }));
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 20 }), (pairs) => {
      assert.deepEqual(decodePairs(marshalPairs(pairs)), pairs);
    }),
  );
});

test("random bytes give pairs or none, and never an exception", () => {
  const input = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.uint8Array({ maxLength: 40 }).map((rest) => Uint8Array.from([1, 0, 0, 0, ...rest])),
  );
  fc.assert(
    fc.property(input, (random) => {
      const pairs = decodePairs(random);
      // Only one encoding of some pairs is accepted.
      if (pairs.length > 0) assert.deepEqual(marshalPairs(pairs), random);
    }),
    { numRuns: 2000 },
  );
});

const many = (count: number): Pair[] => Array.from({ length: count }, () => [bytes("k"), bytes("")]);
const long = (size: number): Pair[] => [[bytes("k"), new Uint8Array(size)]];
const overhead = marshalPairs(long(0)).length;
const good = marshalPairs([[bytes("k"), bytes("v")]]);

const none: [name: string, input: Uint8Array][] = [
  ["nothing", new Uint8Array()],
  ["half a count", new Uint8Array(3)],
  ["more pairs than the limit", marshalPairs(many(PAIRS_MAX_COUNT + 1))],
  ["more bytes than the limit", marshalPairs(long(PAIRS_MAX_BYTES - overhead + 1))],
  ["a byte too many at the end", Uint8Array.from([...good, 0])],
  ["a byte too few at the end", good.subarray(0, good.length - 1)],
  ["no NUL after the key", Uint8Array.from(good, (byte, i) => (i === 13 ? 1 : byte))],
];
for (const [name, input] of none) {
  test(`no pairs: ${name}`, () => assert.deepEqual(decodePairs(input), []));
}

test("exactly the limits are accepted", () => {
  assert.equal(decodePairs(marshalPairs(many(PAIRS_MAX_COUNT))).length, PAIRS_MAX_COUNT);
  assert.equal(decodePairs(marshalPairs(long(PAIRS_MAX_BYTES - overhead))).length, 1);
});
