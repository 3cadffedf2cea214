// ratelimit, as `meshwright import` configures it, beside Envoy's local_ratelimit. See differential/README.md.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { buildFilters } from "../setup/filters.mjs";
import { compareLocalRateLimit } from "./differential/ratelimit.ts";

before(() => buildFilters(["ratelimit"]));

test("local_ratelimit: the same requests pass, and the same quota is told", async () => {
  const { compared, exact, passed, faults } = await compareLocalRateLimit(2026, 40, 25);
  assert.deepEqual(faults, []);
  assert.ok(exact > compared * 0.9, `${exact} of ${compared} exactly`);
  // Neither is a comparison of refusals only, nor of passes.
  assert.ok(passed > exact / 5 && passed < (exact * 4) / 5, `${passed} of ${exact} passed`);
});
