import type { RolloutSpec } from "../model/index.ts";

/**
 * Where a run is:
 * - `Progressing`: a wave gets the new version, or bakes with it.
 * - `Waiting`: the next wave waits for its approval, a window, or the end of a freeze.
 * - `Paused`: nobody new gets the new version; those who have it keep it.
 * - `RollingBack`: everybody is to have the old version again.
 * - `RolledBack`, `Promoted`: the end.
 */
export type Phase = "Progressing" | "Waiting" | "Paused" | "RollingBack" | "RolledBack" | "Promoted";

/** Why a run went back. */
export interface Reason {
  readonly kind:
    | "PreCheck"
    | "Rejected"
    | "NotFetched"
    | "LostStream"
    | "NoAnswer"
    | "NotLoaded"
    | "VmFailure"
    | "Worse"
    | "Stuck"
    | "Aborted"
    | "Superseded";
  /** One sentence. */
  readonly message: string;
  /** The sidecars that showed it. */
  readonly nodes: readonly string[];
}

/** What happened to a run. A run is the sum of its events; times are milliseconds since the epoch. */
export type RunEvent = { readonly at: number } & (
  | {
      readonly type: "Started";
      readonly rollout: string;
      readonly run: number;
      readonly from: string;
      readonly to: string;
      readonly spec: RolloutSpec;
      readonly by: string;
      /** It goes back to a version that was promoted before, whatever the source says. */
      readonly undo: boolean;
      /** How many sidecars the versions differ for, and those that cannot run the new one. */
      readonly sidecars: number;
      readonly unable: readonly { readonly node: string; readonly reason: string }[];
    }
  | { readonly type: "WaveStarted"; readonly wave: number }
  | { readonly type: "Admitted"; readonly nodes: readonly string[] }
  | { readonly type: "Settled"; readonly wave: number }
  /** The bake of the wave begins anew, since what was measured is lost. */
  | { readonly type: "BakeRestarted"; readonly because: string }
  | { readonly type: "Judged"; readonly wave: number; readonly findings: readonly string[] }
  | { readonly type: "Waiting"; readonly wave: number; readonly for: "Approval" | "Window" | "Freeze" }
  | { readonly type: "Approved"; readonly wave: number; readonly by: string }
  | { readonly type: "Paused"; readonly by: string; readonly because: string }
  | { readonly type: "Resumed"; readonly by: string }
  | { readonly type: "RollingBack"; readonly by: string; readonly reason: Reason }
  | { readonly type: "RolledBack"; readonly leftOver: readonly string[] }
  | { readonly type: "Promoted"; readonly by: string }
);

/** A run of a rollout. */
export interface Run {
  readonly rollout: string;
  /** Counts the runs of a rollout, from 1. */
  readonly number: number;
  /** Hashes of the versions. */
  readonly from: string;
  readonly to: string;
  readonly spec: RolloutSpec;
  readonly startedAt: number;
  readonly startedBy: string;
  readonly undo: boolean;
  /** How many sidecars the versions differed for when it started. */
  readonly sidecars: number;
  readonly phase: Phase;
  readonly waitsFor: "Approval" | "Window" | "Freeze" | undefined;
  /** The wave that runs, from 0; -1 before the first. */
  readonly wave: number;
  /** When the wave, or the way back, began, or went on after a pause. */
  readonly waveStartedAt: number;
  /** When all of the wave ran the new version. */
  readonly settledAt: number | undefined;
  /** The highest wave that was approved. */
  readonly approved: number;
  /** Who was ever given the new version in this run, and when. */
  readonly admitted: ReadonlyMap<string, number>;
  /** The wave in which each of them was, from 0. */
  readonly waveOf: ReadonlyMap<string, number>;
  readonly unable: readonly { readonly node: string; readonly reason: string }[];
  /** What was measured when a wave was judged, in words, by wave. */
  readonly findings: readonly (readonly string[])[];
  readonly reason?: Reason;
  readonly endedAt?: number;
  /** After a rollback: those who were connected, and did not take the old version again. */
  readonly leftOver: readonly string[];
}

