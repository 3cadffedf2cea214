import type { Plan } from "./plan.ts";
import { activeRun, type Intent, type RolloutRecord } from "./record.ts";
import { versionFor, type Run } from "./run.ts";
import type { Version } from "./version.ts";

/** What a Rollout has to say of one sidecar that has not what the source says of its targets. */
export interface Hold {
  readonly rollout: string;
  /** `Kind/name` of the targets that are held back. */
  readonly targets: readonly string[];
  /** Hashes of the versions of the targets. */
  readonly has: string;
  readonly wanted: string;
  readonly why: string;
}

/** What a Rollout is asked for that. */
export interface Holding {
  readonly plan: Plan;
  readonly record: RolloutRecord;
  readonly intent: Intent;
  /** Why a run that is to start has not. */
  readonly blocked?: string | undefined;
}

/** Why a sidecar has an older version of what a Rollout is about; undefined if it has what the source says. */
export function holdOf(holding: Holding, node: string): Hold | undefined {
  const { plan, record } = holding;
  const run = activeRun(record);
  const has = run === undefined ? plan.stable.id : versionFor(run, node);
  if (has === plan.desired.id) return undefined;
  const version = [plan.stable, plan.to].find((one) => one?.id === has) ?? plan.stable;
  return {
    rollout: plan.rollout.metadata.name,
    targets: heldTargets(version, plan.desired),
    has,
    wanted: plan.desired.id,
    why: whyHeld(holding, run, node),
  };
}

/** The targets that two versions do not have alike, as `Kind/name`. */
export function heldTargets(version: Version, desired: Version): string[] {
  return desired.targets
    .map(({ kind, name }) => `${kind}/${name}`)
    .filter((key) => contentOf(version, key) !== contentOf(desired, key));
}

function whyHeld({ plan, record, intent, blocked }: Holding, run: Run | undefined, node: string): string {
  const { metadata } = plan.rollout;
  if (run !== undefined) {
    const what = `run ${run.number}`;
    const unable = run.unable.find((one) => one.node === node);
    if (unable !== undefined) return `${what} leaves it out: ${unable.reason}`;
    if (intent === "supersede" || run.phase === "RollingBack") return `${what} is going back`;
    const wave = run.wave < 0 ? "has begun no wave yet" : `is at wave ${run.wave + 1} of ${run.spec.waves.length}`;
    const state =
      run.phase === "Paused"
        ? " and is paused"
        : run.waitsFor === undefined
          ? ""
          : ` and waits for ${waits[run.waitsFor]}`;
    return `${what} ${wave}${state}, and has not come to it`;
  }
  if (blocked !== undefined) return `no run starts: ${blocked}`;
  if (intent !== "held") return "a run is about to start";
  return record.held === plan.desired.id
    ? `it was rolled back before: meshwright rollout retry ${metadata.name} brings it again`
    : `it waits for meshwright rollout start ${metadata.name}`;
}

const waits = { Approval: "its approval", Window: "a window", Freeze: "the end of a freeze" } as const;

function contentOf({ resources }: Version, key: string): string {
  return JSON.stringify(resources.find(({ kind, metadata }) => `${kind}/${metadata.name}` === key));
}
