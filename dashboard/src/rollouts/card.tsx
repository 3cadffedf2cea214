import type { JSX } from "preact";
import type { RolloutOverview } from "../../../controlplane/api/index.ts";
import { several } from "../format.ts";
import { linkTo } from "../route.ts";
import { Waves } from "./waves.tsx";

/** A Rollout in brief, which leads to all of it. */
export function RolloutCard({ rollout }: { readonly rollout: RolloutOverview }): JSX.Element {
  const { name, state, why, targets, run } = rollout;
  return (
    <section class="card rollout-card" aria-label={`Rollout ${name}`}>
      <h2>
        <a href={linkTo("rollouts", name)}>{name}</a> <StateChip rollout={rollout} />
      </h2>
      <p class="hint">{targets.map((target) => `${target.kind} ${target.name}`).join(", ")}</p>
      {why === null ? null : <p>{why}</p>}
      {run === null ? (
        <p>No run yet: all have what the source says.</p>
      ) : (
        <>
          <Waves run={run} isBrief />
          <p class="hint">
            Run {run.number}
            {run.undo ? ", an undo," : ""} by {run.startedBy}: {several(run.sidecars.running, "sidecar")} of{" "}
            {run.sidecars.all} run the new version{run.sidecars.unwell > 0 ? `, ${run.sidecars.unwell} not well` : ""}
          </p>
        </>
      )}
      {state === "Settled" || state === "Progressing" ? null : (
        <p>
          <a href={linkTo("rollouts", name)}>
            {state === "Waiting" ? "See what it waits for" : "See what can be done"}
          </a>
        </p>
      )}
    </section>
  );
}

const TONES: Readonly<Record<RolloutOverview["state"], string>> = {
  Progressing: "updating",
  Waiting: "waiting",
  Paused: "waiting",
  RollingBack: "faulty",
  RolledBack: "faulty",
  Promoted: "ready",
  Settled: "ready",
  Held: "waiting",
  Blocked: "waiting",
};

const WORDS: Partial<Readonly<Record<RolloutOverview["state"], string>>> = {
  RollingBack: "Rolling back",
  RolledBack: "Rolled back",
};

export function StateChip({ rollout: { state, run } }: { readonly rollout: RolloutOverview }): JSX.Element {
  const waits = state === "Waiting" && run !== null && run.waitsFor !== null ? `: ${run.waitsFor.toLowerCase()}` : "";
  return (
    <span class={`chip ${TONES[state]}`}>
      {WORDS[state] ?? state}
      {waits}
    </span>
  );
}
