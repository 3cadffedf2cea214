import assert from "node:assert/strict";
import { test } from "node:test";
import { endsSoon } from "./times.ts";

const day = 86_400_000;

for (const [days, until] of [
  [365, 351],
  [90, 76],
  [56, 42],
  [8, 6],
  [1, 0.75],
] as const) {
  test(`a certificate for ${String(days)} days is to be replaced by day ${String(until)}`, () => {
    const time = { use: "certificate", name: "Certificate/web", beginsAt: 0, endsAt: days * day } as const;
    assert.equal(endsSoon(time, until * day - 1), false);
    assert.equal(endsSoon(time, until * day), true);
    assert.equal(endsSoon(time, 1000 * day), true);
  });
}
