import type { Run, RunEvent } from "./run.ts";
import { hasEnded } from "./run.ts";

/**
 * What a person may ask of a run:
 * - `pause`, `resume`
 * - `approve`: the next wave may start. It holds for the wave that follows the one that runs now.
 * - `promote`: everybody gets the new version now, whatever the waves that are left.
 * - `abort`: everybody gets the old version again.
 */
export type Command = "pause" | "resume" | "approve" | "promote" | "abort";

export type CommandResult =
  { readonly ok: true; readonly events: readonly RunEvent[] } | { readonly ok: false; readonly message: string };

/** The events of a command. One that asks for what is so already is refused, and so is one that comes too late. */
export function obey(run: Run, command: Command, by: string, now: number): CommandResult {
  const name = `run ${run.number} of Rollout ${run.rollout}`;
  if (hasEnded(run)) return refuse(`${name} is over: it is ${run.phase}`);
  if (run.phase === "RollingBack") return refuse(`${name} is rolling back; nothing else can be done until it has`);
  switch (command) {
    case "pause":
      if (run.phase === "Paused") return refuse(`${name} is paused already`);
      return accept({ type: "Paused", at: now, by, because: "asked for" });
    case "resume":
      if (run.phase !== "Paused") return refuse(`${name} is not paused: it is ${run.phase}`);
      return accept({ type: "Resumed", at: now, by });
    case "approve": {
      const wave = run.wave + 1;
      const spec = run.spec.waves[wave];
      if (spec === undefined) return refuse(`${name} is in its last wave`);
      if (spec.approval === "None") return refuse(`wave ${wave + 1} of ${name} needs no approval`);
      if (run.approved >= wave) return refuse(`wave ${wave + 1} of ${name} is approved already`);
      return accept({ type: "Approved", at: now, wave, by });
    }
    case "promote":
      return accept({ type: "Promoted", at: now, by });
    case "abort":
      return accept({
        type: "RollingBack",
        at: now,
        by,
        reason: { kind: "Aborted", message: `aborted by ${by}`, nodes: [] },
      });
  }
}

function accept(...events: RunEvent[]): CommandResult {
  return { ok: true, events };
}

function refuse(message: string): CommandResult {
  return { ok: false, message };
}
