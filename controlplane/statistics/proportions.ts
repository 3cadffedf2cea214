// Proportions, such as the share of requests that fail. Pure.

import { independence } from "./tests.ts";

export type Interval = readonly [low: number, high: number];

/** So many of all. */
export interface Count {
  readonly of: number;
  readonly all: number;
}

export const NONE: Count = { of: 0, all: 0 };

export function addCounts(a: Count, b: Count): Count {
  return { of: a.of + b.of, all: a.all + b.all };
}

/** The quantile of the normal distribution that leaves 2.5 % at each end. */
const Z = 1.959963984540054;

/**
 * Wilson's score interval with 95 % confidence (E. B. Wilson 1927; method 3 of R. G. Newcombe 1998). It also holds for few
 * and for none. Undefined where there is nothing to be a share of.
 */
export function wilsonInterval({ of, all }: Count): Interval | undefined {
  if (all === 0) return undefined;
  const share = of / all;
  const middle = 2 * of + Z * Z;
  const half = Z * Math.sqrt(Z * Z + 4 * of * (1 - share));
  const low = of === 0 ? 0 : (middle - half) / (2 * (all + Z * Z));
  const high = of === all ? 1 : (middle + half) / (2 * (all + Z * Z));
  return [low, high];
}

export interface Difference {
  /** The first proportion minus the second. */
  readonly difference: number;
  /** With 95 % confidence: Newcombe's hybrid score interval (method 10 of R. G. Newcombe 1998). */
  readonly interval: Interval;
  /** Of the test with the pooled proportion, both sides, without correction for continuity. */
  readonly pValue: number;
}

/** Compares two proportions; undefined where one of them is of nothing. */
export function compareProportions(first: Count, second: Count): Difference | undefined {
  const [a, b] = [wilsonInterval(first), wilsonInterval(second)];
  if (a === undefined || b === undefined) return undefined;
  const [p, q] = [first.of / first.all, second.of / second.all];
  return {
    difference: p - q,
    interval: [p - q - Math.hypot(p - a[0], b[1] - q), p - q + Math.hypot(a[1] - p, q - b[0])],
    // The square of the pooled test's statistic is Pearson's chi-square of the table.
    pValue: independence([first, second].map(({ of, all }) => [of, all - of])).pValue,
  };
}
