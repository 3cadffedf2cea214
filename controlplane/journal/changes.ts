import { createTwoFilesPatch } from "diff";
import { keyOf, type Change, type ResourceText, type State } from "./revision.ts";

/** What resources are to be; undefined for one that is to go. */
export type Wanted = ReadonlyMap<string, ResourceText | undefined>;

/** What has to change for resources to be as they are wanted, in the order of their names. Of others nothing changes. */
export function changesTo(state: State, wanted: Wanted): Change[] {
  const changes: Change[] = [];
  for (const [key, after] of [...wanted].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const before = state.resources.get(key);
    const [kind = "", name = ""] = key.split("/");
    if (after === undefined) {
      if (before !== undefined) changes.push({ kind, name, change: "deleted", diff: diffOf(key, before, after) });
    } else if (before === undefined) {
      changes.push({ kind, name, change: "created", diff: diffOf(key, before, after), after });
    } else if (before.text !== after.text || !sameAssets(before, after)) {
      changes.push({ kind, name, change: "updated", diff: diffOf(key, before, after), after });
    }
  }
  return changes;
}

function diffOf(key: string, before: ResourceText | undefined, after: ResourceText | undefined): string {
  return createTwoFilesPatch(key, key, before?.text ?? "", after?.text ?? "", undefined, undefined, { context: 3 });
}

/** What has to change for all resources to be as they were in another state. */
export function changesBack(state: State, earlier: State): Change[] {
  const keys = new Set([...state.resources.keys(), ...earlier.resources.keys()]);
  return changesTo(
    state,
    new Map(
      [...keys].map((key) => {
        const resource = earlier.resources.get(key);
        return [key, resource && textOf(resource)];
      }),
    ),
  );
}

function textOf({ file, line, text, assets }: ResourceText): ResourceText {
  return { file, line, text, assets };
}

function sameAssets(a: ResourceText, b: ResourceText): boolean {
  const [one, other] = [Object.entries(a.assets), new Map(Object.entries(b.assets))];
  return one.length === other.size && one.every(([name, sha256]) => other.get(name) === sha256);
}

/** `Kind/name` of each change. */
export function keysOf(changes: readonly Change[]): string[] {
  return changes.map(keyOf);
}
