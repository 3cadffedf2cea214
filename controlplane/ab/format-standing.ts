import { formatP, percent } from "./format-split.ts";
import type { Standing, VariantStanding } from "./standing.ts";

const HEAD = ["VARIANT", "WEIGHT", "KEYS", "REQUESTS", "ERRORS", "95 %", "P50 MS", "P99 MS", "DIFFERENCE", "95 %", "P"];

/** How an experiment stands, as lines for people; `table` aligns columns. */
export function formatStanding(
  { name, default: base, variants, sampleRatio }: Standing,
  table: (rows: readonly (readonly string[])[]) => string[],
): string[] {
  const { statistic, degrees, pValue, mismatch } = sampleRatio;
  const says = mismatch
    ? "SAMPLE RATIO MISMATCH: keys are not split as the weights say, so do not trust these figures"
    : "keys are split as the weights say";
  const test = degrees === 0 ? "" : ` (chi-square ${statistic.toFixed(2)}, df ${degrees}, p ${formatP(pValue)})`;
  return [
    `${name}, compared with ${base}`,
    ...table([HEAD, ...variants.map(row)]).map((line) => `  ${line}`),
    `  ${says}${test}`,
  ];
}

function row({ name, weight, keys, requests, errorRate, latencyMs, difference }: VariantStanding): string[] {
  return [
    name,
    percent(weight),
    String(keys),
    String(requests),
    errorRate === undefined ? "-" : percent(errorRate.value),
    errorRate === undefined ? "-" : between(errorRate.interval),
    latencyMs === undefined ? "-" : latencyMs.p50.toFixed(1),
    latencyMs === undefined ? "-" : latencyMs.p99.toFixed(1),
    difference === undefined ? "" : signed(difference.difference),
    difference === undefined ? "" : between(difference.interval),
    difference === undefined ? "" : formatP(difference.pValue),
  ];
}

function between([low, high]: readonly [number, number]): string {
  return `${percent(low)} to ${percent(high)}`;
}

function signed(share: number): string {
  return `${share > 0 ? "+" : ""}${percent(share)}`;
}
