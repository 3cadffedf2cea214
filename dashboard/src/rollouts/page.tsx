import type { JSX } from "preact";
import type {
  RolloutDiff,
  RolloutHistory,
  RolloutOverview,
  RolloutsOverview,
} from "../../../controlplane/api/index.ts";
import { Diff } from "../diff.tsx";
import { dateTime, hash, several, since } from "../format.ts";
import { useLive } from "../live.ts";
import { linkTo } from "../route.ts";
import { Actions } from "./actions.tsx";
import { RolloutCard, StateChip } from "./card.tsx";
import { Checks } from "./checks.tsx";
import { Waves } from "./waves.tsx";

export interface RolloutsPageProps {
  readonly name: string | undefined;
  readonly overview: RolloutsOverview | undefined;
  readonly role: "viewer" | "operator" | "admin";
  readonly refresh: () => void;
}

export function RolloutsPage({ name, overview, role, refresh }: RolloutsPageProps): JSX.Element {
  if (overview === undefined) return <p role="status">Loading the rollouts…</p>;
  if (name === undefined) return <List overview={overview} />;
  const rollout = overview.rollouts.find((one) => one.name === name);
  if (rollout === undefined) {
    return (
      <>
        <h1>{name}</h1>
        <p class="empty">
          There is no Rollout of this name. <a href={linkTo("rollouts")}>All rollouts</a>
        </p>
      </>
    );
  }
  return <Details key={name} rollout={rollout} role={role} refresh={refresh} />;
}

function List({ overview: { rollouts } }: { readonly overview: RolloutsOverview }): JSX.Element {
  return (
    <>
      <div class="heading">
        <h1>Rollouts</h1>
        <p>Changes that reach the fleet wave by wave, each judged by what the sidecars report.</p>
      </div>
      {rollouts.length === 0 ? (
        <p class="empty">There is no Rollout: every change reaches all sidecars at once.</p>
      ) : (
        <div class="cards">
          {rollouts.map((rollout) => (
            <RolloutCard key={rollout.name} rollout={rollout} />
          ))}
        </div>
      )}
    </>
  );
}

function Details({
  rollout,
  role,
  refresh,
}: {
  readonly rollout: RolloutOverview;
  readonly role: RolloutsPageProps["role"];
  readonly refresh: () => void;
}): JSX.Element {
  const { name, state, why, targets, run, stable, desired } = rollout;
  const path = `rollouts/${encodeURIComponent(name)}`;
  const isUnderWay = run !== null && run.endedAt === null;
  const history = useLive<RolloutHistory>(`${path}/history`, isUnderWay ? 1_500 : 5_000);
  const diff = useLive<RolloutDiff>(`${path}/diff`, 5_000);
  return (
    <>
      <p class="up">
        <a href={linkTo("rollouts")}>All rollouts</a>
      </p>
      <div class="heading">
        <h1>
          {name} <StateChip rollout={rollout} />
        </h1>
        <p>{targets.map((target) => `${target.kind} ${target.name}`).join(", ")}</p>
      </div>
      {why === null ? null : <p class={state === "Held" || state === "RollingBack" ? "notice bad" : "notice"}>{why}</p>}
      <Actions rollout={rollout} role={role} onDone={refresh} />
      {run === null ? (
        <p class="card">
          No run yet: all sidecars have the version <code>{hash(stable)}</code>, which the source says.
        </p>
      ) : (
        <>
          <section class="card" aria-labelledby="waves-title">
            <h2 id="waves-title">
              Run {run.number}
              {run.undo ? " (undo)" : ""}{" "}
              <small>
                by {run.startedBy}, {since(run.startedAt)}, from <code>{hash(run.from)}</code> to{" "}
                <code>{hash(run.to)}</code>
              </small>
            </h2>
            <Waves run={run} />
            {run.reason === null ? null : (
              <p class="notice bad">
                <b>{run.reason.title}</b>: {run.reason.message}
              </p>
            )}
          </section>
          <section class="card" aria-labelledby="checks-title">
            <h2 id="checks-title">The new version against the others</h2>
            <Checks name={name} run={run} waveStarts={waveStarts(history.value, run.startedAt)} />
          </section>
          {run.unwell.length === 0 ? null : (
            <section class="card" aria-labelledby="unwell-title">
              <h2 id="unwell-title">{several(run.sidecars.unwell, "sidecar")} not well</h2>
              <ul class="unwell">
                {run.unwell.map(({ node, progress, message }) => (
                  <li key={node} class="rejection">
                    <a href={linkTo("fleet", node)}>{node}</a>{" "}
                    {progress === null ? null : <span class="chip faulty">{progress}</span>}
                    <pre tabIndex={0} aria-label={`What ${node} says`}>
                      {message}
                    </pre>
                  </li>
                ))}
              </ul>
            </section>
          )}
        </>
      )}
      {diff.value === undefined || diff.value.diffs.length === 0 ? null : (
        <section class="card" aria-labelledby="diff-title">
          <h2 id="diff-title">
            {run !== null && run.to === desired ? "What it changes" : "What a run would change"}{" "}
            <small>
              <code>{hash(diff.value.from)}</code> to <code>{hash(diff.value.to)}</code>
            </small>
          </h2>
          {diff.value.diffs.map((text) => (
            <Diff key={text} text={text} />
          ))}
        </section>
      )}
      <Timeline history={history.value} />
    </>
  );
}

function Timeline({ history }: { readonly history: RolloutHistory | undefined }): JSX.Element | null {
  if (history === undefined || history.events.length === 0) return null;
  const events = history.events.toReversed();
  return (
    <section class="card" aria-labelledby="timeline-title">
      <h2 id="timeline-title">What happened</h2>
      <ol class="timeline" reversed>
        {events.slice(0, 100).map(({ at, type, text }, i) => (
          <li key={events.length - i} class={type.toLowerCase()}>
            <time dateTime={at} title={dateTime(at)}>
              {since(at)}
            </time>
            <span>{text}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function waveStarts(history: RolloutHistory | undefined, startedAt: string): { at: number; label: string }[] {
  return (history?.events ?? [])
    .filter(({ type, at }) => type === "WaveStarted" && at >= startedAt)
    .map(({ at }, i) => ({ at: Date.parse(at), label: `wave ${i + 1}` }));
}
