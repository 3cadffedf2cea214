import type { NodeInfo } from "../xds/index.ts";
import type { Evidence } from "./evidence.ts";
import type { SidecarState } from "./observation.ts";
import type { Run } from "./run.ts";
import type { Backdrop } from "./sample.ts";
import type { RecentSamples } from "./samples.ts";

/** What is known of the sidecars of a run by the other control planes on the same store. */
export interface RunReport {
  readonly samples: RecentSamples;
  readonly backdrop: Backdrop;
}

/** What the one that leads tells of a run. */
export interface LeadReport {
  readonly run: number;
  /** The end of the window that was measured last. */
  readonly to: number;
  readonly evidence: Evidence;
}

/** What the other control planes on the same store tell of their sidecars. */
export interface Peers {
  /** Whether there are others. */
  readonly exist: boolean;
  /** As long as it stays the same, {@link nodes} gives the same. */
  readonly revision: number;
  /** The sidecars that are connected to them. */
  nodes(): Iterable<NodeInfo>;
  /** How far a sidecar is with the version that it is to have by a run, as who last had it sees it; undefined where none of them ever had it. */
  state(run: Run, node: string): SidecarState | undefined;
  /** One for each of them that tells of a run. */
  reports(run: Run): readonly RunReport[];
  /** What the leader among them tells of a run. */
  lead(run: Run): LeadReport | undefined;
  /** Why a run that is to start has not, as the leader among them tells. */
  blocked(rollout: string): string | undefined;
}

/** Where a control plane is alone. */
export const ALONE: Peers = {
  exist: false,
  revision: 0,
  nodes: () => [],
  state: () => undefined,
  reports: () => [],
  lead: () => undefined,
  blocked: () => undefined,
};

/**
 * How long a sidecar has for its way from one control plane to another, in milliseconds, before its stream counts as lost. It is less than a
 * Rollout's `lossWindow` should be.
 */
const MOVE_MS = 3_000;

/** What to make of what two see of one sidecar. One that is on its way stays where it is in the plan. */
export function mergeStates(
  here: SidecarState | undefined,
  there: SidecarState | undefined,
  now: number,
): SidecarState | undefined {
  const known = [here, there].filter((state) => state !== undefined);
  const connected = known.filter((state) => state.connected);
  const latest = (connected.length > 0 ? connected : known).sort((a, b) => b.since - a.since)[0];
  if (latest === undefined || latest.connected || now - latest.since >= MOVE_MS) return latest;
  return { connected: true, since: latest.since, progress: "Behind" };
}
