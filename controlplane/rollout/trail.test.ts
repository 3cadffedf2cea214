import assert from "node:assert/strict";
import { test } from "node:test";
import { Trail } from "./trail.ts";

const NONE = { checks: [] };

test("a short run keeps all points", () => {
  const trail = new Trail(10);
  for (let at = 0; at < 10; at++) trail.add(at, NONE);
  assert.deepEqual(
    trail.points.map(({ at }) => at),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
});

test("a run of any length keeps points that are evenly spread, of all of its time, and not too many", () => {
  for (const length of [11, 12, 39, 40, 41, 1_000, 12_345]) {
    const trail = new Trail(10);
    for (let at = 0; at < length; at++) trail.add(at, NONE);
    const times = trail.points.map(({ at }) => at);
    const gaps = new Set(times.slice(1).map((at, i) => at - times[i]!));
    assert.equal(gaps.size, 1, times.join());
    assert.ok(times.length >= 5 && times.length <= 10, times.join());
    const gap = Math.max(...gaps);
    assert.equal(times[0], 0);
    assert.ok(length - Math.max(...times) <= gap);
  }
});
