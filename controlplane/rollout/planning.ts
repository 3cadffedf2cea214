import type { Rollout, RolloutTarget } from "../model/index.ts";
import type { Plan } from "./plan.ts";
import { activeRun, type RecordEvent } from "./record.ts";
import type { Records } from "./records.ts";
import { type Content, retargeted, type Version, versionOf } from "./version.ts";

/** A plan, and what is to be kept of it before it is followed. */
export interface Draft {
  readonly plan: Plan;
  readonly events: readonly RecordEvent[];
}

/**
 * The plan of a Rollout as the source has it now.
 * @param base what is served; undefined before anything is.
 */
export async function draftPlan<Module extends { readonly sha256: string }>(
  rollout: Rollout,
  desired: Content<Module>,
  base: Content<Module> | undefined,
  records: Records,
  now: number,
): Promise<Draft> {
  const record = records.get(rollout.metadata.name);
  const run = record && activeRun(record);
  const targets = run?.spec.targetRefs ?? rollout.spec.targetRefs;
  const wanted = versionOf(targets, desired.model, desired.modules);
  await records.keepVersion(wanted);
  // What sidecars have now is what a change is held against; when nothing was served yet, all get what is there.
  const present = (): Version =>
    base === undefined ? wanted : withNewServices(versionOf(targets, base.model, base.modules), wanted);
  if (record === undefined || record.removed) {
    const stable = present();
    await records.keepVersion(stable);
    const type = record === undefined ? "Baseline" : "Retargeted";
    return {
      plan: { rollout, desired: wanted, stable, to: undefined },
      events: [{ type, at: now, version: stable.id }],
    };
  }
  let stable = await records.version(record.stable);
  const events: RecordEvent[] = [];
  if (run === undefined && JSON.stringify(stable.targets) !== JSON.stringify(targets)) {
    // What it has not been about so far was changed without it.
    stable = retargeted(stable, targets, present());
    await records.keepVersion(stable);
    if (stable.id !== record.stable) events.push({ type: "Retargeted", at: now, version: stable.id });
  }
  return { plan: { rollout, desired: wanted, stable, to: run && (await records.version(run.to)) }, events };
}

/** A Service that is new is served to all at once: there is nothing before it that a sidecar could have instead. */
function withNewServices(version: Version, wanted: Version): Version {
  const isThere = ({ kind, name }: RolloutTarget): boolean =>
    kind !== "Service" || version.resources.some((one) => one.kind === kind && one.metadata.name === name);
  return retargeted({ ...version, targets: version.targets.filter(isThere) }, version.targets, wanted);
}
