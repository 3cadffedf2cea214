import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { NodeView } from "../fleet/index.ts";
import { TypeUrl } from "../xds/index.ts";
import { RECENT_MS } from "./recent.ts";
import {
  configurationReport,
  sidecarReport,
  sidecarReports,
  type RejectionReport,
  type SidecarReport,
  type SidecarState,
  type StatusInput,
  type StatusReport,
} from "./status-report.ts";

/**
 * Where all sidecars stand, in few bytes: 10,000 sidecars stand in few ways. A sidecar is a place in `nodes`, and stands as
 * `standings[of[place]]` says.
 */
export interface FleetReport {
  readonly configuration: StatusReport["configuration"];
  /** Tells one list of sidecars from another. */
  readonly nodesVersion: string;
  /** The node ids, Service by Service; left out where the caller has this list already. */
  readonly nodes?: readonly string[];
  readonly standings: readonly StandingReport[];
  readonly of: readonly number[];
  /** The version of each FilterPolicy that all have to whom no Rollout has given another. */
  readonly stable: Readonly<Record<string, string>>;
  readonly rejections: readonly RejectionGroup[];
  readonly traffic: { readonly requestsPerSecond: number; readonly errors5xxPerSecond: number };
}

/** How some sidecars stand. */
export interface StandingReport {
  readonly service: string;
  readonly state: SidecarState;
  readonly reason?: string;
  readonly envoy?: string;
  readonly wasm?: boolean;
  readonly filters: readonly StandingFilter[];
}

export interface StandingFilter {
  /** The FilterPolicy. */
  readonly policy: string;
  /** Hash of the filter that they hold, with its configuration; null where they hold none. */
  readonly version: string | null;
  readonly delivery: SidecarReport["filters"][number]["delivery"];
  readonly running?: SidecarReport["filters"][number]["running"];
}

/** One rejection of one or several sidecars, in the same words. */
export interface RejectionGroup extends RejectionReport {
  /** How many sidecars said it. */
  readonly sidecars: number;
  /** Some of them; `at` is when the last of them did. */
  readonly nodes: readonly string[];
}

/** What is shown of each group of rejections at most: enough to find them, and no more than a page can show. */
const MAX_GROUPS = 100;
const MAX_NODES = 20;
/** Sidecars that are looked at before others of this process have their turn. */
const AT_ONCE = 100;

export interface FleetInput extends StatusInput {
  readonly rollouts?: { readonly base: { readonly translation: BaseTranslation } | undefined };
}

interface BaseTranslation {
  extensionConfig(policy: string, nodeId: string): { readonly version: string } | undefined;
}

/** The report, with the list of sidecars. */
export type WholeFleetReport = FleetReport & { readonly nodes: readonly string[] };

/** Makes the report, a few sidecars at a time. */
export async function fleetReport(input: FleetInput, now = Date.now()): Promise<WholeFleetReport> {
  const table = new Table();
  let sinceBreak = 0;
  for (const { report, view } of sidecarReports(input, now, false)) {
    table.add(report, view);
    if (++sinceBreak % AT_ONCE === 0) await setImmediate();
  }
  const { nodes, of } = table.places();
  return {
    configuration: configurationReport(input, now),
    nodesVersion: createHash("sha256").update(nodes.join("\n")).digest("base64url").slice(0, 16),
    nodes,
    standings: table.standings,
    of,
    stable: stableVersions(input),
    rejections: table.rejections,
    traffic: traffic(input, now),
  };
}

/** All that is known of one sidecar. */
export function oneSidecar(input: StatusInput, node: string, now = Date.now()): SidecarReport | undefined {
  const view = input.fleet.nodes().find((one) => one.node.id === node);
  if (view !== undefined) return sidecarReport(view, input, now);
  const place = input.release?.translation.sidecars.get(node);
  return place && { node, service: place.service.metadata.name, state: "missing", filters: [], rejections: [] };
}

class Table {
  readonly standings: StandingReport[] = [];
  readonly #index = new Map<string, number>();
  readonly #rows: { readonly service: string; readonly node: string; readonly standing: number }[] = [];
  readonly #groups = new Map<string, RejectionReport & { sidecars: number; nodes: string[] }>();

  add(report: SidecarReport, view: NodeView | undefined): void {
    const { node, service, state, reason, envoy, wasm } = report;
    const standing: StandingReport = {
      ...{ service, state },
      ...(reason === undefined ? {} : { reason }),
      ...(envoy === undefined ? {} : { envoy }),
      ...(wasm === undefined ? {} : { wasm }),
      filters: filtersOf(report, view),
    };
    const key = JSON.stringify(standing);
    let index = this.#index.get(key);
    if (index === undefined) {
      this.#index.set(key, (index = this.standings.length));
      this.standings.push(standing);
    }
    this.#rows.push({ service, node, standing: index });
    for (const rejection of report.rejections) this.#reject(node, rejection);
  }

  places(): { readonly nodes: readonly string[]; readonly of: readonly number[] } {
    const rows = this.#rows.sort((a, b) => compare(a.service, b.service) || compareNodes(a.node, b.node));
    return { nodes: rows.map(({ node }) => node), of: rows.map(({ standing }) => standing) };
  }

  /** Those of most sidecars first. */
  get rejections(): readonly RejectionGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.sidecars - a.sidecars).slice(0, MAX_GROUPS);
  }

  #reject(node: string, rejection: RejectionReport): void {
    const key = JSON.stringify([rejection.type, rejection.resource, rejection.message]);
    const group = this.#groups.get(key);
    if (group === undefined) {
      this.#groups.set(key, { ...rejection, sidecars: 1, nodes: [node] });
      return;
    }
    group.sidecars++;
    if (group.nodes.length < MAX_NODES) group.nodes.push(node);
    if (group.at < rejection.at) this.#groups.set(key, { ...group, at: rejection.at });
  }
}

function filtersOf({ filters }: SidecarReport, view: NodeView | undefined): StandingFilter[] {
  const type = view?.types.find(({ typeUrl }) => typeUrl === TypeUrl.extensionConfig);
  const held = new Map(type?.resources.map(({ name, acked }) => [name, acked]));
  return filters.map(({ policy, delivery, running }) => ({
    ...{ policy, version: held.get(policy) ?? null, delivery },
    ...(running === undefined ? {} : { running }),
  }));
}

function stableVersions({ release, rollouts }: FleetInput): Record<string, string> {
  const stable: Record<string, string> = {};
  for (const policy of release?.model.filterPolicies.keys() ?? []) {
    const version = rollouts?.base?.translation.extensionConfig(policy, "")?.version;
    if (version !== undefined) stable[policy] = version;
  }
  return stable;
}

/** Of all sidecars together. */
function traffic({ fleet, stats }: FleetInput, now: number): FleetReport["traffic"] {
  const nodes = fleet.nodes().filter(({ connected }) => connected);
  const figures = stats.figures(
    nodes.map(({ node }) => node.id),
    now - RECENT_MS,
    now,
  );
  const { requests, errors5xx, observedSeconds, sidecars } = figures;
  const perSecond = (count: number): number => (observedSeconds === 0 ? 0 : (count * sidecars) / observedSeconds);
  return { requestsPerSecond: rounded(perSecond(requests)), errors5xxPerSecond: rounded(perSecond(errors5xx)) };
}

/** To three digits: what changes less is no reason to send a report again. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const collator = new Intl.Collator("en", { numeric: true });

/** `web-2` comes before `web-10`. */
function compareNodes(a: string, b: string): number {
  return collator.compare(a, b) || compare(a, b);
}
