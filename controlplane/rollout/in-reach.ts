import { activeRun } from "./record.ts";
import type { Records } from "./records.ts";
import type { Version } from "./version.ts";

/** A version that a Rollout serves, or that a command may bring back. */
export interface VersionInReach {
  readonly rollout: string;
  /** What it is to the Rollout, in words. */
  readonly as: string;
  readonly version: Version;
}

/** All that Rollouts serve, or may come to serve again: also those that are not in the source now, since they can be put back. */
export async function versionsInReach(records: Records): Promise<readonly VersionInReach[]> {
  const found: VersionInReach[] = [];
  for (const record of records.all) {
    const run = activeRun(record);
    const ids: (readonly [as: string, id: string | undefined])[] = [
      ["the stable version", record.stable],
      ["the version before, to which undo goes back", record.previous],
      ["the version that is held back", record.held],
      ["the version that its run started from", run?.from],
      ["the version that its run brings", run?.to],
    ];
    const seen = new Set<string>();
    for (const [as, id] of ids) {
      if (id === undefined || seen.has(id)) continue;
      seen.add(id);
      const version = await records.findVersion(id);
      if (version !== undefined) found.push({ rollout: record.rollout, as, version });
    }
  }
  return found;
}
