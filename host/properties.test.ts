import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderMap } from "./header-map.ts";
import { decodePairs } from "./pairs.ts";
import { double, encodeProperty, mergeProperties, walk, type Property } from "./properties.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const encodings: [name: string, value: Property, bytes: number[]][] = [
  ["a string", "ab", [0x61, 0x62]],
  ["bytes", Uint8Array.of(1, 0xff), [1, 0xff]],
  ["true", true, [1]],
  ["false", false, [0]],
  ["an int", -2, [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ["a bigint", 258n, [2, 1, 0, 0, 0, 0, 0, 0]],
  ["a double", 1.5, [0, 0, 0, 0, 0, 0, 0xf8, 0x3f]],
  ["a whole double", double(1), [0, 0, 0, 0, 0, 0, 0xf0, 0x3f]],
  ["a timestamp", new Date(1), [0x40, 0x42, 0x0f, 0, 0, 0, 0, 0]],
  ["an empty list", [], [0, 0, 0, 0]],
];
for (const [name, value, bytes] of encodings) {
  test(`${name} on the wire`, () => assert.deepEqual([...encodeProperty(value)], bytes));
}

test("maps, lists and headers on the wire are pairs", () => {
  const pairs = (value: Property): string[][] => decodePairs(encodeProperty(value)).map((pair) => pair.map(text));
  assert.deepEqual(pairs({ a: "1", b: "2" }), [
    ["a", "1"],
    ["b", "2"],
  ]);
  assert.deepEqual(pairs(["x", "y"]), [
    ["x", ""],
    ["y", ""],
  ]);
  assert.deepEqual(pairs(new HeaderMap("request", { "x-a": ["1", "2"] })), [["x-a", "1,2"]]);
});

test("a path walks through maps, lists and headers", () => {
  const tree: Property = { list: ["a", { deep: "b" }], headers: new HeaderMap("request", { "x-a": ["1", "2"] }) };
  assert.equal(walk(tree, ["list", "1", "deep"]), "b");
  assert.deepEqual(walk(tree, ["headers", "X-A"]), Uint8Array.from(Buffer.from("1,2")));
  for (const path of [["list", "2"], ["list", "-1"], ["list", "x"], ["headers", "y"], ["nope"], ["list", "0", "x"]]) {
    assert.equal(walk(tree, path), undefined, path.join("."));
  }
});

test("what Object has of its own is no property", () => {
  assert.equal(walk({}, ["constructor"]), undefined);
  assert.equal(walk(mergeProperties({}), ["toString"]), undefined);
});

test("trees lie over one another, and dots make paths", () => {
  const merged = mergeProperties({ "a.b": "1", "a.c": "2" }, { a: { b: "3" }, "d.e.f": true });
  assert.deepEqual(merged, { a: { b: "3", c: "2" }, d: { e: { f: true } } });
});
