import type { RolloutCommand, RolloutOverview } from "../../../controlplane/api/index.ts";

export interface Offer {
  readonly command: RolloutCommand;
  readonly title: string;
  readonly tone: "primary" | "plain" | "danger";
  /** What is asked before it is done; nothing where it can be taken back at once. */
  readonly confirmation?: string;
}

/** What can be done with a Rollout as it is now. Whether it really can, the control plane says. */
export function offersFor({ name, state, run, stable, desired }: RolloutOverview): readonly Offer[] {
  const touched = run?.touched ?? 0;
  switch (state) {
    case "Progressing":
      return [PAUSE, ...(needsApproval(run) ? [APPROVE] : []), promote(name), abort(touched)];
    case "Waiting":
      return [...(needsApproval(run) ? [APPROVE] : []), PAUSE, promote(name), abort(touched)];
    case "Paused":
      return [RESUME, promote(name), abort(touched)];
    case "Held":
      return run?.phase === "RolledBack" && run.to === desired
        ? [
            {
              command: "retry",
              title: "Retry",
              tone: "primary",
              confirmation: "What was rolled back is tried once more, wave by wave.",
            },
          ]
        : [
            {
              command: "start",
              title: "Start",
              tone: "primary",
              confirmation: "What the source says goes to the fleet, wave by wave.",
            },
          ];
    case "Blocked":
      return [{ command: "start", title: "Start", tone: "plain" }];
    case "Settled":
    case "Promoted":
      return run?.phase === "Promoted" && stable === run.to ? [UNDO] : [];
    case "RollingBack":
    case "RolledBack":
      return [];
  }
}

const PAUSE: Offer = { command: "pause", title: "Pause", tone: "plain" };
const RESUME: Offer = { command: "resume", title: "Resume", tone: "primary" };
const APPROVE: Offer = { command: "approve", title: "Approve next wave", tone: "primary" };
const UNDO: Offer = {
  command: "undo",
  title: "Undo",
  tone: "danger",
  confirmation:
    "A run brings the version before back to all sidecars, wave by wave, and what the source says now is held back.",
};

function promote(name: string): Offer {
  const confirmation = `All sidecars get the new version of ${name} now, whatever waves and bakes are left. It is not judged any more.`;
  return { command: "promote", title: "Promote", tone: "plain", confirmation };
}

function abort(touched: number): Offer {
  const who =
    touched === 1
      ? "The sidecar that has the new version gets"
      : `The ${touched} sidecars that were given the new version get`;
  return {
    command: "abort",
    title: "Abort",
    tone: "danger",
    confirmation: `${who} the old one again, and this run is over.`,
  };
}

/** Whether the next wave is one that somebody has to let begin; that it is approved already only the control plane knows. */
function needsApproval(run: RolloutOverview["run"]): boolean {
  const next = run?.waves.find(({ state }) => state === "Pending");
  return next?.approval === "Manual";
}
