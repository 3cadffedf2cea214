import { createTwoFilesPatch } from "diff";
import { stringify } from "yaml";
import type { RolloutView, Version } from "../rollout/index.ts";

/** What was measured in the latest run, over its time. */
export interface RolloutTrail {
  /** The run; null where there is none. */
  readonly run: number | null;
  readonly checks: readonly { readonly name: string; readonly metric: string; readonly alarm: number }[];
  /**
   * One each 5 s, fewer in a long run: when, in milliseconds since the epoch, and for each check in the order of `checks` what
   * was counted since the run began, `[new, of all, old, of all, evidence]`.
   */
  readonly points: readonly (readonly [at: number, ...counts: (readonly number[])[]])[];
}

export function rolloutTrail({ record, evidence, trail }: RolloutView): RolloutTrail {
  return {
    run: record.run?.number ?? null,
    checks: (evidence?.checks ?? []).map(({ name, metric, alarm }) => ({ name, metric, alarm })),
    points: trail.map(({ at, checks }) => [
      at,
      ...checks.map(({ watched, control, evidence: found }) => [
        ...[watched.of, watched.all, control.of, control.all],
        Number(found.toPrecision(4)),
      ]),
    ]),
  };
}

/** What a run changes. */
export interface RolloutDiff {
  readonly from: string;
  readonly to: string;
  /** As `diff -u` shows it, one a resource that differs. */
  readonly diffs: readonly string[];
}

/** What may be secret, and is shown to those who may change it: only the filter knows what of it is. */
const SECRET: readonly string[] = ["configuration", "vmConfiguration"];

/** How two versions of a Rollout differ, as YAML. Secret values are compared also where they are not shown. */
export function rolloutDiff(from: Version, to: Version, showsAll: boolean): RolloutDiff {
  const keys = [
    ...new Set([...from.resources, ...to.resources].map(({ kind, metadata }) => `${kind}/${metadata.name}`)),
  ];
  const diffs = keys.flatMap((key) => {
    const [old, now] = [textOf(from, key, true), textOf(to, key, true)];
    if (old === now) return [];
    const [shownOld, shownNow] = [textOf(from, key, showsAll), textOf(to, key, showsAll)];
    const patch = createTwoFilesPatch(key, key, shownOld, shownNow, undefined, undefined, { context: 3 });
    return [shownOld === shownNow ? `${patch}(only hidden values differ)\n` : patch];
  });
  return { from: from.id, to: to.id, diffs };
}

function textOf({ resources }: Version, key: string, showsAll: boolean): string {
  const found = resources.find(({ kind, metadata }) => `${kind}/${metadata.name}` === key);
  if (found === undefined) return "";
  const { kind, metadata, spec, module } = found;
  const shown = showsAll || kind !== "FilterPolicy" ? spec : hidden(spec);
  return stringify({ kind, metadata, spec: shown, ...(module === undefined ? {} : { moduleSha256: module }) });
}

function hidden(spec: unknown): unknown {
  if (typeof spec !== "object" || spec === null) return spec;
  return Object.fromEntries(
    Object.entries(spec).map(([name, value]) => [name, SECRET.includes(name) ? "(hidden)" : value]),
  );
}
