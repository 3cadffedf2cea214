import type { CheckSpec } from "../model/index.ts";
import type { Count } from "../statistics/index.ts";

/** What was measured in a run so far. */
export interface Evidence {
  /** Requests to those who have the new version, since the wave began. */
  readonly requests: number;
  /** How many of them the wave needs. */
  readonly minRequests: number;
  readonly checks: readonly CheckEvidence[];
  /** How often a VM trapped, by sidecar. */
  readonly vmFailures: Readonly<Record<string, number>>;
}

/** What was measured of one check, since the run began. */
export interface CheckEvidence {
  readonly name: string;
  readonly metric: CheckSpec["metric"];
  /** Those who have the new version. */
  readonly watched: Count;
  /** Those who have the old version, in the same time. */
  readonly control: Count;
  /** How much more likely the figures are with a worse version than with one as good as tolerated. */
  readonly evidence: number;
  /** The evidence from which on the version is bad. */
  readonly alarm: number;
  readonly bad: boolean;
}
