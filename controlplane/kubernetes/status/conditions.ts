import type { Problem } from "../../model/index.ts";
import type { SourceStatus } from "../../source/index.ts";
import { modelName, placeOf, resourceName, type ObjectName } from "../names.ts";
import type { OwnKind } from "../kinds.ts";

/** A condition without when it changed. */
export interface Condition {
  readonly type: "Accepted" | "Programmed" | "Progressing" | "Degraded" | "ResolvedRefs";
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

/** What is written of an object beside conditions. */
export type StatusFields = Readonly<Record<string, string>>;

export interface ObjectStatus {
  readonly conditions: readonly Condition[];
  readonly fields: StatusFields;
}

/** What is known of an object beside what the control plane says. */
export interface ObjectFacts {
  /** Of a MeshService: whether there is a core Service of its name, with its port. */
  /** Of a Mesh: whether it is in the root namespace. */
  readonly isMisplaced?: boolean;
  readonly service?: "there" | "missing" | "without its port";
  /** Of a MeshService: pods that get no requests. */
  readonly withoutSidecar?: readonly string[];
}

/** The longest message that is written; the log has the whole of it. */
const MAX_MESSAGE = 4_096;

/** What is to be said of an object of Meshwright. */
export function objectStatus(kind: OwnKind, name: ObjectName, status: SourceStatus, facts: ObjectFacts): ObjectStatus {
  const resource = resourceName(kind, name);
  const place = placeOf(kind === "MeshService" ? "Service" : kind, name);
  const problems = status.problems.filter(({ file }) => file === place);
  const conditions = [accepted(problems, facts), programmed(resource, kind, name, problems, status, facts)];
  const own = kind === "Rollout" ? rolloutStatus(modelName(name), status) : undefined;
  if (own !== undefined) return { conditions: [...conditions, ...own.conditions], fields: own.fields };
  const rollout = rolledOut(resource, status);
  // The API takes one condition of a type: that it was undone says why sidecars were faulty.
  const isUndone = rollout.some(({ type }) => type === "Degraded");
  conditions.push(...rollout, ...(isUndone ? [] : degraded(kind, name, status, facts)));
  const sha256 = kind === "WasmModule" ? status.modules.get(modelName(name)) : undefined;
  return { conditions, fields: sha256 === undefined ? {} : { sha256 } };
}

function accepted(problems: readonly Problem[], { service, isMisplaced }: ObjectFacts): Condition {
  if (isMisplaced === true) {
    return condition(
      "Accepted",
      false,
      "NotInRootNamespace",
      "a Mesh counts in the control plane's own namespace only",
    );
  }
  if (service === "missing") {
    return condition(
      "Accepted",
      false,
      "NoService",
      "there is no core Service of this name, or none of its ports is for HTTP",
    );
  }
  if (service === "without its port") {
    return condition("Accepted", false, "NoSuchPort", "the core Service of this name has no such port");
  }
  if (problems.length === 0) return condition("Accepted", true, "Accepted", "");
  return condition("Accepted", false, "Invalid", textOf(problems));
}

function programmed(
  resource: string,
  kind: OwnKind,
  name: ObjectName,
  problems: readonly Problem[],
  status: SourceStatus,
  { service }: ObjectFacts,
): Condition {
  const kept = status.kept.get(resource);
  if (kept !== undefined)
    return condition("Programmed", false, "Kept", `served as it was when it was last good: ${kept}`);
  const leftOut = status.leftOut.get(resource);
  if (leftOut !== undefined) return condition("Programmed", false, "LeftOut", `not served: ${leftOut}`);
  if (problems.length > 0) return condition("Programmed", false, "Invalid", "what was served before is still served");
  if (!status.served.has(resource) || (service !== undefined && service !== "there")) {
    return condition("Programmed", false, "Pending", "it is not served yet");
  }
  const filter = kind === "FilterPolicy" ? status.filters.get(modelName(name)) : undefined;
  if (filter === undefined) return condition("Programmed", true, "Programmed", "");
  const text = `${String(filter.running)} of ${String(filter.sidecars)} sidecars run it`;
  return condition(
    "Programmed",
    filter.running === filter.sidecars,
    filter.running === filter.sidecars ? "Programmed" : "Pending",
    text,
  );
}

/** Of what a Rollout brings to the sidecars. */
function rolledOut(resource: string, { rollouts }: SourceStatus): Condition[] {
  for (const [name, { targets, isRunning, isUndone, wave, why = "" }] of rollouts) {
    if (!targets.includes(resource)) continue;
    if (isUndone) return [condition("Degraded", true, "RolledBack", `Rollout ${name}: ${why}`)];
    if (isRunning) return [condition("Progressing", true, "RollingOut", `Rollout ${name} is at wave ${wave ?? ""}`)];
    return [condition("Progressing", false, "RolledOut", "")];
  }
  return [];
}

function degraded(
  kind: OwnKind,
  name: ObjectName,
  { filters }: SourceStatus,
  { withoutSidecar = [] }: ObjectFacts,
): Condition[] {
  const filter = kind === "FilterPolicy" ? filters.get(modelName(name)) : undefined;
  if (filter !== undefined && filter.faulty > 0) {
    const text = `${String(filter.faulty)} of ${String(filter.sidecars)} sidecars: ${filter.fault ?? ""}`;
    return [condition("Degraded", true, "SidecarsFaulty", text)];
  }
  if (withoutSidecar.length === 0) return [];
  const shown = withoutSidecar.slice(0, 10).join(", ") + (withoutSidecar.length > 10 ? ", ..." : "");
  const text = `${String(withoutSidecar.length)} pods have no sidecar, and get no requests: ${shown}`;
  return [condition("Degraded", true, "PodsWithoutSidecar", text)];
}

function rolloutStatus(name: string, { rollouts }: SourceStatus): ObjectStatus | undefined {
  const rollout = rollouts.get(name);
  if (rollout === undefined) return undefined;
  const { phase, isRunning, isUndone, why = "", wave = "", version } = rollout;
  const health = isUndone ? "Degraded" : wave === "" ? "Unknown" : "Healthy";
  return {
    conditions: [
      condition("Progressing", isRunning, phase, isRunning ? why : ""),
      condition("Degraded", isUndone, isUndone ? "RolledBack" : "AsExpected", isUndone ? why : ""),
    ],
    fields: { phase, wave, health, version },
  };
}

export function condition(type: Condition["type"], isTrue: boolean, reason: string, message: string): Condition {
  const text = message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE - 3)}...` : message;
  return { type, status: isTrue ? "True" : "False", reason, message: text };
}

/** Problems as one text: the place within the object, and what is wrong there. */
export function textOf(problems: readonly Problem[]): string {
  return problems.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
}
