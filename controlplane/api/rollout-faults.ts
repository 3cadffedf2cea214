import { createHash } from "node:crypto";
import type { Held } from "../isolate/index.ts";
import { formatProblem, originOf, type Problem } from "../model/index.ts";
import type { RolloutView } from "../rollout/index.ts";

/** What is wrong with the source, and what is served in place of that. */
export interface SourceFaults {
  readonly refused: readonly Problem[];
  readonly held?: Held;
}

/**
 * Why what the source says of a Rollout and its targets is not taken over, one line a problem: `file:line:column: path: message`. Empty
 * where it is.
 */
export function rolloutFaults({ plan }: Pick<RolloutView, "plan">, { refused, held }: SourceFaults): string[] {
  const all = [...(held?.kept ?? []), ...(held?.leftOut ?? [])];
  // Nothing could be told apart, so the whole change was refused.
  if (all.length === 0) return refused.map(formatProblem);
  const about = keysOf(plan);
  const faults = all.flatMap(({ resource, fault }) => (about.has(resource) && fault !== undefined ? [fault] : []));
  const documents = new Set(faults.map(originOf));
  const ofSame = refused.filter((problem) => originOf(problem) !== undefined && documents.has(originOf(problem)));
  return [...new Set([...ofSame, ...faults].map(formatProblem))];
}

/** What the source says, taken over or not: `desired` where it was, and else marked by what is wrong. */
export function sourceVersion(desired: string, faults: readonly string[]): string {
  if (faults.length === 0) return desired;
  return `${desired}+${createHash("sha256").update(faults.join("\n")).digest("hex").slice(0, 16)}`;
}

/** The Rollout, its targets and their modules, as `Kind name`. */
function keysOf({ rollout, desired }: RolloutView["plan"]): ReadonlySet<string> {
  const { targetRefs } = rollout.spec;
  const modules = desired.resources.flatMap(({ kind, spec }) =>
    kind === "FilterPolicy" ? [`WasmModule ${(spec as { readonly module: string }).module}`] : [],
  );
  return new Set([
    `Rollout ${rollout.metadata.name}`,
    ...targetRefs.map(({ kind, name }) => `${kind} ${name}`),
    ...modules,
  ]);
}
