import type { Problem } from "../model/index.ts";
import type { Origin } from "../inspect/index.ts";

/** What a change of the resources would do to the sidecars. Nothing of it was sent. */
export interface PlanReport {
  /** What is wrong with the resources: then there is nothing else in the report. */
  readonly problems: readonly Problem[];
  /** How the resources that the user wrote differ, by kind and name. */
  readonly resources: readonly ResourceChange[];
  /** The sidecars that would be served something else, at once or by a Rollout; those with the same difference together. */
  readonly groups: readonly SidecarGroup[];
  /** How many sidecars nothing would change for. */
  readonly unchanged: number;
  /** The Rollouts that would hold something back. */
  readonly heldBack: readonly HeldBack[];
}

export type ChangeKind = "added" | "changed" | "removed";

export interface ResourceChange extends Origin {
  readonly change: ChangeKind;
  /** For a WasmModule: the SHA-256 of its bytes. */
  readonly module?: { readonly before?: string; readonly after?: string };
}

export interface SidecarGroup {
  /** Their node ids. */
  readonly nodes: readonly string[];
  readonly services: readonly string[];
  /** Those of them that are connected, and would get it at once; the others would when they connect. */
  readonly connected: readonly string[];
  /** Said when there is more to tell of them than a difference. */
  readonly note?: string;
  /** What would be sent as soon as the change is made. */
  readonly now: XdsDifference;
  /** What Rollouts would hold back for these sidecars, which is then in {@link PlanReport.heldBack}. */
  readonly later?: XdsDifference & { readonly rollouts: readonly string[] };
}

export interface XdsDifference {
  readonly changes: readonly XdsChange[];
  /** What Envoy does to connections that are open; nothing when none is closed. */
  readonly disturbance: readonly string[];
}

export interface XdsChange {
  readonly change: ChangeKind;
  /** Such as `Listener`. */
  readonly type: string;
  readonly name: string;
  /** What the user wrote that it comes of. */
  readonly from: readonly Origin[];
  /** How it differs, line by line as `diff` writes it, in YAML and without secrets. */
  readonly diff: string;
}

export interface HeldBack {
  readonly rollout: string;
  /** `Kind/name` of the targets that are held back. */
  readonly targets: readonly string[];
  /** What has to happen for the sidecars to get it. */
  readonly why: string;
}
