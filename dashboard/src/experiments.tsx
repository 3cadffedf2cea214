import type { JSX } from "preact";
import type { ExperimentsReport, PolicyExperiments } from "../../controlplane/api/index.ts";
import { count, percent, several } from "./format.ts";
import { useLive } from "./live.ts";
import { number, Table } from "./table.tsx";

type Standing = PolicyExperiments["experiments"][number];
type Variant = Standing["variants"][number];

/** How experiments of the filter ab-routing stand. */
export function ExperimentsPage(): JSX.Element {
  const { value, error } = useLive<ExperimentsReport>("experiments", 3_000);
  const policies = value?.policies.filter(({ experiments }) => experiments.length > 0) ?? [];
  return (
    <>
      <div class="heading">
        <h1>Experiments</h1>
        <p>What came of each variant, over all sidecars. Intervals hold with 95 %.</p>
      </div>
      {value === undefined ? (
        <p role="status">{error?.message ?? "Loading…"}</p>
      ) : policies.length === 0 ? (
        <p class="empty">
          No experiment is measured: the filter ab-routing keeps figures of those with `measure: true` and a split.
        </p>
      ) : (
        policies.flatMap(({ policy, experiments }) =>
          experiments.map((standing) => (
            <Experiment key={`${policy}/${standing.name}`} policy={policy} standing={standing} />
          )),
        )
      )}
    </>
  );
}

function Experiment({ policy, standing }: { readonly policy: string; readonly standing: Standing }): JSX.Element {
  const { name, variants, sampleRatio } = standing;
  const highest = Math.max(...variants.map(({ errorRate }) => errorRate?.interval[1] ?? 0), 1e-9);
  const keys = variants.reduce((sum, variant) => sum + variant.keys, 0);
  return (
    <section class="card" aria-label={`Experiment ${name}`}>
      <h2>
        {name}{" "}
        <small>
          FilterPolicy {policy}, {several(keys, "key")}
        </small>
      </h2>
      {sampleRatio.mismatch ? (
        <p class="notice bad">
          Keys are not split as the weights say (p = {sampleRatio.pValue.toPrecision(2)}): do not trust these figures
          before the cause is known.
        </p>
      ) : null}
      <Table
        label={`Variants of ${name}`}
        caption={<caption class="unseen">Variants</caption>}
        columns={[
          "Variant",
          number("Weight"),
          number("Keys"),
          number("Requests"),
          number("Errors"),
          `95 % interval, to ${percent(highest)}`,
          number("p50 / p99"),
          `Against ${standing.default}`,
        ]}
      >
        {variants.map((variant) => (
          <tr key={variant.name}>
            <th scope="row">{variant.name}</th>
            <td class="n">{percent(variant.weight)}</td>
            <td class="n">{count(variant.keys)}</td>
            <td class="n">{count(variant.requests)}</td>
            <td class="n">{variant.errorRate === undefined ? "–" : percent(variant.errorRate.value)}</td>
            <td>
              <IntervalBar variant={variant} highest={highest} />
            </td>
            <td class="n">
              {variant.latencyMs === undefined
                ? "–"
                : `${variant.latencyMs.p50.toFixed(1)} / ${variant.latencyMs.p99.toFixed(1)} ms`}
            </td>
            <td class="verdict">
              {variant.difference === undefined ? "–" : <Verdict difference={variant.difference} />}
            </td>
          </tr>
        ))}
      </Table>
    </section>
  );
}

function IntervalBar({
  variant,
  highest,
}: {
  readonly variant: Variant;
  readonly highest: number;
}): JSX.Element | null {
  const { errorRate } = variant;
  if (errorRate === undefined) return null;
  const [low, high] = errorRate.interval.map((value) => 100 * Math.min(1, value / highest)) as [number, number];
  const at = 100 * Math.min(1, errorRate.value / highest);
  return (
    <svg
      class="interval"
      viewBox="0 0 100 12"
      preserveAspectRatio="none"
      role="img"
      aria-label={`${percent(errorRate.interval[0])} to ${percent(errorRate.interval[1])}`}
    >
      <line x1="0" x2="100" y1="6" y2="6" class="axis" />
      <line x1={low} x2={Math.max(high, low + 1)} y1="6" y2="6" class="span" />
      <rect x={Math.max(0, at - 0.8)} y="1" width="1.6" height="10" class="value" />
    </svg>
  );
}

function Verdict({ difference }: { readonly difference: NonNullable<Variant["difference"]> }): JSX.Element {
  const { difference: value, interval } = difference;
  const [low, high] = interval;
  const kind = low > 0 ? "worse" : high < 0 ? "better" : "no difference shown";
  const points = (share: number): string => `${share > 0 ? "+" : ""}${Number((100 * share).toPrecision(2))}`;
  return (
    <>
      <span class={`chip ${kind === "worse" ? "faulty" : kind === "better" ? "ready" : ""}`}>{kind}</span>{" "}
      <span class="hint">
        {points(value)} points ({points(low)} to {points(high)})
      </span>
    </>
  );
}
