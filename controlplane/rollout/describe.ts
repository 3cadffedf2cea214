import type { RecordEvent } from "./record.ts";

/** An event as a line of the log. */
export function describe(event: RecordEvent): string {
  switch (event.type) {
    case "Started":
      return `rollout ${event.rollout}: run ${event.run} starts, for ${event.sidecars} sidecars`;
    case "WaveStarted":
      return `rollout: wave ${event.wave + 1} begins`;
    case "Admitted":
      return `rollout: ${event.nodes.length} sidecars get the new version`;
    case "Settled":
      return `rollout: wave ${event.wave + 1} runs the new version, and bakes`;
    case "Judged":
      return `rollout: wave ${event.wave + 1} is good: ${event.findings.join("; ")}`;
    case "Waiting":
      return `rollout: wave ${event.wave + 1} waits: ${event.for}`;
    case "Approved":
      return `rollout: ${event.by} approved wave ${event.wave + 1}`;
    case "Paused":
      return `rollout: paused by ${event.by}: ${event.because}`;
    case "Resumed":
      return `rollout: resumed by ${event.by}`;
    case "RollingBack":
      return `rollout: rolling back: ${event.reason.message}`;
    case "RolledBack":
      return "rollout: rolled back";
    case "Promoted":
      return `rollout: promoted by ${event.by}`;
    case "BakeRestarted":
      return `rollout: bakes anew: ${event.because}`;
    case "Baseline":
    case "Retargeted":
      return "rollout: seen";
  }
}
