import type { ModuleRef, SidecarPlace } from "../translate/index.ts";
import type { CommandResult } from "./commands.ts";
import { covers } from "./coverage.ts";
import type { FleetView } from "./fleet-view.ts";
import { candidatePins, type Plan } from "./plan.ts";
import { activeRun } from "./record.ts";
import type { RunEvent } from "./run.ts";
import { composeOne, type Making } from "./served.ts";
import type { Serving } from "./serving.ts";
import type { Version } from "./version.ts";

/** A run that is asked for. */
export interface Beginning {
  readonly plan: Plan;
  /** What it brings to the sidecars. */
  readonly to: Version;
  readonly by: string;
  /** It goes back to what was promoted before. */
  readonly undo: boolean;
  readonly at: number;
}

/** The event that starts a run, or why it cannot start now. */
export function startEvents<Module extends ModuleRef>(
  { plan, to, by, undo, at }: Beginning,
  serving: Serving<Module>,
  making: Making<Module>,
  view: FleetView,
): CommandResult {
  const { served, desired } = serving;
  if (served === undefined || desired === undefined) return { ok: false, message: "nothing is served yet" };
  const { rollout, stable } = plan;
  const { name } = rollout.metadata;
  const places = [...served.base.translation.sidecars.values()];
  const blocker = blockerOf(plan, to, serving, places);
  if (blocker !== undefined) {
    const message = `the run of Rollout ${blocker} changes some of the same sidecars, and comes first`;
    return { ok: false, message };
  }
  const composed = composeOne(desired, candidatePins(serving.plans.values(), plan, to), making, served.base);
  if (!composed.ok) {
    const problems = composed.problems.map(({ message }) => message).join("; ");
    return { ok: false, message: `beside what is served otherwise it is faulty: ${problems}` };
  }
  const sidecars = view.sidecars(served.base.translation.sidecars, [stable, to]);
  const started: RunEvent = {
    type: "Started",
    at,
    rollout: name,
    run: (serving.recordOf(plan).run?.number ?? 0) + 1,
    from: stable.id,
    to: to.id,
    spec: rollout.spec,
    by,
    undo,
    sidecars: sidecars.length,
    unable: sidecars.flatMap(({ node, unable }) => (unable === undefined ? [] : [{ node, reason: unable }])),
  };
  return { ok: true, events: [started] };
}

/** Another Rollout whose run changes some of the sidecars that this one is about. */
function blockerOf<Module extends ModuleRef>(
  plan: Plan,
  to: Version,
  serving: Serving<Module>,
  places: readonly SidecarPlace[],
): string | undefined {
  const mine = places.filter((place) => covers([plan.stable, to], place));
  for (const [name, other] of serving.plans) {
    if (other.rollout === plan.rollout || activeRun(serving.recordOf(other)) === undefined) continue;
    const theirs = [other.stable, ...(other.to === undefined ? [] : [other.to])];
    if (mine.some((place) => covers(theirs, place))) return name;
  }
  return undefined;
}
