import { durationMilliseconds } from "../model/index.ts";
import type { RolloutTarget } from "../model/index.ts";
import {
  hasEnded,
  membersOf,
  titleOf,
  versionFor,
  type Evidence,
  type Phase,
  type Progress,
  type RolloutView,
  type Run,
  type Sidecar,
} from "../rollout/index.ts";
import { rolloutFaults, sourceVersion, type SourceFaults } from "./rollout-faults.ts";

/** All Rollouts with where each is: the whole picture. Times are ISO 8601. */
export interface RolloutsReport {
  readonly now: string;
  readonly rollouts: readonly RolloutReport[];
}

/**
 * - a {@link Phase}: a run is under way.
 * - `Settled`: all have what the source says.
 * - `Held`: what the source says waits for a command: it was rolled back or undone, or starts by hand.
 * - `Blocked`: a run is to start, and cannot yet.
 */
export type RolloutState = Phase | "Settled" | "Held" | "Blocked";

export interface RolloutReport {
  readonly name: string;
  readonly state: RolloutState;
  /** One sentence on why it is in this state, where there is something to say. */
  readonly why: string | null;
  readonly targets: readonly RolloutTarget[];
  /** Hashes: of the version that was last proven good, and of what the source says. */
  readonly stable: string;
  readonly desired: string;
  /** What the source says, taken over or not: `desired`, and where it is refused, `desired` with a mark of why. */
  readonly source: string;
  /** Why what the source says of it and its targets is not taken over, one line a problem: `file:line:column: path: message`. */
  readonly refused: readonly string[];
  /** The latest run, whether it has ended or not. */
  readonly run: RunReport | null;
}

export interface RunSummary {
  readonly number: number;
  readonly phase: Phase;
  readonly undo: boolean;
  readonly startedAt: string;
  readonly startedBy: string;
  readonly endedAt: string | null;
  readonly from: string;
  readonly to: string;
  /** How many sidecars were ever given the new version. */
  readonly touched: number;
  readonly reason: ReasonReport | null;
}

export interface ReasonReport {
  readonly kind: string;
  /** In two words. */
  readonly title: string;
  readonly message: string;
  /** The sidecars that showed it. */
  readonly nodes: readonly string[];
}

export interface RunReport extends RunSummary {
  readonly waitsFor: "Approval" | "Window" | "Freeze" | null;
  readonly waves: readonly WaveReport[];
  readonly sidecars: readonly RolloutSidecar[];
  /** What was measured so far; null where that was before the control plane started. */
  readonly evidence: Evidence | null;
}

/** `Pending`: not begun; `Updating`: its sidecars get the new version; `Baking`: all of them run it; `Good`; `Bad`. */
export type WaveState = "Pending" | "Updating" | "Baking" | "Good" | "Bad";

export interface WaveReport {
  /** From 1. */
  readonly number: number;
  readonly name: string | null;
  readonly percentage: number;
  readonly state: WaveState;
  readonly approval: "None" | "Manual";
  /** How many sidecars are to have the new version with this wave, those of earlier waves included. */
  readonly sidecars: number;
  /** How many of them run it. */
  readonly running: number;
  /** How many seconds it still bakes; null where it does not. */
  readonly bakesForSeconds: number | null;
  /** What was measured when it was found good. */
  readonly findings: readonly string[];
}

export interface RolloutSidecar {
  readonly node: string;
  readonly service: string;
  readonly zone: string;
  readonly connected: boolean;
  readonly version: "old" | "new";
  /** The wave in which it was given the new version, from 1; null for one that never was. */
  readonly wave: number | null;
  readonly progress: Progress | null;
  /** What Envoy says, where it refused; why it cannot run the new version. */
  readonly message: string | null;
}

export function rolloutsReport(views: readonly RolloutView[], faults: SourceFaults, now = Date.now()): RolloutsReport {
  return { now: new Date(now).toISOString(), rollouts: views.map((view) => rolloutReport(view, faults, now)) };
}

function rolloutReport(view: RolloutView, faults: SourceFaults, now: number): RolloutReport {
  const { run } = view.record;
  return {
    ...rolloutHead(view, faults),
    run:
      run === undefined
        ? null
        : { ...runHead(run, view, now), sidecars: view.sidecars.map((sidecar) => sidecarReport(run, view, sidecar)) },
  };
}

