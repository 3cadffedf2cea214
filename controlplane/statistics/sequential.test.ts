import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { cautiousRate, SequentialTest, type SequentialOptions, type WindowCounts } from "./sequential.ts";

/** Numbers that look random, the same in every run (mulberry32). */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function binomial(n: number, p: number, next: () => number): number {
  let count = 0;
  for (let i = 0; i < n; i++) if (next() < p) count++;
  return count;
}

/** The share of runs of `windows` windows in which the evidence ever reached 1 / alpha. */
function alarms(runs: number, rates: readonly [number, number], alpha: number, options: SequentialOptions): number {
  const next = random(7);
  let found = 0;
  for (let run = 0; run < runs; run++) {
    const test = new SequentialTest(options);
    for (let window = 0; window < 60; window++) {
      test.add({
        watched: { of: binomial(50, rates[0], next), all: 50 },
        control: { of: binomial(200, rates[1], next), all: 200 },
      });
      if (test.evidence >= 1 / alpha) {
        found++;
        break;
      }
    }
  }
  return found / runs;
}

describe("a sequential test", () => {
  it("says nothing before it saw anything, and nothing of windows without requests", () => {
    const test = new SequentialTest({ tolerated: 1 });
    assert.equal(test.evidence, 1);
    test.add({ watched: { of: 0, all: 0 }, control: { of: 5, all: 100 } });
    test.add({ watched: { of: 3, all: 3 }, control: { of: 0, all: 0 } });
    assert.equal(test.evidence, 1);
  });

  it("is the likelihood ratio of one window", () => {
    // By hand for the multiple 2: 4 of 5 events among the watched, equal numbers of requests. (2/3)^4 (1/3) / (1/2)^5 = 2.107.
    const shares = [1.25, 1.5, 2, 3, 5, 10, 30, 100].map((m) => m / (m + 1));
    const expected = shares.reduce((sum, s) => sum + (s ** 4 * (1 - s)) / 0.5 ** 5, 0) / 8;
    const test = new SequentialTest({ tolerated: 1, caution: 1 });
    test.add({ watched: { of: 4, all: 1000 }, control: { of: 1, all: 1000 } });
    assert.ok(Math.abs(test.evidence - expected) < 1e-12);
  });

  it("is a martingale at the tolerated ratio: its mean over what can happen in a window stays 1", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 3, noNaN: true }),
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 0, max: 12 }),
        (tolerated, watchedOf, controlOf, events) => {
          const share = (tolerated * watchedOf) / (tolerated * watchedOf + controlOf);
          let mean = 0;
          let choose = 1;
          for (let k = 0; k <= events; k++) {
            const test = new SequentialTest({ tolerated, caution: 1 });
            test.add({ watched: { of: k, all: watchedOf }, control: { of: events - k, all: controlOf } });
            mean += choose * share ** k * (1 - share) ** (events - k) * test.evidence;
            choose = (choose * (events - k)) / (k + 1);
          }
          assert.ok(Math.abs(mean - 1) < 1e-9, String(mean));
        },
      ),
    );
  });

  it("adds windows: many small ones of one ratio say what a large one says", () => {
    const small: WindowCounts = { watched: { of: 1, all: 10 }, control: { of: 2, all: 40 } };
    const a = new SequentialTest({ tolerated: 1.5 });
    for (let i = 0; i < 10; i++) a.add(small);
    const b = new SequentialTest({ tolerated: 1.5 });
    b.add({ watched: { of: 10, all: 100 }, control: { of: 20, all: 400 } });
    assert.ok(Math.abs(a.evidence - b.evidence) < 1e-9);
  });

  it("keeps its promise of few false alarms over 60 looks, also at the edge of what is tolerated", () => {
    assert.ok(alarms(300, [0.02, 0.02], 0.05, { tolerated: 1, caution: 1 }) <= 0.05);
    assert.ok(alarms(300, [0.03, 0.02], 0.05, { tolerated: 1.5, caution: 1 }) <= 0.05);
    assert.ok(alarms(300, [0.02, 0.02], 0.01, { tolerated: 1.5 }) <= 0.01);
  });

  it("finds real faults nearly always", () => {
    assert.ok(alarms(200, [0.02, 0.001], 0.01, { tolerated: 1.5 }) >= 0.99);
    assert.ok(alarms(200, [0.1, 0.02], 0.01, { tolerated: 1.5 }) >= 0.99);
  });

  it("compares with a rate from before", () => {
    const good = new SequentialTest({ tolerated: 2 });
    const bad = new SequentialTest({ tolerated: 2 });
    const rate = cautiousRate({ of: 9, all: 1000 });
    assert.equal(rate, 0.01);
    for (let i = 0; i < 20; i++) {
      good.addAgainstRate({ of: 1, all: 100 }, rate);
      bad.addAgainstRate({ of: 8, all: 100 }, rate);
    }
    assert.ok(good.evidence < 1, String(good.evidence));
    assert.ok(bad.evidence > 1000, String(bad.evidence));
  });

  it("does not overflow", () => {
    const test = new SequentialTest({ tolerated: 1 });
    for (let i = 0; i < 100; i++) test.add({ watched: { of: 1e6, all: 1e6 }, control: { of: 0, all: 1e9 } });
    assert.ok(Number.isFinite(test.evidence) && test.evidence > 1e100);
  });

  it("refuses options out of range", () => {
    assert.throws(() => new SequentialTest({ tolerated: 0.5 }), RangeError);
    assert.throws(() => new SequentialTest({ tolerated: 1, caution: 0 }), RangeError);
    assert.equal(cautiousRate({ of: 0, all: 0 }), 1);
  });
});
