import type { Problem, Rollout } from "../model/index.ts";
import { activeRun, type RolloutRecord } from "./record.ts";
import type { ModuleRef } from "../translate/index.ts";
import { type Content, type Version, versionOf } from "./version.ts";

/** A Rollout of the source, and what the source wants of its targets. Its past is its record. */
export interface Plan {
  readonly rollout: Rollout;
  readonly desired: Version;
  /** The stable version, and that of the run under way. */
  readonly stable: Version;
  readonly to: Version | undefined;
}

/** The versions that hold for everybody who is not given a new one. */
export function stablePins(plans: Iterable<Plan>): Version[] {
  return [...plans].filter(({ stable, desired }) => stable.id !== desired.id).map(({ stable }) => stable);
}

/** The versions that hold for those who are given the new one of this Rollout. */
export function candidatePins(plans: Iterable<Plan>, candidate: Plan, to: Version): Version[] {
  const others = [...plans].filter(({ rollout }) => rollout !== candidate.rollout);
  return to.id === candidate.desired.id ? stablePins(others) : [...stablePins(others), to];
}

/** What would be served unjudged if Rollouts that are not in the source any more were forgotten. */
export function orphanProblems<Module extends ModuleRef>(
  records: Iterable<RolloutRecord>,
  { model, modules }: Content<Module>,
): Problem[] {
  return [...records].flatMap((record) => {
    const { rollout, run } = record;
    if (run === undefined || model.rollouts.has(rollout)) return [];
    const { number, phase, spec } = run;
    if (activeRun(record) !== undefined) {
      const ways = "put it back, and abort or promote the run first";
      return [problem(`Rollout ${rollout} is gone, but its run ${number} is ${phase}: ${ways}`)];
    }
    const desired = versionOf(spec.targetRefs, model, modules);
    if (desired.resources.length === 0 || record.held !== desired.id) return [];
    const why = `its targets are in a version that run ${number} took back`;
    return [problem(`Rollout ${rollout} is gone, but ${why}: put it back, or change the targets`)];
  });
}

/** Of something that is not written anywhere. */
function problem(message: string): Problem {
  return { file: "rollouts", line: 1, column: 1, path: "", message };
}
