import type { Problem } from "../model/index.ts";
import type { ModuleRef, Translation } from "../translate/index.ts";
import type { Plan } from "./plan.ts";
import type { Draft } from "./planning.ts";
import { applyRecord, intentOf, type Intent, type RolloutRecord } from "./record.ts";
import type { Records } from "./records.ts";
import type { Run } from "./run.ts";
import type { Served } from "./served.ts";

/** What would come of something else that the source may say. */
export interface Preview {
  /** Why it could not be served. */
  readonly problems: readonly Problem[];
  /** The Rollouts that would hold back some of it. */
  readonly heldBack: readonly PlannedHold[];
  /** What a node would be served at once; undefined where it could not be served at all. */
  translationFor(node: string): Translation | undefined;
}

/** A Rollout whose targets are not what all have. */
export interface PlannedHold {
  readonly plan: Plan;
  readonly intent: Intent;
  /** As it would be after the change. */
  readonly record: RolloutRecord;
}

/** What the plans of a change would do, before any of their events is kept. */
export function previewOf<Module extends ModuleRef>(
  drafts: readonly Draft[],
  served: Served<Module> | undefined,
  problems: readonly Problem[],
  records: Pick<Records, "get">,
): Preview {
  const holds = drafts.map((draft) => holdOf(draft, records));
  const supersede = new Set(holds.filter(({ intent }) => intent === "supersede").map(({ record }) => record.rollout));
  const runOf = (rollout: string): Run | undefined => {
    const run = records.get(rollout)?.run;
    // What nobody wants any more is taken back at once.
    return run !== undefined && supersede.has(rollout) ? { ...run, phase: "RollingBack" } : run;
  };
  return {
    problems,
    heldBack: holds.filter(({ plan }) => plan.stable.id !== plan.desired.id),
    translationFor: (node) => served?.translationFor(node, runOf),
  };
}

function holdOf({ plan, events }: Draft, records: Pick<Records, "get">): PlannedHold {
  const { metadata, spec } = plan.rollout;
  let record = records.get(metadata.name);
  for (const event of events) record = applyRecord(metadata.name, record, event);
  if (record === undefined) throw new Error(`Rollout ${metadata.name} has no record`);
  return { plan, record, intent: intentOf(record, plan.desired.id, spec.start) };
}
