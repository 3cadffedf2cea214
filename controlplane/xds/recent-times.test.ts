import assert from "node:assert/strict";
import { test } from "node:test";

import { RecentTimes } from "./recent-times.ts";

test("the latest names have their times, and the others the latest of theirs", () => {
  const times = new RecentTimes();
  assert.equal(times.get("n1"), undefined);
  for (let n = 1; n <= 64; n++) times.set(`n${n}`, n);
  assert.deepEqual([times.get("n1"), times.get("n64"), times.get("never")], [1, 64, undefined]);
  times.set("n1", 65);
  times.set("n65", 66);
  assert.deepEqual([times.get("n1"), times.get("n3"), times.get("n65")], [65, 3, 66]);
  assert.equal(times.get("n2"), 2, "the oldest is forgotten, and is still no later than this");
  assert.equal(times.get("never"), 2);
});
