import type { Reason } from "./run.ts";
import type { RecordEvent } from "./record.ts";

/** Why a run went back, in two words. */
export function titleOf({ kind }: Reason): string {
  return titles[kind];
}

const titles: Readonly<Record<Reason["kind"], string>> = {
  PreCheck: "failed its pre-check",
  Rejected: "rejected by Envoy",
  NotFetched: "module not fetched",
  LostStream: "stream lost",
  NoAnswer: "not taken",
  NotLoaded: "not running",
  VmFailure: "filter trapped",
  Worse: "worse figures",
  Stuck: "wave too long",
  Aborted: "aborted",
  Superseded: "superseded",
};

/** An event as a sentence. */
export function describe(event: RecordEvent): string {
  switch (event.type) {
    case "Started":
      return `run ${event.run} starts${event.undo ? " and undoes the one before" : ""}, for ${sidecars(event.sidecars)}, by ${event.by}`;
    case "WaveStarted":
      return `wave ${event.wave + 1} begins`;
    case "Admitted":
      return `${sidecars(event.nodes.length)} ${event.nodes.length === 1 ? "gets" : "get"} the new version`;
    case "Settled":
      return `wave ${event.wave + 1} runs the new version, and bakes`;
    case "Judged":
      return `wave ${event.wave + 1} is good: ${event.findings.join("; ")}`;
    case "Waiting":
      return `wave ${event.wave + 1} waits: ${event.for}`;
    case "Approved":
      return `${event.by} approved wave ${event.wave + 1}`;
    case "Paused":
      return `paused by ${event.by}: ${event.because}`;
    case "Resumed":
      return `resumed by ${event.by}`;
    case "RollingBack":
      return `rolling back (${titleOf(event.reason)}): ${event.reason.message}`;
    case "RolledBack":
      return event.leftOver.length === 0
        ? "rolled back: all have the old version again"
        : `rolled back, but ${sidecars(event.leftOver.length)} did not take the old version again: ${event.leftOver.join(", ")}`;
    case "Promoted":
      return `promoted by ${event.by}`;
    case "BakeRestarted":
      return `bakes anew: ${event.because}`;
    case "Baseline":
      return "seen for the first time";
    case "Retargeted":
      return "has other targets, or is in the source again";
    case "Removed":
      return "is not in the source any more";
  }
}

function sidecars(count: number): string {
  return count === 1 ? "1 sidecar" : `${count} sidecars`;
}
