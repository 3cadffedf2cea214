import type { RolloutSpec } from "../model/index.ts";
import { apply, hasEnded, type Run, type RunEvent } from "./run.ts";

/**
 * What is kept of a Rollout: the version that all had when it was first seen, the events of its runs, and between runs the stable version as it is
 * with other targets, and that it was taken out of the source.
 */
export type RecordEvent =
  | RunEvent
  | { readonly type: "Baseline"; readonly at: number; readonly version: string }
  | { readonly type: "Retargeted"; readonly at: number; readonly version: string }
  | { readonly type: "Removed"; readonly at: number };

/** A Rollout with its past. */
export interface RolloutRecord {
  readonly rollout: string;
  /** The version that was last proven good: that of the last run that was promoted. */
  readonly stable: string;
  /** The version that is not started by itself: it was rolled back, or undone. Another run makes it forgotten. */
  readonly held: string | undefined;
  /** The version that was stable before: what an undo goes back to. */
  readonly previous: string | undefined;
  /** It is not in the source, so its targets change without it. */
  readonly removed: boolean;
  /** The latest run, whether it has ended or not. */
  readonly run: Run | undefined;
  /** Runs that have ended, the latest last, without the latest run. */
  readonly past: readonly Run[];
  /** How many events there are: the log's version. */
  readonly length: number;
}

/** How many past runs are at hand; the log has all. */
const PAST = 50;

/**
 * The record after an event.
 * @throws RangeError when the event cannot follow.
 */
export function applyRecord(rollout: string, record: RolloutRecord | undefined, event: RecordEvent): RolloutRecord {
  if (event.type === "Baseline") {
    if (record !== undefined) throw new RangeError("a Rollout has one Baseline");
    return {
      rollout,
      stable: event.version,
      held: undefined,
      previous: undefined,
      removed: false,
      run: undefined,
      past: [],
      length: 1,
    };
  }
  if (record === undefined) throw new RangeError(`${event.type} comes before Baseline`);
  const length = record.length + 1;
  if (event.type === "Retargeted" || event.type === "Removed") {
    if (activeRun(record) !== undefined) throw new RangeError(`${event.type} comes when no run is under way`);
    if (event.type === "Removed") return { ...record, removed: true, previous: undefined, length };
    return { ...record, stable: event.version, previous: undefined, removed: false, length };
  }
  if (event.type !== "Started") {
    const run = apply(record.run, event);
    switch (run.phase) {
      case "Promoted":
        return { ...record, run, stable: run.to, previous: run.from, held: run.undo ? run.from : undefined, length };
      case "RolledBack":
        return { ...record, run, held: run.to, length };
      default:
        return { ...record, run, length };
    }
  }
  const { run: last, past } = record;
  if (last !== undefined && !hasEnded(last)) throw new RangeError("a run starts when the one before has ended");
  if (event.from !== record.stable) throw new RangeError(`a run starts from the stable version, ${record.stable}`);
  return {
    ...record,
    run: apply(undefined, event),
    held: undefined,
    past: last === undefined ? past : [...past, last].slice(-PAST),
    length,
  };
}

export function replayRecord(rollout: string, events: Iterable<RecordEvent>): RolloutRecord | undefined {
  let record: RolloutRecord | undefined;
  for (const event of events) record = applyRecord(rollout, record, event);
  return record;
}

/** The run that is under way. */
export function activeRun({ run }: RolloutRecord): Run | undefined {
  return run === undefined || hasEnded(run) ? undefined : run;
}

/**
 * What a change of the source means for a Rollout:
 * - `none`: all have what the source says, or get it by the run that is under way.
 * - `start`: a run is to start.
 * - `held`: it waits for a command, since it was rolled back before, or starts by hand.
 * - `supersede`: the run that is under way is for something else. It is undone before anything else begins.
 */
export type Intent = "none" | "start" | "held" | "supersede";

export function intentOf(record: RolloutRecord, desired: string, start: RolloutSpec["start"]): Intent {
  const run = activeRun(record);
  if (run !== undefined) {
    const isMeant = run.to === desired || (run.undo && run.from === desired);
    return isMeant || run.phase === "RollingBack" ? "none" : "supersede";
  }
  if (record.stable === desired) return "none";
  return start === "Manual" || record.held === desired ? "held" : "start";
}
