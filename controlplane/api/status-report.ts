import { endsSoon, type CertificateTime } from "../certificates/index.ts";
import { runningFilters, type Fleet, type LoadState, type NodeStats, type NodeView } from "../fleet/index.ts";
import type { Held, HeldResource } from "../isolate/index.ts";
import { formatProblem, type Problem } from "../model/index.ts";
import type { Release } from "../control/index.ts";
import { isProxyless, whyNoFilters } from "../translate/index.ts";
import { TypeUrl, type ResourceState, type ResourceStatus } from "../xds/index.ts";
import { RECENT_MS } from "./recent.ts";

/** What is served, and where every sidecar stands. Times are ISO 8601. */
export interface StatusReport {
  readonly configuration: {
    /** When what is served was taken over. */
    readonly appliedAt: string | null;
    /** What is wrong with the source now, one line a problem: `file:line:column: path: message`. */
    readonly refused: readonly string[];
    /** What is served as it was when it was last good, since it is faulty now. */
    readonly kept: readonly HeldReport[];
    /** What is not served, since it was never good. */
    readonly leftOut: readonly HeldReport[];
    /** Certificates that end soon, or have ended, and have not been replaced. */
    readonly ending: readonly EndingReport[];
  };
  readonly sidecars: readonly SidecarReport[];
}

export interface EndingReport {
  /** Such as `Certificate/web`. */
  readonly certificate: string;
  readonly endsAt: string;
}

/** A resource that is not served as it is written. */
export interface HeldReport {
  /** `Kind/name`. */
  readonly resource: string;
  /** The faulty resource with which it changes together; absent where it is faulty itself. */
  readonly with?: string;
  /** What is wrong with that, on one line. */
  readonly fault?: string;
}

/**
 * - `ready`: connected, holds everything that it is to have, and runs all of its filters.
 * - `updating`: connected, and something is on its way or not yet proven to run.
 * - `faulty`: it rejected something, a filter that it accepted does not run, or it can run none and is to have some.
 * - `unknown-node`: connected, but no Service has a sidecar of this id.
 * - `disconnected`: it was connected.
 * - `missing`: a Service names it, and it never connected.
 */
export type SidecarState = "ready" | "updating" | "faulty" | "unknown-node" | "disconnected" | "missing";

export interface SidecarReport {
  readonly node: string;
  readonly service: string;
  readonly state: SidecarState;
  /** Why it is served nothing. */
  readonly reason?: string;
  readonly envoy?: string;
  /** Whether it can run Wasm filters; absent where it does not say what it has. */
  readonly wasm?: boolean;
  readonly protocol?: "sotw" | "delta";
  /** When it connected, or for one that is gone, when it went. */
  readonly since?: string;
  /** What was sent to it and not answered; absent when it has answered everything. */
  readonly lag?: LagReport;
  /** What it told of the last half minute; absent when it told nothing. */
  readonly traffic?: TrafficReport;
  readonly filters: readonly FilterReport[];
  /** Absent where it can run what it is to have. */
  readonly withoutFilters?: WithoutFiltersReport;
  readonly rejections: readonly RejectionReport[];
}

/** What a sidecar does in place of filters that cannot run in it. */
export interface WithoutFiltersReport {
  /** Why they cannot. */
  readonly reason: string;
  /** The FilterPolicies in whose place it refuses every request. */
  readonly refusing: readonly string[];
  /** Those in whose place it lets every request pass, as they fail open. */
  readonly passing: readonly string[];
}

export interface LagReport {
  /** Since when it has not answered. */
  readonly since: string;
  readonly seconds: number;
  /** The types whose responses it has not answered, such as `envoy.config.listener.v3.Listener`. */
  readonly types: readonly string[];
}

export interface TrafficReport {
  /** Requests that its listeners answered, each second. */
  readonly requestsPerSecond: number;
  /** Those of them that were answered with a status from 500 to 599. */
  readonly errors5xxPerSecond: number;
  /** Bytes that Envoy has allocated; absent when it did not tell. */
  readonly memoryBytes?: number;
}