/** A Rollout without its run. */
export function rolloutHead(view: RolloutView, faults: SourceFaults): Omit<RolloutReport, "run"> {
  const { plan } = view;
  const [state, why] = stateOf(view);
  const refused = rolloutFaults(view, faults);
  const desired = plan.desired.id;
  return {
    ...{ name: plan.rollout.metadata.name, state, why, targets: plan.rollout.spec.targetRefs },
    ...{ stable: plan.stable.id, desired, source: sourceVersion(desired, refused), refused },
  };
}

function stateOf({ record, intent, blocked }: RolloutView): [state: RolloutState, why: string | null] {
  const { run } = record;
  if (run !== undefined && !hasEnded(run)) return [run.phase, run.reason?.message ?? null];
  if (blocked !== undefined) return ["Blocked", blocked];
  if (intent !== "held") return ["Settled", null];
  if (run?.phase === "RolledBack") return ["Held", `run ${run.number} was rolled back: ${run.reason?.message ?? ""}`];
  return ["Held", run?.undo === true ? "it was undone" : "it starts by hand"];
}

export function runSummary(run: Run): RunSummary {
  const { number, phase, undo, startedAt, startedBy, endedAt, from, to, admitted, reason } = run;
  return {
    ...{ number, phase, undo, startedBy, from, to, touched: admitted.size },
    startedAt: new Date(startedAt).toISOString(),
    endedAt: endedAt === undefined ? null : new Date(endedAt).toISOString(),
    reason:
      reason === undefined
        ? null
        : { kind: reason.kind, title: titleOf(reason), message: reason.message, nodes: reason.nodes },
  };
}

/** A run without its sidecars, of which there may be very many. */
export function runHead(run: Run, view: RolloutView, now: number): Omit<RunReport, "sidecars"> {
  return {
    ...runSummary(run),
    waitsFor: run.waitsFor ?? null,
    waves: run.spec.waves.map((_, wave) => waveReport(run, wave, view, now)),
    evidence: view.evidence ?? null,
  };
}

export function sidecarReport(run: Run, { states }: RolloutView, sidecar: Sidecar): RolloutSidecar {
  const { node, service, zone, unable } = sidecar;
  const state = states.get(node);
  const wave = run.waveOf.get(node);
  return {
    ...{ node, service, zone, connected: state?.connected === true },
    version: versionFor(run, node) === run.to ? "new" : "old",
    wave: wave === undefined ? null : wave + 1,
    progress: wave === undefined ? null : (state?.progress ?? null),
    message: state?.message ?? unable ?? null,
  };
}

function waveReport(run: Run, wave: number, { sidecars, states }: RolloutView, now: number): WaveReport {
  const spec = run.spec.waves[wave];
  if (spec === undefined) throw new RangeError(`no wave ${wave}`);
  const given = [...run.waveOf].filter(([, of]) => of <= wave).map(([node]) => node);
  const choice = {
    all: sidecars,
    isThere: (node: string) => states.get(node)?.connected === true,
    has: (node: string) => run.admitted.has(node),
  };
  // Looked for among all sidecars, so only where it is not known already.
  const members = (): number => membersOf(run.rollout, spec, choice, run.spec.spread.by).length;
  const isNew = (node: string): boolean => versionFor(run, node) === run.to && states.get(node)?.progress === "Running";
  const state = waveState(run, wave);
  const bakesUntil = (run.settledAt ?? now) + durationMilliseconds(spec.bake);
  return {
    ...{ number: wave + 1, name: spec.name ?? null, percentage: spec.percentage, state, approval: spec.approval },
    sidecars: hasEnded(run) || wave < run.wave ? given.length : Math.max(given.length, members()),
    running: given.filter(isNew).length,
    bakesForSeconds: state === "Baking" ? Math.max(0, Math.ceil((bakesUntil - now) / 1_000)) : null,
    findings: run.findings[wave] ?? [],
  };
}

function waveState(run: Run, wave: number): WaveState {
  if (wave > run.wave) return run.phase === "Promoted" ? "Good" : "Pending";
  if (wave < run.wave) return "Good";
  if (run.phase === "RollingBack" || run.phase === "RolledBack") return "Bad";
  if (run.findings[wave] !== undefined || run.phase === "Promoted") return "Good";
  return run.settledAt === undefined ? "Updating" : "Baking";
}
