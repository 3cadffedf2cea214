import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import type { SpreadKey, WaveSpec } from "../model/index.ts";
import { Groups, membersOf, orderOf, type Sidecar } from "./sidecars.ts";

const wave = (spec: Partial<WaveSpec>): WaveSpec => ({ percentage: 100, bake: "1m", approval: "None", ...spec });

function sidecar(node: string, more: Partial<Sidecar> = {}): Sidecar {
  return { node, service: "shop", region: "eu", zone: "eu-1", envoy: "1.40.0", labels: {}, ...more };
}

const fleet = (count: number, services = 1, zones = 1): Sidecar[] =>
  Array.from({ length: count }, (_, i) => sidecar(`n${i}`, { service: `s${i % services}`, zone: `z${i % zones}` }));

/** Who is in a wave of a fleet that is all there, and in which some have the new version. */
function members(
  all: readonly Sidecar[],
  spec: WaveSpec,
  by: readonly SpreadKey[],
  has: readonly string[] = [],
): string[] {
  return names(membersOf("r", spec, { all, isThere: () => true, has: (node) => has.includes(node) }, by));
}

const names = (sidecars: readonly Sidecar[]): string[] => sidecars.map(({ node }) => node);

describe("the order of a rollout", () => {
  it("is even, and another one for another rollout", () => {
    const places = Array.from({ length: 10_000 }, (_, i) => orderOf("authz", `node-${i}`));
    const tenths = places.reduce<number[]>((counts, place) => {
      counts[Math.floor(place * 10)]!++;
      return counts;
    }, Array<number>(10).fill(0));
    for (const count of tenths) assert.ok(count > 880 && count < 1120, String(count));
    assert.notEqual(orderOf("authz", "a"), orderOf("ratelimit", "a"));
    assert.notEqual(orderOf("ab", "c"), orderOf("a", "bc"));
  });
});

describe("a wave", () => {
  it("holds its percentage, rounded up", () => {
    for (const [percentage, count] of [
      [0.01, 1],
      [1, 2],
      [10, 15],
      [50, 75],
      [100, 150],
    ] as const) {
      assert.equal(members(fleet(150, 3), wave({ percentage }), ["Service"]).length, count);
    }
    assert.deepEqual(members([], wave({ percentage: 1 }), ["Service"]), []);
  });

  it("that grows keeps who was in it, and one that joins moves nobody out", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 99 }),
        fc.integer({ min: 1, max: 100 }),
        (count, services, a, b) => {
          const all = fleet(count, services);
          const [small, large] = [Math.min(a, b), Math.max(a, b)];
          const before = members(all, wave({ percentage: small }), ["Service"]);
          const after = new Set(members(all, wave({ percentage: large }), ["Service"], before));
          for (const node of before) assert.ok(after.has(node), `${node} of ${before.join()}`);
        },
      ),
    );
  });

  it("below 100 % never holds all sidecars of a Service or a zone that has several", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(4), fc.nat(2)), { minLength: 1, maxLength: 40 }),
        fc.double({ min: 0.1, max: 99.9, noNaN: true }),
        (places, percentage) => {
          const all = places.map(([s, z], i) => sidecar(`n${i}`, { service: `s${s}`, zone: `z${z}` }));
          const taken = new Set(members(all, wave({ percentage }), ["Service", "Zone"]));
          for (const key of ["service", "zone"] as const) {
            for (const group of new Set(all.map((one) => one[key]))) {
              const size = all.filter((one) => one[key] === group).length;
              const count = all.filter((one) => one[key] === group && taken.has(one.node)).length;
              assert.ok(size === 1 || count < size, `${count} of ${size} of ${group}`);
            }
          }
        },
      ),
    );
  });

  it("chooses from those that are there, and counts the others of their Service", () => {
    const all = fleet(3);
    const choice = { all, isThere: (node: string) => node === "n2", has: (node: string) => node !== "n2" };
    assert.deepEqual(
      membersOf("r", wave({ percentage: 99 }), choice, ["Service"]),
      [],
      "n2 is the last with the old one",
    );
    assert.deepEqual(names(membersOf("r", wave({ percentage: 99 }), { ...choice, has: () => false }, ["Service"])), [
      "n2",
    ]);
  });

  it("is of those that its selector and its list pick", () => {
    const all = [
      sidecar("a", { region: "us", labels: { tier: "edge" } }),
      sidecar("b", { service: "cart", envoy: "1.4.2" }),
      sidecar("c", { unable: "this Envoy has no Wasm" }),
    ];
    const pick = (spec: Partial<WaveSpec>): string[] => members(all, wave(spec), []).sort();
    assert.deepEqual(pick({}), ["a", "b"]);
    assert.deepEqual(pick({ nodes: ["b", "c", "x"] }), ["b"]);
    assert.deepEqual(pick({ selector: { regions: ["us"] } }), ["a"]);
    assert.deepEqual(pick({ selector: { services: ["cart", "shop"], zones: ["eu-1"] } }), ["a", "b"]);
    assert.deepEqual(pick({ selector: { envoyVersions: ["1.4"] } }), ["b"]);
    assert.deepEqual(pick({ selector: { envoyVersions: ["1.40.0"] } }), ["a"]);
    assert.deepEqual(pick({ selector: { labels: { tier: "edge" } } }), ["a"]);
    assert.deepEqual(pick({ selector: { labels: { tier: "edge" }, regions: ["eu"] } }), []);
  });
});

describe("groups", () => {
  it("give as many places as their limit says, to those with one in each of their groups", () => {
    const all = fleet(6, 2, 3);
    const groups = new Groups(["Service", "Zone"], all, (size) => Math.floor(size / 2));
    assert.equal(groups.take(all[0]!), true);
    assert.equal(groups.take(all[2]!), false, "its Service has no place left");
    assert.equal(groups.take(all[1]!), true);
    assert.equal(groups.take(all[4]!), false);
  });
});