export interface FilterReport {
  /** The FilterPolicy. */
  readonly policy: string;
  /** Hash of the filter with its configuration. */
  readonly version: string;
  /** SHA-256 of the module. */
  readonly module: string;
  /** How far its delivery is. */
  readonly delivery: ResourceState;
  /** Whether it runs, by Envoy's own statistics; absent until it was accepted. */
  readonly running?: LoadState;
}

export interface RejectionReport {
  /** Such as `envoy.config.listener.v3.Listener`. */
  readonly type: string;
  readonly resource: string;
  readonly version: string;
  /** What Envoy says. */
  readonly message: string;
  readonly at: string;
}

/** What a report is made from. */
export interface StatusInput {
  readonly release: Release | undefined;
  readonly appliedAt: Date | undefined;
  readonly refused: readonly Problem[];
  readonly held?: Held;
  readonly certificateTimes?: readonly CertificateTime[];
  readonly fleet: Pick<Fleet, "nodes">;
  readonly stats: Pick<NodeStats, "of" | "figures">;
}

/** Makes the report. */
export function statusReport(input: StatusInput, now = Date.now()): StatusReport {
  const sidecars = Array.from(sidecarReports(input, now), ({ report }) => report);
  return {
    configuration: configurationReport(input, now),
    sidecars: sidecars.sort((a, b) => (a.node < b.node ? -1 : 1)),
  };
}

function heldReport({ resource, with: root, fault }: HeldResource): HeldReport {
  return {
    resource: resource.replace(" ", "/"),
    ...(root === undefined ? {} : { with: root.replace(" ", "/") }),
    ...(fault === undefined ? {} : { fault: formatProblem(fault) }),
  };
}

export function configurationReport(
  { appliedAt, refused, held, certificateTimes = [] }: StatusInput,
  now: number,
): StatusReport["configuration"] {
  const ending = certificateTimes.filter((time) => endsSoon(time, now)).sort((a, b) => a.endsAt - b.endsAt);
  return {
    appliedAt: appliedAt?.toISOString() ?? null,
    refused: refused.map(formatProblem),
    kept: held?.kept.map(heldReport) ?? [],
    leftOut: held?.leftOut.map(heldReport) ?? [],
    ending: ending.map(({ name, endsAt }) => ({ certificate: name, endsAt: new Date(endsAt).toISOString() })),
  };
}

/** Of every sidecar, in no order, each made when it is asked for; with what the report is made from, where it ever connected. */
export function* sidecarReports(
  input: StatusInput,
  now: number,
  withTraffic = true,
): Generator<{ readonly report: SidecarReport; readonly view: NodeView | undefined }> {
  const connected = input.fleet.nodes();
  const seen = new Set(connected.map(({ node }) => node.id));
  for (const view of connected) yield { report: sidecarReport(view, input, now, withTraffic), view };
  for (const [node, { service }] of input.release?.translation.sidecars ?? []) {
    if (seen.has(node)) continue;
    const report: SidecarReport = {
      ...{ node, service: service.metadata.name, state: "missing" },
      ...{ filters: [], rejections: [] },
    };
    yield { report, view: undefined };
  }
}

export function sidecarReport(view: NodeView, input: StatusInput, now: number, withTraffic = true): SidecarReport {
  const { node, types } = view;
  const place = input.release?.translation.snapshotFor(node);
  const filters = filterReports(view, input, now);
  const rejections = types.flatMap((type) =>
    type.inStep ? [] : type.resources.flatMap((resource) => rejectionReport(type.typeUrl, resource)),
  );
  const reason = place !== undefined && place.snapshot === undefined ? place.reason : undefined;
  const withoutFilters = withoutFiltersReport(view, input);
  return {
    node: node.id,
    service: node.cluster,
    state: stateOf(view, filters, rejections, reason, withoutFilters),
    ...(reason === undefined ? {} : { reason }),
    envoy: node.userAgentVersion,
    ...(node.hasWasm === undefined ? {} : { wasm: node.hasWasm }),
    protocol: view.protocol,
    since: new Date(view.since).toISOString(),
    ...(view.connected ? lagReport(view, now) : {}),
    ...(view.connected && withTraffic ? trafficReport(node.id, input, now) : {}),
    filters,
    ...(withoutFilters === undefined ? {} : { withoutFilters }),
    rejections,
  };
}

