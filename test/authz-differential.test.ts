// authz, as `meshwright import` configures it, beside Envoy's own filters: the same policies and requests. See differential/README.md.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { buildFilters } from "../setup/filters.mjs";
import { compareJwt } from "./differential/jwt.ts";
import { compareRbac, compareShadow, type Report } from "./differential/rbac.ts";

const seed = 2026;
const size = { configurations: 40, connections: 4, requests: 8 };

before(() => buildFilters(["authz"]));

/** @param share of the pairs that must have been compared exactly. */
function assertAlike({ compared, exact, passed, faults }: Report, share: number): void {
  assert.deepEqual(faults, []);
  assert.ok(exact > compared * share, `${exact} of ${compared} exactly`);
  // Neither is a comparison of refusals only, nor of passes.
  assert.ok(passed > exact / 5 && passed < (exact * 4) / 5, `${passed} of ${exact} passed`);
}

test("rbac at the edge: Envoy takes the address of the connection", async () => {
  assertAlike(await compareRbac(seed, size, "edge"), 0.4);
});

test("rbac behind a proxy: Envoy takes an address that the proxy wrote", async () => {
  assertAlike(await compareRbac(seed + 1, size, "behindProxy"), 0.2);
});

test("rbac in a mesh: Envoy takes the last address of x-forwarded-for", async () => {
  assertAlike(await compareRbac(seed + 2, size, "internal"), 0.2);
});

test("shadow rules match what Envoy's match", async () => {
  assertAlike(await compareShadow(seed + 3, size), 0.4);
});

test("jwt_authn: tokens of three issuers, good and bad, under generated requirements", async () => {
  assertAlike(await compareJwt(seed + 4, 15), 0.08);
});
