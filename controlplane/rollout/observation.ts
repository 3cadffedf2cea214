import type { FetchFault } from "./module-fetch.ts";
import type { Reason } from "./run.ts";
import type { Sidecar } from "./sidecars.ts";

/**
 * How far a sidecar is with the version that it is to have now:
 * - `Behind`: it was not told of it, or has not answered.
 * - `Held`: it accepted it; that its filters run is not proven.
 * - `Running`: it accepted it, and statistics prove that its filters run.
 * - `Rejected`: it refused it.
 * - `Failed`: it accepted it, and statistics prove that a filter does not run.
 */
export type Progress = "Behind" | "Held" | "Running" | "Rejected" | "Failed";

export interface SidecarState {
  readonly connected: boolean;
  /** When it connected; for one that is gone, when it went. */
  readonly since: number;
  readonly progress: Progress;
  /** What Envoy says, where it refused. */
  readonly message?: string;
  /** Of one that refused, or has not answered: why it has not got its module. */
  readonly fetch?: FetchFault;
}

/** What the figures say of those who have the new version. */
export type Verdict =
  | { readonly kind: "Good" | "Undecided"; readonly findings: readonly string[] }
  | { readonly kind: "Bad"; readonly findings: readonly string[]; readonly reason: Reason };

/** What is seen of the fleet at one moment. */
export interface Observation {
  /** All sidecars for which the versions differ, connected or not. */
  readonly sidecars: readonly Sidecar[];
  /** Those that were ever connected. */
  readonly states: ReadonlyMap<string, SidecarState>;
  readonly verdict: Verdict;
  /** Whether sidecars had time to connect again since the control plane started. Until then nothing moves on. */
  readonly settled: boolean;
  /** Whether a wave may start, by the windows and by the freeze of the rollout as it is now. */
  readonly open: boolean;
  readonly frozen: boolean;
}
