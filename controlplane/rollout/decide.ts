import { durationMilliseconds, type WaveSpec } from "../model/index.ts";
import { guardReason } from "./guards.ts";
import type { Observation } from "./observation.ts";
import { apply, hasEnded, type Run, type RunEvent } from "./run.ts";
import { Groups, membersOf, type Sidecar } from "./sidecars.ts";

/** Who decides where nobody else did. */
export const POLICY = "policy";

/**
 * What is to happen to a run now, by what is seen of the fleet. Pure. The events are to be kept before anything is done by them. They end where sidecars
 * are given another version: what is seen is of the version that they had, so the rest is decided when the fleet was looked at again.
 */
export function decide(run: Run, seen: Observation, now: number): readonly RunEvent[] {
  const events: RunEvent[] = [];
  let state = run;
  for (;;) {
    const event = next(state, seen, now);
    if (event === undefined) return events;
    events.push(event);
    if (event.type === "Admitted" || event.type === "RollingBack") return events;
    state = apply(state, event);
  }
}

function next(run: Run, seen: Observation, now: number): RunEvent | undefined {
  if (hasEnded(run)) return undefined;
  if (run.phase === "RollingBack") return rolledBack(run, seen, now);
  const reason = guardReason(run, seen, now);
  if (reason !== undefined) return { type: "RollingBack", at: now, by: POLICY, reason };
  if (!seen.settled || run.phase === "Paused") return undefined;
  const wave = run.spec.waves[run.wave];
  return (wave === undefined ? undefined : onWave(run, wave, seen, now)) ?? afterWave(run, seen, now);
}

/** What a wave needs that is not over yet. */
function onWave(run: Run, wave: WaveSpec, seen: Observation, now: number): RunEvent | undefined {
  if (run.phase !== "Progressing") return undefined;
  const isThere = (node: string): boolean => seen.states.get(node)?.connected === true;
  const choice = { all: seen.sidecars, isThere, has: (node: string): boolean => run.admitted.has(node) };
  const members = membersOf(run.rollout, wave, choice, run.spec.spread.by);
  const nodes = admissible(run, members, seen);
  if (nodes.length > 0) return { type: "Admitted", at: now, nodes };
  if (run.settledAt === undefined && isSettled(run, members, seen)) return { type: "Settled", at: now, wave: run.wave };
  if (isOver(run, wave, seen, now)) {
    const { findings } = seen.verdict;
    return run.findings[run.wave] === undefined ? { type: "Judged", at: now, wave: run.wave, findings } : undefined;
  }
  const { after, action } = run.spec.waveTimeout;
  if (now - run.waveStartedAt <= durationMilliseconds(after)) return undefined;
  const what = run.settledAt === undefined ? "did not all run the new version" : seen.verdict.findings.join("; ");
  const message = `wave ${run.wave + 1} was not over within ${after}: ${what}`;
  if (action === "Pause") return { type: "Paused", at: now, by: POLICY, because: message };
  return { type: "RollingBack", at: now, by: POLICY, reason: { kind: "Stuck", message, nodes: [] } };
}

/** The next wave, or what it waits for. */
function afterWave(run: Run, seen: Observation, now: number): RunEvent | undefined {
  const current = run.spec.waves[run.wave];
  if (current !== undefined && !isOver(run, current, seen, now)) return undefined;
  const wave = run.wave + 1;
  const upcoming = run.spec.waves[wave];
  if (upcoming === undefined || seen.sidecars.length === 0) return { type: "Promoted", at: now, by: POLICY };
  const waitsFor =
    upcoming.approval === "Manual" && run.approved < wave
      ? "Approval"
      : seen.frozen
        ? "Freeze"
        : seen.open
          ? undefined
          : "Window";
  if (waitsFor === undefined) return { type: "WaveStarted", at: now, wave };
  return run.phase === "Waiting" && run.waitsFor === waitsFor
    ? undefined
    : { type: "Waiting", at: now, wave, for: waitsFor };
}

/** Whether a wave has the new version, had it for long enough, and was found good. */
function isOver(run: Run, wave: WaveSpec, { verdict }: Observation, now: number): boolean {
  if (run.phase === "Waiting") return true;
  const { settledAt } = run;
  return settledAt !== undefined && now - settledAt >= durationMilliseconds(wave.bake) && verdict.kind === "Good";
}

function connected({ sidecars, states }: Observation): Sidecar[] {
  return sidecars.filter(({ node }) => states.get(node)?.connected === true);
}

/** Whether every member runs the new version. Where nobody is connected, nothing is proven. */
function isSettled(run: Run, members: readonly Sidecar[], { states }: Observation): boolean {
  return (
    members.length > 0 &&
    members.every(({ node }) => run.admitted.has(node) && states.get(node)?.progress === "Running")
  );
}

/** The members that may get the new version now, so that not too many change at once, in all and of a Service or a zone. */
function admissible(run: Run, members: readonly Sidecar[], seen: Observation): string[] {
  if (members.every(({ node }) => run.admitted.has(node))) return [];
  const { maxAtOnce = Infinity, spread } = run.spec;
  const all = connected(seen);
  const changing = all.filter(({ node }) => run.admitted.has(node) && seen.states.get(node)?.progress !== "Running");
  const groups = new Groups(spread.by, all, (size) => Math.max(1, Math.floor((size * spread.maxPercentage) / 100)));
  for (const sidecar of changing) groups.occupy(sidecar);
  const nodes: string[] = [];
  for (const sidecar of members) {
    if (changing.length + nodes.length >= maxAtOnce) break;
    if (!run.admitted.has(sidecar.node) && groups.take(sidecar)) nodes.push(sidecar.node);
  }
  return nodes;
}

function rolledBack(run: Run, { states }: Observation, now: number): RunEvent | undefined {
  const away = [...run.admitted.keys()].filter((node) => {
    const state = states.get(node);
    return state?.connected === true && state.progress !== "Running";
  });
  const isLate = now - run.waveStartedAt > 2 * durationMilliseconds(run.spec.answerTimeout);
  return away.length === 0 || isLate ? { type: "RolledBack", at: now, leftOver: away } : undefined;
}
