// What drawn keys say of a configuration. Pure.

import { goodnessOfFit, independence, type ChiSquareTest } from "../statistics/index.ts";
import type { Reason } from "./assignments.ts";
import { sharesOf } from "./experiments.ts";
import type { Drawn } from "./simulation.ts";

/** What the keys got. */
export interface SplitReport {
  readonly keys: number;
  readonly experiments: readonly ExperimentSplit[];
  /** Every two experiments, those that look least independent first. */
  readonly pairs: readonly Pair[];
}

export interface ExperimentSplit {
  readonly name: string;
  /** How many keys were decided on for each reason. */
  readonly reasons: Readonly<Partial<Record<Reason, number>>>;
  /** Of the keys that the split dealt out. */
  readonly variants: readonly VariantSplit[];
  /** Whether the shares that were seen are those that were to be. */
  readonly test: ChiSquareTest;
}

export interface VariantSplit {
  readonly name: string;
  readonly keys: number;
  /** Of 1. */
  readonly expected: number;
  readonly seen: number;
}

/** Whether the variant of one experiment says something of the variant of another. */
export interface Pair {
  readonly experiments: readonly [string, string];
  /** Keys that the splits of both dealt out: none where a layer keeps the two apart. */
  readonly keys: number;
  readonly test: ChiSquareTest;
}

/** How many keys have another variant than before in an experiment. */
export interface Change {
  readonly name: string;
  readonly changed: number;
  /** By the variant before and the variant now; null where the experiment was not for the request, or is not there. */
  readonly moves: readonly { readonly from: string | null; readonly to: string | null; readonly keys: number }[];
}

export function splitReport(keys: number, drawn: readonly Drawn[]): SplitReport {
  const split = drawn.filter(({ isSplit }) => isSplit.includes(1));
  const pairs = split.flatMap((first, i) => split.slice(i + 1).map((second) => pairOf(first, second)));
  return {
    keys,
    experiments: drawn.map(experimentSplit),
    pairs: pairs.sort((a, b) => a.test.pValue - b.test.pValue),
  };
}

function experimentSplit({ experiment, variants, variant, isSplit, reasons }: Drawn): ExperimentSplit {
  const shares = sharesOf(experiment.split ?? []);
  const counts = new Array<number>(variants.length).fill(0);
  variant.forEach((index, key) => {
    if (isSplit[key] === 1) counts[index] = (counts[index] ?? 0) + 1;
  });
  const total = counts.reduce((sum, count) => sum + count, 0);
  const seen = [...shares].map(([name, expected]) => {
    const count = counts[variants.indexOf(name)] ?? 0;
    return { name, keys: count, expected, seen: total === 0 ? 0 : count / total };
  });
  const test = goodnessOfFit(
    seen.map(({ keys }) => keys),
    seen.map(({ expected }) => expected),
  );
  return { name: experiment.name, reasons: Object.fromEntries(reasons), variants: seen, test };
}

function pairOf(first: Drawn, second: Drawn): Pair {
  const table = first.variants.map(() => new Array<number>(second.variants.length).fill(0));
  let keys = 0;
  first.variant.forEach((variant, key) => {
    if (first.isSplit[key] !== 1 || second.isSplit[key] !== 1) return;
    const row = table[variant];
    const column = second.variant[key] ?? 0;
    if (row !== undefined) row[column] = (row[column] ?? 0) + 1;
    keys++;
  });
  return { experiments: [first.experiment.name, second.experiment.name], keys, test: independence(table) };
}

/** The same keys by two configurations: experiments of both, and those that only one has. */
export function changesBetween(before: readonly Drawn[], now: readonly Drawn[]): Change[] {
  const names = new Set([...now, ...before].map(({ experiment }) => experiment.name));
  const find = (drawn: readonly Drawn[], name: string): Drawn | undefined =>
    drawn.find(({ experiment }) => experiment.name === name);
  return [...names].map((name) => changeOf(name, find(before, name), find(now, name)));
}

function changeOf(name: string, before: Drawn | undefined, now: Drawn | undefined): Change {
  const keys = before?.variant.length ?? now?.variant.length ?? 0;
  const moves = new Map<string, { from: string | null; to: string | null; keys: number }>();
  for (let key = 0; key < keys; key++) {
    const [from, to] = [variantOf(before, key), variantOf(now, key)];
    const id = JSON.stringify([from, to]);
    const move = moves.get(id);
    if (move === undefined) moves.set(id, { from, to, keys: 1 });
    else move.keys++;
  }
  const all = [...moves.values()].sort((a, b) => b.keys - a.keys);
  const changed = all.reduce((sum, move) => sum + (move.from === move.to ? 0 : move.keys), 0);
  return { name, changed, moves: all };
}

function variantOf(drawn: Drawn | undefined, key: number): string | null {
  return drawn?.variants[drawn.variant[key] ?? 0] ?? null;
}
