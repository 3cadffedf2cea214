import type { JSX } from "preact";
import type { RunOverview } from "../../../controlplane/api/index.ts";
import { count, duration } from "../format.ts";

type Wave = RunOverview["waves"][number];

/** The waves of a run, one after the other, each as full as it runs the new version. */
export function Waves({
  run,
  isBrief = false,
}: {
  readonly run: RunOverview;
  readonly isBrief?: boolean;
}): JSX.Element {
  return (
    <ol class={isBrief ? "waves brief" : "waves"} aria-label="Waves">
      {run.waves.map((wave) => (
        <li
          key={wave.number}
          class={`wave ${wave.state.toLowerCase()}`}
          aria-current={isNow(wave, run) ? "step" : undefined}
        >
          <div class="track" aria-hidden="true">
            <span style={{ width: `${100 * fullness(wave)}%` }} />
          </div>
          <p class="title">
            <b>{wave.name ?? `Wave ${wave.number}`}</b> <span>{wave.percentage} %</span>
          </p>
          <p class="what">
            {count(wave.running)} of {count(wave.sidecars)} · {said(wave, run)}
          </p>
          {isBrief || wave.findings.length === 0 ? null : (
            <ul class="findings">
              {wave.findings.map((finding) => (
                <li key={finding}>{finding}</li>
              ))}
            </ul>
          )}
        </li>
      ))}
    </ol>
  );
}

function isNow({ state }: Wave, { endedAt }: RunOverview): boolean {
  return endedAt === null && (state === "Updating" || state === "Baking");
}

function fullness({ running, sidecars, state }: Wave): number {
  if (sidecars === 0) return state === "Good" ? 1 : 0;
  return Math.min(1, running / sidecars);
}

function said({ state, bakesForSeconds, approval, number }: Wave, { waitsFor, waves, phase }: RunOverview): string {
  if (state === "Baking" && bakesForSeconds !== null)
    return bakesForSeconds > 0 ? `bakes ${duration(bakesForSeconds)} more` : "baked, is judged";
  if (state === "Pending") {
    const isNext = waves.find((wave) => wave.state === "Pending")?.number === number;
    if (isNext && phase === "Waiting" && waitsFor !== null) return `waits: ${waitsFor.toLowerCase()}`;
    return approval === "Manual" ? "needs approval" : "to come";
  }
  return { Updating: "updating", Baking: "bakes", Good: "good", Bad: "bad" }[state];
}
