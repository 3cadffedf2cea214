import type { StandingReport } from "../../../controlplane/api/index.ts";
import { hash } from "../format.ts";
import type { Fleet } from "./fleet.ts";

/** How a cell of the map looks: a colour of app.css, and a mark, since not everybody tells all colours apart. */
export interface Look {
  readonly label: string;
  /** A custom property of app.css. */
  readonly colour: string;
  readonly mark: "none" | "cross" | "half" | "hollow" | "dot";
}

export type Aspect = "health" | "version" | "envoy";

export const STATES: Readonly<Record<StandingReport["state"], Look>> = {
  ready: { label: "ready", colour: "--ready", mark: "none" },
  updating: { label: "updating", colour: "--updating", mark: "half" },
  faulty: { label: "faulty", colour: "--faulty", mark: "cross" },
  "unknown-node": { label: "unknown node", colour: "--unknown", mark: "dot" },
  disconnected: { label: "disconnected", colour: "--gone", mark: "hollow" },
  missing: { label: "never connected", colour: "--missing", mark: "hollow" },
};

const NONE: Look = { label: "none", colour: "--missing", mark: "hollow" };
const SERIES = ["--series-1", "--series-2", "--series-3", "--series-4", "--series-5", "--series-6"];

/** The look of each standing by an aspect, and the legend: each look once, with how many sidecars have it. */
export function looksOf(
  fleet: Fleet,
  aspect: Aspect,
  policy: string | undefined,
): { readonly looks: readonly Look[]; readonly legend: readonly (Look & { readonly sidecars: number })[] } {
  const sizes = new Array<number>(fleet.standings.length).fill(0);
  for (const standing of fleet.of) sizes[standing] = (sizes[standing] ?? 0) + 1;
  const looks =
    aspect === "health" ? fleet.standings.map(({ state }) => STATES[state]) : byValue(fleet, aspect, policy, sizes);
  const legend = new Map<string, Look & { sidecars: number }>();
  if (aspect === "health") for (const look of Object.values(STATES)) legend.set(look.label, { ...look, sidecars: 0 });
  looks.forEach((look, i) => {
    const entry = legend.get(look.label) ?? { ...look, sidecars: 0 };
    legend.set(look.label, { ...entry, sidecars: entry.sidecars + (sizes[i] ?? 0) });
  });
  const entries = [...legend.values()].filter(({ sidecars }) => sidecars > 0 || aspect === "health");
  return { looks, legend: aspect === "health" ? entries : entries.sort((a, b) => b.sidecars - a.sidecars) };
}

function byValue(
  fleet: Fleet,
  aspect: "version" | "envoy",
  policy: string | undefined,
  sizes: readonly number[],
): Look[] {
  const values = fleet.standings.map((standing) => valueOf(standing, aspect, policy));
  const totals = new Map<string, number>();
  values.forEach((value, i) => {
    if (value !== undefined) totals.set(value, (totals.get(value) ?? 0) + (sizes[i] ?? 0));
  });
  const stable = policy === undefined ? undefined : fleet.stable[policy];
  // The stable version keeps its colour while another takes over; Envoys are in the order of their versions.
  const order = [...totals.keys()].sort((a, b) =>
    aspect === "envoy"
      ? a.localeCompare(b, "en", { numeric: true })
      : Number(b === stable) - Number(a === stable) || (totals.get(b) ?? 0) - (totals.get(a) ?? 0) || (a < b ? -1 : 1),
  );
  const looks = new Map(
    order.map((value, i): [string, Look] => [
      value,
      {
        label: aspect === "envoy" ? value : `${hash(value)}${value === stable ? " (stable)" : ""}`,
        colour: SERIES[i % SERIES.length] ?? "--series-1",
        mark: i === 0 ? "none" : i % 2 === 1 ? "dot" : "half",
      },
    ]),
  );
  return values.map((value) => (value === undefined ? undefined : looks.get(value)) ?? NONE);
}

function valueOf(
  { envoy, filters }: StandingReport,
  aspect: "version" | "envoy",
  policy: string | undefined,
): string | undefined {
  if (aspect === "envoy") return envoy === undefined || envoy === "" ? undefined : envoy;
  return filters.find((filter) => filter.policy === policy)?.version ?? undefined;
}

/** The FilterPolicies that some sidecar has. */
export function policiesOf(fleet: Fleet): string[] {
  return [...new Set(fleet.standings.flatMap(({ filters }) => filters.map(({ policy }) => policy)))].sort();
}