/** The version that a sidecar is to have by a run. */
export function versionFor(run: Run, node: string): string {
  switch (run.phase) {
    case "Progressing":
    case "Waiting":
    case "Paused":
      return run.admitted.has(node) ? run.to : run.from;
    case "RollingBack":
    case "RolledBack":
      return run.from;
    case "Promoted":
      return run.to;
  }
}

/** Whether nothing more can happen to a run. */
export function hasEnded({ phase }: Run): boolean {
  return phase === "RolledBack" || phase === "Promoted";
}

/**
 * The run after an event.
 * @throws RangeError when the event cannot follow: a log that was tampered with, or a fault of the controller.
 */
export function apply(run: Run | undefined, event: RunEvent): Run {
  if (event.type === "Started") {
    if (run !== undefined) throw new RangeError("a run starts once");
    return begin(event);
  }
  if (run === undefined) throw new RangeError(`${event.type} comes before Started`);
  if (hasEnded(run)) throw new RangeError(`${event.type} comes after ${run.phase}`);
  const isBackwards = run.phase === "RollingBack";
  if (isBackwards !== (event.type === "RolledBack")) throw new RangeError(`${event.type} comes in ${run.phase}`);
  switch (event.type) {
    case "WaveStarted": {
      if (event.wave !== run.wave + 1) throw new RangeError(`wave ${event.wave} comes after ${run.wave}`);
      return { ...onTheMove(run, event.at), settledAt: undefined, wave: event.wave };
    }
    case "Admitted": {
      if (run.phase !== "Progressing") throw new RangeError(`Admitted comes in ${run.phase}`);
      const admitted = new Map(run.admitted);
      const waveOf = new Map(run.waveOf);
      for (const node of event.nodes) {
        if (admitted.has(node)) continue;
        admitted.set(node, event.at);
        waveOf.set(node, run.wave);
      }
      return { ...run, admitted, waveOf };
    }
    case "Settled":
      return { ...run, settledAt: event.at };
    case "BakeRestarted":
      return { ...run, settledAt: undefined };
    case "Judged": {
      const findings = [...run.findings];
      findings[event.wave] = event.findings;
      return { ...run, findings };
    }
    case "Waiting":
      return { ...run, phase: "Waiting", waitsFor: event.for };
    case "Approved":
      return { ...run, approved: Math.max(run.approved, event.wave) };
    case "Paused":
      return { ...run, phase: "Paused" };
    case "Resumed": {
      if (run.phase !== "Paused") throw new RangeError(`Resumed comes in ${run.phase}`);
      // What was measured meanwhile is as good as ever, but a wave that was stuck gets its whole time again.
      return onTheMove(run, event.at);
    }
    case "RollingBack":
      return { ...onTheMove(run, event.at), phase: "RollingBack", reason: event.reason };
    case "RolledBack":
      return { ...run, phase: "RolledBack", endedAt: event.at, leftOver: event.leftOver };
    case "Promoted":
      return { ...run, phase: "Promoted", waitsFor: undefined, endedAt: event.at };
  }
}

function onTheMove(run: Run, at: number): Run {
  return { ...run, phase: "Progressing", waitsFor: undefined, waveStartedAt: at };
}

/** The run that a log holds; `undefined` for an empty one. */
export function replay(events: Iterable<RunEvent>): Run | undefined {
  let run: Run | undefined;
  for (const event of events) run = apply(run, event);
  return run;
}

function begin(event: RunEvent & { readonly type: "Started" }): Run {
  const { rollout, run, from, to, spec, by, undo, at, sidecars, unable } = event;
  return {
    rollout,
    number: run,
    from,
    to,
    spec,
    undo,
    sidecars,
    unable,
    startedAt: at,
    startedBy: by,
    phase: "Waiting",
    waitsFor: undefined,
    wave: -1,
    waveStartedAt: at,
    settledAt: undefined,
    approved: -1,
    admitted: new Map(),
    waveOf: new Map(),
    findings: [],
    leftOver: [],
  };
}
