// Tests of hypotheses. Pure.

import { chdtrc, compiled } from "cephes";

await compiled;

/** A chi-square test. */
export interface ChiSquareTest {
  readonly statistic: number;
  readonly degrees: number;
  /** How likely a statistic as large as this is by chance alone. 1 where there is nothing to test. */
  readonly pValue: number;
}

/** The probability that chi-square with so many degrees of freedom is at least `statistic`. */
export function chiSquareTail(statistic: number, degrees: number): number {
  if (degrees < 1 || statistic <= 0) return 1;
  try {
    return chdtrc(degrees, statistic);
  } catch (error) {
    // Less than a number can hold: the library calls that an error. It is no RangeError, as a bad argument would be.
    if (error instanceof RangeError) throw error;
    return 0;
  }
}

/**
 * Pearson's test of counts against the shares that were to be. Categories with the share 0 are left out, unless something was
 * counted there: that cannot be chance.
 */
export function goodnessOfFit(counts: readonly number[], shares: readonly number[]): ChiSquareTest {
  const total = sum(counts);
  let statistic = 0;
  let categories = 0;
  counts.forEach((count, i) => {
    const expected = total * (shares[i] ?? 0);
    if (expected > 0) {
      statistic += (count - expected) ** 2 / expected;
      categories++;
    } else if (count > 0) statistic = Infinity;
  });
  return testOf(statistic, total === 0 ? 0 : categories - 1);
}

/** Pearson's test of whether rows and columns of a table of counts are independent. Empty rows and columns are left out. */
export function independence(table: readonly (readonly number[])[]): ChiSquareTest {
  const rows = table.map(sum);
  const columns = (table[0] ?? []).map((_, j) => sum(table.map((row) => row[j] ?? 0)));
  const total = sum(rows);
  let statistic = 0;
  rows.forEach((row, i) => {
    columns.forEach((column, j) => {
      const expected = (row * column) / total;
      if (expected > 0) statistic += ((table[i]?.[j] ?? 0) - expected) ** 2 / expected;
    });
  });
  const used = (sums: readonly number[]): number => sums.filter((value) => value > 0).length;
  return testOf(statistic, (used(rows) - 1) * (used(columns) - 1));
}

function testOf(statistic: number, degrees: number): ChiSquareTest {
  if (statistic === Infinity) return { statistic, degrees, pValue: 0 };
  return degrees < 1
    ? { statistic: 0, degrees: 0, pValue: 1 }
    : { statistic, degrees, pValue: chiSquareTail(statistic, degrees) };
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
