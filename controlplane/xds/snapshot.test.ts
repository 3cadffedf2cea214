import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import {
  createResource,
  createResourceSet,
  createSnapshot,
  createStagedResource,
  type Resource,
  SERVED_TYPES,
  snapshotOf,
  TypeUrl,
} from "./index.ts";
import { isContentOf } from "./resource.ts";
import { servedSet } from "./snapshot.ts";

const make = (name: string, content = name, typeUrl: string = TypeUrl.cluster): Resource =>
  createResource(name, typeUrl, Buffer.from(content));

test("R13: the version of a resource is a hash of its content and type", () => {
  assert.equal(make("a").version, make("a").version);
  assert.notEqual(make("a", "1").version, make("a", "2").version);
  assert.notEqual(make("a", "1").version, make("a", "1", TypeUrl.listener).version);
  assert.match(make("a").version, /^[0-9a-f]{16}$/);
});

test("R13: the version of a set depends on what is in it, and not on the order", () => {
  const name = fc.string({ maxLength: 4 });
  fc.assert(
    fc.property(fc.uniqueArray(name), fc.uniqueArray(name), (some, others) => {
      const version = (names: string[]): string =>
        createResourceSet(
          TypeUrl.cluster,
          names.map((n) => make(n, "")),
        ).version;
      assert.equal(version(some), version([...some].reverse()));
      const same = some.length === others.length && some.every((n) => others.includes(n));
      assert.equal(version(some) === version(others), same);
    }),
  );
});

test("a set is in the order of its names and refuses what does not belong into it", () => {
  const set = createResourceSet(TypeUrl.cluster, [make("b"), make("a")]);
  assert.deepEqual([...set.resources.keys()], ["a", "b"]);
  assert.throws(() => createResourceSet(TypeUrl.cluster, [make("a", "1"), make("a", "2")]), /two resources .* named a/);
  assert.throws(() => createResourceSet(TypeUrl.listener, [make("a")]), /a is a .*Cluster, expected .*Listener/);
});

test("versions of one's own hold for a set and for its subsets", () => {
  const set = createResourceSet(TypeUrl.cluster, [make("a"), make("b")], "v7");
  assert.equal(set.version, "v7");
  assert.equal(set.versionOf([make("a")]), "v7");
});

test("a snapshot serves every type of this control plane, and takes over the sets that did not change", () => {
  const before = createSnapshot([make("a"), make("r", "1", TypeUrl.route)]);
  assert.deepEqual([...before.sets.keys()].sort(), [...SERVED_TYPES].sort());
  const after = createSnapshot([make("a"), make("r", "2", TypeUrl.route)], before);
  assert.equal(after.sets.get(TypeUrl.cluster), before.sets.get(TypeUrl.cluster));
  assert.notEqual(after.sets.get(TypeUrl.route), before.sets.get(TypeUrl.route));
});

test("every variant of a staged resource is its content", () => {
  const variant = (version: string) => ({ version, body: Buffer.alloc(0) });
  const staged = createStagedResource("f", TypeUrl.extensionConfig, "ab", {
    module: "m",
    variant: (n) => variant(n === 0 ? "ab" : `ab+${n}`),
    warming: variant("ab+w"),
  });
  for (const version of ["ab", "ab+1", "ab+w"]) assert.ok(isContentOf(staged, version), version);
  for (const version of ["a", "abc", ""]) assert.ok(!isContentOf(staged, version), version);
  assert.ok(!isContentOf(make("a", "1"), `${make("a", "1").version}+1`));
});

test("a staged resource whose variants have versions of another is refused", () => {
  const body = Buffer.alloc(0);
  const wrong = { module: "m", variant: () => ({ version: "x", body }) };
  assert.throws(() => createStagedResource("f", TypeUrl.extensionConfig, "ab", wrong), /variant 0 has version x/);
  const warming = { module: "m", variant: () => ({ version: "ab", body }), warming: { version: "ab+1", body } };
  assert.throws(() => createStagedResource("f", TypeUrl.extensionConfig, "ab", warming), /expected ab\+w/);
});

test("a snapshot serves every type that has a service, if only nothing of it, and no type that nobody knows", () => {
  const snapshot = snapshotOf([createResourceSet(TypeUrl.cluster, [make("a")])]);
  for (const typeUrl of SERVED_TYPES) {
    assert.equal(servedSet(snapshot, typeUrl)?.resources.size, typeUrl === TypeUrl.cluster ? 1 : 0, typeUrl);
  }
  assert.equal(servedSet(snapshot, "type.googleapis.com/unknown"), undefined);
});
