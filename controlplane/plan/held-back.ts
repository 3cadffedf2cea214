import { activeRun, heldTargets, type PlannedHold } from "../rollout/index.ts";
import type { HeldBack } from "./report.ts";

/** What a Rollout would hold back, and what has to happen for the sidecars to get it. */
export function heldBackOf(hold: PlannedHold): HeldBack {
  const { stable, desired, rollout } = hold.plan;
  return { rollout: rollout.metadata.name, targets: heldTargets(stable, desired), why: reason(hold) };
}

function reason({ plan, record, intent }: PlannedHold): string {
  const { metadata, spec } = plan.rollout;
  const run = activeRun(record);
  const number = run === undefined ? "" : `run ${run.number}`;
  switch (intent) {
    case "start":
      return `a run brings it to the sidecars wave by wave${spec.frozen ? ", once the Rollout is not frozen any more" : ""}`;
    case "supersede":
      return `${number}, which is under way, is for something else: it goes back first, and another run brings this`;
    case "held":
      return record.held === plan.desired.id
        ? `it was rolled back before: meshwright rollout retry ${metadata.name} brings it`
        : `it waits for meshwright rollout start ${metadata.name}`;
    case "none":
      return run?.phase === "RollingBack" ? `${number} is going back` : `${number}, which is under way, brings it`;
  }
}
