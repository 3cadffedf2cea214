import type { KeySource } from "./experiments.ts";
import type { Change, SplitReport } from "./split-report.ts";

/** Below it, the probability of a test is called out. */
const ALARM = 0.001;
/** Pairs that are shown. */
const TOP = 10;

/** A report as lines for people; `table` aligns columns. */
export function formatSplit(
  { keys, experiments, pairs }: SplitReport,
  table: (rows: readonly (readonly string[])[]) => string[],
): string[] {
  const rows = experiments.flatMap(({ name, variants }) =>
    variants.map((variant) => [
      name,
      variant.name,
      String(variant.keys),
      percent(variant.expected),
      percent(variant.seen),
    ]),
  );
  const lines = [`${keys} keys`, "", ...table([["EXPERIMENT", "VARIANT", "KEYS", "EXPECTED", "SEEN"], ...rows]), ""];
  for (const { name, reasons, test } of experiments) {
    const others = Object.entries(reasons).filter(([reason]) => reason !== "split");
    const rest = others.map(([reason, count]) => `${reason} ${count}`).join(", ");
    const fit = test.degrees === 0 ? "nothing to test" : `chi-square ${formatTest(test)}`;
    lines.push(`${name}: ${fit}${rest === "" ? "" : `; not by the split: ${rest}`}`);
  }
  if (pairs.length > 0) {
    const shown = pairs
      .slice(0, TOP)
      .map((pair) => [
        pair.experiments.join(" and "),
        String(pair.keys),
        pair.keys === 0 ? "never both" : formatTest(pair.test, ALARM / pairs.length),
      ]);
    lines.push("", ...table([["INDEPENDENCE", "KEYS", "CHI-SQUARE"], ...shown]));
    if (pairs.length > TOP) lines.push(`and ${pairs.length - TOP} pairs more, with larger p`);
  }
  return lines;
}

/** Changes as lines for people. */
export function formatChanges(
  changes: readonly Change[],
  keys: number,
  table: (rows: readonly (readonly string[])[]) => string[],
): string[] {
  return changes.flatMap(({ name, changed, moves }) => {
    const head = `${name}: ${changed} of ${keys} keys change their variant (${percent(changed / keys)})`;
    const rows = moves.map(({ from, to, keys: moved }) => [
      from ?? "-",
      to ?? "-",
      String(moved),
      from === to ? "stay" : "",
    ]);
    return ["", head, ...table([["FROM", "TO", "KEYS", ""], ...rows]).map((line) => `  ${line}`)];
  });
}

export function formatSource(source: KeySource): string {
  if (source.kind === "clientAddress") return source.kind;
  return `${source.kind}:${source.kind === "property" ? source.path.join("/") : source.name}`;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

function formatTest(
  { statistic, degrees, pValue }: { statistic: number; degrees: number; pValue: number },
  alarm = ALARM,
): string {
  return `${statistic.toFixed(2)}, df ${degrees}, p ${formatP(pValue)}${pValue < alarm ? ", NOT BY CHANCE" : ""}`;
}

/** A probability, short. */
export function formatP(pValue: number): string {
  return pValue < 0.0001 ? "< 0.0001" : pValue.toFixed(4);
}
