import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "./clock.ts";

test("time passes only when it is told to", () => {
  const clock = new Clock(1000);
  assert.equal(clock.realtime, 1_000_000_000n);
  assert.equal(clock.monotonic, 1n, "Go takes 0 for a broken clock");
  clock.advance(1.5);
  assert.equal(clock.realtime, 1_001_500_000n);
  assert.equal(clock.monotonic, 1_500_001n);
});

test("what falls due is called in order, each at its own time", () => {
  const clock = new Clock(0);
  const calls: [string, bigint][] = [];
  const at = (name: string, ms: number) => clock.after(ms, () => calls.push([name, clock.monotonic / 1_000_000n]));
  at("b", 20);
  at("a", 10);
  at("a2", 10);
  at("late", 100);
  at("never", 15).cancel();
  clock.after(5, () => at("chained", 5));
  clock.advance(20);
  assert.deepEqual(calls, [
    ["a", 10n],
    ["a2", 10n],
    ["chained", 10n],
    ["b", 20n],
  ]);
});

test("time does not go back", () => {
  assert.throws(() => new Clock().advance(-1), /expected 0 or more/);
  assert.throws(() => new Clock().advance(Number.NaN), /expected 0 or more/);
});
