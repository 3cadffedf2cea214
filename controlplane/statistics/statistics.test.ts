import assert from "node:assert/strict";
import { test } from "node:test";
import {
  chiSquareTail,
  compareProportions,
  goodnessOfFit,
  independence,
  mergeBins,
  quantileOf,
  wilsonInterval,
} from "./index.ts";

const near = (found: number | undefined, expected: number, within: number): void =>
  assert.ok(found !== undefined && Math.abs(found - expected) <= within, `expected ${expected}, found ${found}`);

test("chi-square has the critical values of the NIST/SEMATECH handbook, section 1.3.6.7.4", () => {
  for (const [degrees, pValue, statistic] of [
    [1, 0.1, 2.706],
    [1, 0.05, 3.841],
    [1, 0.001, 10.828],
    [2, 0.05, 5.991],
    [2, 0.001, 13.816],
    [10, 0.05, 18.307],
    [10, 0.001, 29.588],
    [100, 0.05, 124.342],
    [100, 0.001, 149.449],
  ] as const) {
    near(chiSquareTail(statistic, degrees) / pValue, 1, 0.001);
  }
  assert.equal(chiSquareTail(0, 1), 1);
  // Less than the smallest number, about 5e-324.
  for (const statistic of [1_500, 1e6, 1e300]) assert.equal(chiSquareTail(statistic, 1), 0);
  assert.equal(compareProportions({ of: 90_000, all: 100_000 }, { of: 1_000, all: 100_000 })?.pValue, 0);
});

test("goodness of fit: Mendel's peas, 315, 108, 101 and 32 where 9:3:3:1 was expected", () => {
  const shares = [9, 3, 3, 1].map((part) => part / 16);
  const { statistic, degrees, pValue } = goodnessOfFit([315, 108, 101, 32], shares);
  near(statistic, 0.47, 0.001);
  assert.equal(degrees, 3);
  near(pValue, 0.925, 0.001);
  assert.deepEqual(goodnessOfFit([0, 0], [0.5, 0.5]), { statistic: 0, degrees: 0, pValue: 1 });
  assert.equal(goodnessOfFit([10, 10, 1], [0.5, 0.5, 0]).pValue, 0);
  assert.equal(goodnessOfFit([10, 10, 0], [0.5, 0.5, 0]).pValue, 1);
});

test("independence: aspirin and heart attacks (Agresti, Categorical Data Analysis, section 2.1)", () => {
  const { statistic, degrees, pValue } = independence([
    [189, 10_845],
    [104, 10_933],
  ]);
  near(statistic, 25.014, 0.001);
  assert.equal(degrees, 1);
  near(pValue * 1e7, 5.692, 0.001);
});

test("Wilson's interval has the values of Newcombe (1998), table I, method 3", () => {
  for (const [of, all, low, high] of [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ] as const) {
    const interval = wilsonInterval({ of, all });
    near(interval?.[0], low, 0.00005);
    near(interval?.[1], high, 0.00005);
  }
  assert.equal(wilsonInterval({ of: 0, all: 0 }), undefined);
});

test("the interval of a difference has the values of Newcombe (1998), table II, method 10", () => {
  for (const [a, m, b, n, low, high] of [
    [56, 70, 48, 80, 0.0524, 0.3339],
    [9, 10, 3, 10, 0.1705, 0.809],
    [6, 7, 2, 7, 0.0582, 0.8062],
    [5, 56, 0, 29, -0.0381, 0.1926],
    [0, 10, 0, 20, -0.1611, 0.2775],
    [10, 10, 0, 20, 0.6791, 1],
  ] as const) {
    const { interval } = compareProportions({ of: a, all: m }, { of: b, all: n }) ?? {};
    near(interval?.[0], low, 0.00005);
    near(interval?.[1], high, 0.00005);
  }
  const aspirin = compareProportions({ of: 189, all: 11_034 }, { of: 104, all: 11_037 });
  near(aspirin?.difference, 0.0077, 0.00005);
  near((aspirin?.pValue ?? 1) * 1e7, 5.692, 0.001);
  assert.equal(compareProportions({ of: 1, all: 2 }, { of: 0, all: 0 }), undefined);
});

test("quantiles of merged histograms", () => {
  const bins = mergeBins([
    [
      { low: 10, width: 1, count: 50 },
      { low: 20, width: 1, count: 10 },
    ],
    [
      { low: 0, width: 1, count: 30 },
      { low: 20, width: 1, count: 10 },
    ],
  ]);
  assert.deepEqual(
    bins.map(({ low, count }) => [low, count]),
    [
      [0, 30],
      [10, 50],
      [20, 20],
    ],
  );
  near(quantileOf(bins, 0.5), 10.4, 1e-9);
  near(quantileOf(bins, 0.9), 20.5, 1e-9);
  assert.equal(quantileOf([], 0.5), undefined);
});
