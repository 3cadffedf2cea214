import type { JSX } from "preact";
import type { RolloutTrail, RunOverview } from "../../../controlplane/api/index.ts";
import { count, share } from "../format.ts";
import { useLive } from "../live.ts";
import { Chart } from "./chart.tsx";

type Evidence = NonNullable<RunOverview["evidence"]>;
type Check = Evidence["checks"][number];

/** Points of a chart at most; of more, neighbours are taken together. */
const MAX_POINTS = 60;

const WORDS: Readonly<Record<Check["metric"], string>> = {
  Errors: "Errors",
  Slow: "Slow answers",
  Denials: "Refused by the filter",
  Statistic: "Statistic",
};

/** What is compared, and what it says so far. */
export function Checks({
  name,
  run,
  waveStarts,
}: {
  readonly name: string;
  readonly run: RunOverview;
  readonly waveStarts: readonly { readonly at: number; readonly label: string }[];
}): JSX.Element {
  const { evidence } = run;
  const trail = useLive<RolloutTrail>(
    `rollouts/${encodeURIComponent(name)}/trail`,
    run.endedAt === null ? 2_000 : 30_000,
  );
  if (evidence === null)
    return (
      <p class="empty">
        Nothing was measured since the control plane started. What waves were found to be stands with them.
      </p>
    );
  const points = trail.value?.run === run.number ? trail.value.points : [];
  return (
    <>
      <p>
        {count(evidence.requests)} of {count(evidence.minRequests)} requests that this wave needs.
        {Object.keys(evidence.vmFailures).length === 0 ? null : (
          <b> The filter trapped in {Object.keys(evidence.vmFailures).slice(0, 5).join(", ")}.</b>
        )}
      </p>
      <div class="checks">
        {evidence.checks.map((check, i) => (
          <section key={check.name} class={check.bad ? "check bad" : "check"} aria-label={check.name}>
            <h3>
              {check.name === check.metric ? WORDS[check.metric] : check.name}{" "}
              <span class={`chip ${check.bad ? "faulty" : verdictOf(check) === "no worse so far" ? "ready" : ""}`}>
                {verdictOf(check)}
              </span>
            </h3>
            <dl class="versus">
              <div class="new">
                <dt>New version</dt>
                <dd>
                  {share(check.watched.of, check.watched.all)} <small>of {count(check.watched.all)}</small>
                </dd>
              </div>
              <div class="old">
                <dt>Others</dt>
                <dd>
                  {share(check.control.of, check.control.all)} <small>of {count(check.control.all)}</small>
                </dd>
              </div>
            </dl>
            {points.length < 3 || check.watched.all === 0 ? null : (
              <Chart title={check.name} marks={waveStarts} {...seriesOf(points, i)} />
            )}
            <EvidenceBar check={check} />
          </section>
        ))}
      </div>
    </>
  );
}

function verdictOf({ bad, watched, control }: Check): string {
  if (bad) return "worse";
  return watched.all === 0 || control.all === 0 ? "too little to say" : "no worse so far";
}

/** How sure it is that the new version is worse, on the way to the alarm; each step is ten times as sure. */
function EvidenceBar({ check: { evidence, alarm } }: { readonly check: Check }): JSX.Element {
  const part = Math.max(0, Math.min(1, Math.log(Math.max(1, evidence)) / Math.log(alarm)));
  const text = `Evidence that it is worse: ${Number(evidence.toPrecision(2))}; alarm from ${Number(alarm.toPrecision(2))}`;
  return (
    <p class="evidence">
      <span class="meter" aria-hidden="true">
        <span style={{ width: `${100 * part}%` }} />
      </span>
      <span class="hint">{text}</span>
    </p>
  );
}

/** The shares in each span of time, of counts that are sums since the beginning. */
function seriesOf(
  points: RolloutTrail["points"],
  check: number,
): Pick<Parameters<typeof Chart>[0], "times" | "series"> {
  const every = Math.max(1, Math.ceil(points.length / MAX_POINTS));
  const kept = points.filter((_, i) => i % every === 0 || i === points.length - 1);
  const rates = (of: number, all: number): (number | undefined)[] =>
    kept.slice(1).map((point, i) => {
      const [now, before] = [point[check + 1], kept[i]?.[check + 1]] as readonly (readonly number[] | undefined)[];
      const requests = (now?.[all] ?? 0) - (before?.[all] ?? 0);
      return requests > 0 ? ((now?.[of] ?? 0) - (before?.[of] ?? 0)) / requests : undefined;
    });
  return {
    times: kept.slice(1).map(([at]) => at),
    series: [
      { label: "others", name: "old", values: rates(2, 3) },
      { label: "new version", name: "new", values: rates(0, 1) },
    ],
  };
}
