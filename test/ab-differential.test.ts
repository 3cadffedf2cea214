// ab-routing beside Envoy's own routes and weighted clusters. See differential/README.md.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { buildFilters } from "../setup/filters.mjs";
import { compareShares } from "./differential/ab-shares.ts";
import { compareTargeting } from "./differential/ab.ts";

before(() => buildFilters(["ab-routing"]));

test("rules and places: every request reaches the cluster that Envoy's routes give it", async () => {
  const { compared, passed, faults } = await compareTargeting(2026, 40, 60);
  assert.deepEqual(faults, []);
  // Neither is a comparison of requests that are outside, nor of those that rules take.
  assert.ok(passed > compared / 5 && passed < (compared * 4) / 5, `${passed} of ${compared} by rule or split`);
});

test("hashed and random splits have the shares of their weights, as Envoy's have, and hashed ones keep users", async () => {
  const { tests, moved } = await compareShares(2026, 3, 1000);
  assert.equal(moved, 0);
  assert.deepEqual(
    tests.filter(({ test }) => test.pValue < 1e-6),
    [],
  );
  assert.ok(tests.some(({ test }) => test.degrees > 1));
});