function withoutFiltersReport({ node }: NodeView, { release }: StatusInput): WithoutFiltersReport | undefined {
  const reason = whyNoFilters(node);
  const service = release?.translation.sidecars.get(node.id)?.service.metadata.name;
  if (reason === undefined || service === undefined) return undefined;
  const policies = [...(release?.model.filterPolicies.values() ?? [])].filter(({ spec }) =>
    spec.targetRefs.some(({ name }) => name === service),
  );
  if (policies.length === 0) return undefined;
  const named = (isOpen: boolean): string[] =>
    policies.filter(({ spec }) => (spec.failurePolicy === "FailOpen") === isOpen).map(({ metadata }) => metadata.name);
  return { reason, refusing: named(false), passing: named(true) };
}

function lagReport({ types }: NodeView, now: number): { readonly lag?: LagReport } {
  const open = types.flatMap(({ typeUrl, unansweredSince }) =>
    unansweredSince === undefined ? [] : [{ type: typeUrl.slice(typeUrl.indexOf("/") + 1), unansweredSince }],
  );
  if (open.length === 0) return {};
  const since = Math.min(...open.map(({ unansweredSince }) => unansweredSince));
  const seconds = Math.max(0, now - since) / 1_000;
  return { lag: { since: new Date(since).toISOString(), seconds, types: open.map(({ type }) => type) } };
}

function trafficReport(node: string, { stats }: StatusInput, now: number): { readonly traffic?: TrafficReport } {
  const figures = stats.figures([node], now - RECENT_MS, now);
  const { requests, errors5xx, observedSeconds, memory } = figures;
  if (observedSeconds === 0) return {};
  return {
    traffic: {
      requestsPerSecond: requests / observedSeconds,
      errors5xxPerSecond: errors5xx / observedSeconds,
      ...(memory === undefined ? {} : { memoryBytes: memory.max }),
    },
  };
}

function filterReports(view: NodeView, input: StatusInput, now: number): FilterReport[] {
  const type = view.types.find(({ typeUrl }) => typeUrl === TypeUrl.extensionConfig);
  const statuses = type?.resources ?? [];
  const running = runningFilters(view, input.stats.of(view.node.id), now);
  return statuses
    .filter(({ version }) => version !== null)
    .map(({ name, version, state }) => {
      const load = running.get(name);
      return {
        policy: name,
        version: version ?? "",
        module: input.release?.translation.extensionConfig(name, view.node.id)?.staged?.module ?? "",
        delivery: state,
        ...(load === undefined ? {} : { running: load }),
      };
    });
}

function rejectionReport(typeUrl: string, { name, state, rejection }: ResourceStatus): RejectionReport[] {
  // A rejection of what is no longer wanted is history.
  if (rejection === null || state !== "rejected") return [];
  return [
    {
      type: typeUrl.slice(typeUrl.indexOf("/") + 1),
      resource: name,
      version: rejection.version,
      message: rejection.message.trim(),
      at: new Date(rejection.time).toISOString(),
    },
  ];
}

function stateOf(
  view: NodeView,
  filters: readonly FilterReport[],
  rejections: readonly RejectionReport[],
  reason: string | undefined,
  withoutFilters: WithoutFiltersReport | undefined,
): SidecarState {
  if (!view.connected) return "disconnected";
  if (reason !== undefined) return "unknown-node";
  if (withoutFilters !== undefined || rejections.length > 0 || filters.some(({ running }) => running === "failed"))
    return "faulty";
  const isAsking = view.types.some(({ requested }) => requested);
  const isSidecar = !isProxyless(view.node);
  const isSynced =
    isAsking && view.types.every((type) => type.inStep || type.resources.every((one) => isSettled(one, isSidecar)));
  return isSynced && filters.every(({ running }) => running === "loaded") ? "ready" : "updating";
}

/**
 * Whether there is nothing more to happen to a resource. A sidecar is given nothing that it has no use for, so what it has
 * not asked for yet it will ask for: it learns of routes and filters by its listeners, and of endpoints by its clusters. A gRPC client
 * without a sidecar may call every Service, and asks for those that it calls.
 */
function isSettled({ state, version }: ResourceStatus, isSidecar: boolean): boolean {
  return state === "synced" || (state === "not-requested" && (version === null || !isSidecar));
}
