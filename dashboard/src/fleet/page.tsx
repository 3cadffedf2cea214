import type { JSX } from "preact";
import { useCallback, useMemo, useState } from "preact/hooks";
import type { RolloutsOverview } from "../../../controlplane/api/index.ts";
import { count, percent, several, short, since } from "../format.ts";
import { linkTo } from "../route.ts";
import { RolloutCard } from "../rollouts/card.tsx";
import { looksOf, policiesOf, type Aspect, type Look } from "./colours.ts";
import { Endings } from "./endings.tsx";
import { Faults } from "./faults.tsx";
import type { Fleet } from "./fleet.ts";
import { FleetMap } from "./map.tsx";
import { SidecarDialog } from "./sidecar.tsx";

const ASPECTS: readonly (readonly [Aspect, string])[] = [
  ["health", "Health"],
  ["version", "Filter version"],
  ["envoy", "Envoy version"],
];

/** Found sidecars that are listed under the search. */
const MAX_FOUND = 20;

export function FleetPage({
  fleet,
  rollouts,
  selected,
}: {
  readonly fleet: Fleet | undefined;
  readonly rollouts: RolloutsOverview | undefined;
  readonly selected: string | undefined;
}): JSX.Element {
  const [aspect, setAspect] = useState<Aspect>("health");
  const [chosen, setPolicy] = useState<string>();
  const [only, setOnly] = useState<string>();
  const [text, setText] = useState("");
  const policies = useMemo(() => (fleet === undefined ? [] : policiesOf(fleet)), [fleet]);
  const policy = chosen !== undefined && policies.includes(chosen) ? chosen : policies[0];
  const view = useMemo(() => fleet && looksOf(fleet, aspect, policy), [fleet, aspect, policy]);
  const wanted = text.trim().toLowerCase();
  const isSought = useCallback(
    (place: number) => {
      if (fleet === undefined) return true;
      const fits = only === undefined || view?.looks[fleet.of[place] ?? -1]?.label === only;
      return fits && (wanted === "" || (fleet.nodes[place] ?? "").toLowerCase().includes(wanted));
    },
    [fleet, view, only, wanted],
  );
  const open = useCallback((node: string) => (location.hash = linkTo("fleet", node)), []);
  if (fleet === undefined || view === undefined) return <p role="status">Loading the fleet…</p>;
  const { configuration, traffic } = fleet;
  const found = wanted === "" ? [] : fleet.nodes.filter((node) => node.toLowerCase().includes(wanted));
  const services = new Set(fleet.standings.map(({ service }) => service)).size;
  const underWay = rollouts?.rollouts.filter(({ run }) => run !== null && run.endedAt === null) ?? [];
  return (
    <>
      <div class="heading">
        <h1>Fleet</h1>
        <p>
          {several(fleet.nodes.length, "sidecar")} of {several(services, "Service")}
          {configuration.appliedAt === null
            ? ", nothing is served yet"
            : `, configuration of ${since(configuration.appliedAt)}`}
        </p>
      </div>
      <Faults configuration={configuration} />
      <Endings ending={configuration.ending} />
      <dl class="figures">
        <Figure title="Requests" value={short(traffic.requestsPerSecond)} unit="/ s" />
        <Figure
          title="Answered with 5xx"
          value={
            traffic.requestsPerSecond === 0 ? "–" : percent(traffic.errors5xxPerSecond / traffic.requestsPerSecond)
          }
          unit=""
        />
        <Figure title="Ready" value={count(inState(fleet, "ready"))} unit={`of ${count(fleet.nodes.length)}`} />
        <Figure title="Faulty" value={count(inState(fleet, "faulty"))} unit="" isBad={inState(fleet, "faulty") > 0} />
      </dl>
      {underWay.map((rollout) => (
        <RolloutCard key={rollout.name} rollout={rollout} />
      ))}
      <section class="card" aria-labelledby="map-title">
        <div class="tools">
          <h2 id="map-title">Map</h2>
          <fieldset class="segments">
            <legend class="unseen">Colours tell</legend>
            {ASPECTS.map(([id, title]) => (
              <label key={id}>
                <input
                  type="radio"
                  name="aspect"
                  checked={aspect === id}
                  onChange={() => {
                    setAspect(id);
                    setOnly(undefined);
                  }}
                />
                <span>{title}</span>
              </label>
            ))}
          </fieldset>
          {aspect !== "version" || policies.length < 2 ? null : (
            <label class="inline">
              <span>FilterPolicy</span>
              <select value={policy ?? ""} onChange={(event) => setPolicy(event.currentTarget.value)}>
                {policies.map((name) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
          )}
          <label class="inline search">
            <span class="unseen">Find a sidecar</span>
            <input
              type="search"
              placeholder="Find a sidecar"
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          </label>
        </div>
        <Legend legend={view.legend} only={only} onOnly={setOnly} />
        {wanted === "" ? null : (
          <div class="found">
            <p role="status">
              {found.length === 0 ? "No sidecar has this in its id." : several(found.length, "sidecar")}
            </p>
            <ul>
              {found.slice(0, MAX_FOUND).map((node) => (
                <li key={node}>
                  <a href={linkTo("fleet", node)}>{node}</a>
                </li>
              ))}
            </ul>
          </div>
        )}
        {fleet.nodes.length === 0 ? (
          <p>There is no sidecar yet. A Service names those that it has; `meshwright bootstrap` starts one.</p>
        ) : (
          <FleetMap fleet={fleet} looks={view.looks} isSought={isSought} onOpen={open} />
        )}
      </section>
      {selected === undefined ? null : <SidecarDialog node={selected} />}
    </>
  );
}

function Figure(props: { title: string; value: string; unit: string; isBad?: boolean }): JSX.Element {
  return (
    <div class={props.isBad === true ? "figure bad" : "figure"}>
      <dt>{props.title}</dt>
      <dd>
        {props.value} <small>{props.unit}</small>
      </dd>
    </div>
  );
}

function Legend({
  legend,
  only,
  onOnly,
}: {
  readonly legend: readonly (Look & { readonly sidecars: number })[];
  readonly only: string | undefined;
  readonly onOnly: (label: string | undefined) => void;
}): JSX.Element {
  return (
    <ul class="legend" aria-label="Show only">
      {legend.map(({ label, colour, mark, sidecars }) => (
        <li key={label}>
          <button
            type="button"
            aria-pressed={only === label}
            disabled={sidecars === 0 && only !== label}
            onClick={() => onOnly(only === label ? undefined : label)}
          >
            <span class={`swatch ${colour.slice(2)} ${mark}`} aria-hidden="true" />
            {label} <b>{count(sidecars)}</b>
          </button>
        </li>
      ))}
    </ul>
  );
}

function inState({ of, standings }: Fleet, state: string): number {
  return of.reduce((sum, standing) => sum + Number(standings[standing]?.state === state), 0);
}
