// The spec of a Rollout: the types of schemas/rollout.json, with defaults filled in.

/** The kinds of resources whose changes can be rolled out. */
export type RolloutTargetKind =
  "FilterPolicy" | "HTTPRoute" | "GRPCRoute" | "Service" | "EnvoyPatch" | "Telemetry" | "Mesh";

export interface RolloutTarget {
  readonly kind: RolloutTargetKind;
  readonly name: string;
}

export interface RolloutSpec {
  readonly targetRefs: readonly RolloutTarget[];
  readonly start: "Automatic" | "Manual";
  readonly waves: readonly WaveSpec[];
  readonly maxAtOnce?: number;
  readonly spread: { readonly by: readonly SpreadKey[]; readonly maxPercentage: number };
  readonly answerTimeout: string;
  readonly lossWindow: string;
  readonly waveTimeout: { readonly after: string; readonly action: "Pause" | "RollBack" };
  readonly windows: readonly WindowSpec[];
  readonly frozen: boolean;
  readonly analysis: AnalysisSpec;
}

export type SpreadKey = "Service" | "Zone" | "Region";

export interface WaveSpec {
  readonly name?: string;
  /** Of the sidecars that `selector` and `nodes` pick, or of all. */
  readonly percentage: number;
  readonly selector?: SidecarSelector;
  readonly nodes?: readonly string[];
  readonly bake: string;
  readonly approval: "None" | "Manual";
}

/** Each field that is there must fit; a list fits by any of its items. */
export interface SidecarSelector {
  readonly services?: readonly string[];
  readonly regions?: readonly string[];
  readonly zones?: readonly string[];
  /** Beginnings, such as `1.40`. */
  readonly envoyVersions?: readonly string[];
  /** Of the node's metadata. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface WindowSpec {
  readonly days: readonly Weekday[];
  /** Such as `09:00`. */
  readonly from: string;
  readonly to: string;
  /** Of the IANA database. */
  readonly timeZone: string;
}

export type Weekday = "Mon" | "Tue" | "Wed" | "Thu" | "Fri" | "Sat" | "Sun";

export interface AnalysisSpec {
  readonly minRequests: number;
  readonly falseAlarms: number;
  readonly checks: readonly CheckSpec[];
}

/** A share of the requests that is compared with the sidecars that have the old version. */
export type CheckSpec = {
  readonly name?: string;
  /** The ratio to the others' rate that is tolerated. */
  readonly tolerated: number;
  /** A rate below this is good whatever the others have. */
  readonly minRate: number;
  /** A rate above this is bad at once, whatever the others have. */
  readonly maxRate?: number;
} & (
  | { readonly metric: "Errors" | "Denials" }
  | { readonly metric: "Slow"; readonly quantile: number }
  | { readonly metric: "Statistic"; readonly statistic: string }
);
