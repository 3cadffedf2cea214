import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { differenceOf, markShared } from "./difference.ts";
import { createLayeredSet, createResource, createResourceSet, TypeUrl, type Resource } from "./index.ts";
import { LayeredMap } from "./layered-map.ts";

const make = (name: string, content: string): Resource => createResource(name, TypeUrl.cluster, Buffer.from(content));

/** A set of names with contents, and which of them are a sidecar's own. */
const parts = fc.dictionary(fc.string({ maxLength: 2 }), fc.record({ content: fc.nat(2), isOwn: fc.boolean() }), {
  noNullPrototype: true,
});

type Parts = Readonly<Record<string, { readonly content: number; readonly isOwn: boolean }>>;

function layersOf(all: Parts): { base: Map<string, Resource>; own: Map<string, Resource> } {
  const some = (isOwn: boolean): Map<string, Resource> =>
    new Map(
      Object.entries(all)
        .filter(([, part]) => part.isOwn === isOwn)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, { content }]) => [name, make(name, String(content))]),
    );
  return { base: some(false), own: some(true) };
}

test("a layered map is as a plain one of both parts", () => {
  fc.assert(
    fc.property(parts, (all) => {
      const { base, own } = layersOf(all);
      const map = new LayeredMap(base, own);
      const plain = new Map([...base, ...own].sort(([a], [b]) => (a < b ? -1 : 1)));
      assert.deepEqual([...map], [...plain]);
      assert.deepEqual([...map.keys()], [...plain.keys()]);
      assert.deepEqual([...map.values()], [...plain.values()]);
      assert.equal(map.size, plain.size);
      for (const name of [...plain.keys(), "absent"]) {
        assert.equal(map.get(name), plain.get(name));
        assert.equal(map.has(name), plain.has(name));
      }
    }),
  );
});

test("layered maps differ as plain ones do, though a name moves from the one part to the other", () => {
  fc.assert(
    fc.property(parts, parts, (before, after) => {
      const [a, b] = [layersOf(before), layersOf(after)];
      for (const { base } of [a, b]) markShared(base);
      const plain = differenceOf(sorted(a), sorted(b));
      for (let time = 0; time < 2; ++time)
        assert.deepEqual(differenceOf(new LayeredMap(a.base, a.own), new LayeredMap(b.base, b.own)), plain);
    }),
  );
});

test("R13: a layered set has the version that a plain one of the same resources has", () => {
  fc.assert(
    fc.property(parts, (all) => {
      const { base, own } = layersOf(all);
      const layered = createLayeredSet(createResourceSet(TypeUrl.cluster, base.values()), own.values());
      const plain = createResourceSet(TypeUrl.cluster, [...base.values(), ...own.values()]);
      assert.equal(layered.version, plain.version);
      assert.equal(layered.versionOf(plain.resources.values()), plain.version);
      assert.deepEqual([...layered.resources], [...plain.resources]);
    }),
  );
});

test("a layered set refuses what its base has too", () => {
  const base = createResourceSet(TypeUrl.cluster, [make("a", "1")]);
  assert.throws(() => createLayeredSet(base, [make("a", "2")]), /two resources .* named a/);
});

function sorted({ base, own }: { base: Map<string, Resource>; own: Map<string, Resource> }): Map<string, Resource> {
  return new Map([...base, ...own].sort(([a], [b]) => (a < b ? -1 : 1)));
}
