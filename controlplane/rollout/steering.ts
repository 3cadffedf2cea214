import { obey, type CommandResult } from "./commands.ts";
import type { Plan } from "./plan.ts";
import { activeRun, type RolloutRecord } from "./record.ts";
import type { Asked } from "./requests.ts";
import type { RunEvent } from "./run.ts";
import type { Version } from "./version.ts";

/** What a person can bring about, besides by changing the source. */
export interface Steered {
  /** Keeps the events of a run under way, and does what they say. */
  commit(record: RolloutRecord, events: readonly RunEvent[]): Promise<void>;
  /** Starts a run that brings a version to the sidecars. */
  begin(plan: Plan, to: Version, by: string, undo: boolean): Promise<CommandResult>;
  version(id: string): Promise<Version>;
}

/**
 * Does what somebody asks of a Rollout:
 * - `start`: starts a run for what the source says, also where it was rolled back before or starts by hand only.
 * - `retry`: starts a run once more for what was rolled back.
 * - `undo`: starts a run that goes back to the version that was stable before, and holds back what the source says now.
 * - the rest is for the run under way.
 */
export async function steer(
  asked: { readonly command: Asked; readonly by: string },
  plan: Plan,
  record: RolloutRecord,
  steered: Steered,
  now: number,
): Promise<CommandResult> {
  const { command, by } = asked;
  const { rollout, previous, held } = record;
  const run = activeRun(record);
  switch (command) {
    case "start":
      if (run !== undefined) return refuse(`a run of Rollout ${rollout} is under way already`);
      if (plan.desired.id === plan.stable.id) {
        return refuse(`all sidecars have what the source says of Rollout ${rollout} already`);
      }
      return steered.begin(plan, plan.desired, by, false);
    case "retry":
      if (run !== undefined) return refuse(`a run of Rollout ${rollout} is under way`);
      if (held !== plan.desired.id) return refuse(`what the source says of Rollout ${rollout} was not rolled back`);
      return steered.begin(plan, plan.desired, by, false);
    case "undo":
      if (run !== undefined) return refuse(`a run of Rollout ${rollout} is under way: abort it instead`);
      if (previous === undefined) return refuse(`Rollout ${rollout} has promoted nothing yet that could be undone`);
      return steered.begin(plan, await steered.version(previous), by, true);
    default: {
      if (run === undefined) return refuse(`no run of Rollout ${rollout} is under way`);
      const result = obey(run, command, by, now);
      if (result.ok) await steered.commit(record, result.events);
      return result;
    }
  }
}

export function refuse(message: string): CommandResult {
  return { ok: false, message };
}
