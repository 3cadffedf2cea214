import type { Evidence } from "./evidence.ts";
import type { SidecarState } from "./observation.ts";
import type { Plan } from "./plan.ts";
import type { Intent, RolloutRecord } from "./record.ts";
import type { TrailPoint } from "./trail.ts";
import type { Sidecar } from "./sidecars.ts";

/** All that is known of a Rollout at one moment. */
export interface RolloutView {
  readonly plan: Plan;
  readonly record: RolloutRecord;
  /** What is to become of what the source says. */
  readonly intent: Intent;
  /** Why a run that is to start has not. */
  readonly blocked: string | undefined;
  /** All sidecars for which the versions differ, connected or not. */
  readonly sidecars: readonly Sidecar[];
  /** The states of those that were ever connected. */
  readonly states: ReadonlyMap<string, SidecarState>;
  /** What was measured in the latest run; undefined where that was not in this process. */
  readonly evidence: Evidence | undefined;
  /** How that came about; empty where it was not in this process. */
  readonly trail: readonly TrailPoint[];
}
