// ratelimit, as `meshwright import` configures it, beside Envoy's local_ratelimit. See differential/README.md.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { buildFilters } from "../setup/filters.mjs";
import { compareLocalRateLimit } from "./differential/ratelimit.ts";

before(() => buildFilters(["ratelimit"]));

test("local_ratelimit: the same requests pass, and the same quota is told", async () => {
  const { compared, exact, passed, faults, byKind } = await compareLocalRateLimit(2026, 40, 25);
  assert.deepEqual(faults, []);
  // Requests after a refusal are left out where several buckets are charged, and refills on a machine that is too slow for them.
  assert.ok(exact > compared * 0.5, `${exact} of ${compared} exactly`);
  for (const kind of ["one descriptor", "several descriptors", "routes"] as const)
    assert.ok((byKind[kind] ?? 0) >= 100, JSON.stringify(byKind));
  // Neither is a comparison of refusals only, nor of passes.
  assert.ok(passed > exact / 5 && passed < (exact * 4) / 5, `${passed} of ${exact} passed`);
});
