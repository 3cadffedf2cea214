import { setImmediate as nextTurn } from "node:timers/promises";
import { nodeNamed, originOf } from "../inspect/index.ts";
import type { Problem, Resource as UserResource } from "../model/index.ts";
import { covers, type PlannedHold } from "../rollout/index.ts";
import { sidecarsWithSecrets, type NodeSnapshot, type SidecarPlace, type Translation } from "../translate/index.ts";
import type { NodeInfo, Resource, Snapshot } from "../xds/index.ts";
import { Comparison, type Difference } from "./compare.ts";
import { heldBackOf } from "./held-back.ts";
import type { PlanReport, SidecarGroup, XdsChange, XdsDifference } from "./report.ts";
import { resourceChanges, type Written } from "./resource-changes.ts";

/** What the source says at one time, and what is served by it. */
export interface PlanSide {
  /** What the source says, and what it would be for sidecars if no Rollout held anything back. */
  readonly content: Written & { readonly translation: Translation };
  /** What a node is served. */
  translationFor(node: string): Translation | undefined;
}

export interface PlanInput {
  /** Undefined while nothing is served. */
  readonly before: PlanSide | undefined;
  readonly after: PlanSide;
  readonly heldBack: readonly PlannedHold[];
  /** The nodes that are connected. */
  readonly connected: readonly NodeInfo[];
  /** Whether the control plane issues certificates. */
  readonly hasCertificates: boolean;
  /** Whether the configurations of Wasm filters are shown, as far as they are not secret. */
  readonly showsConfigurations: boolean;
}

/** A plan for resources that could not be served. */
export function faultyPlan(problems: readonly Problem[]): PlanReport {
  return { problems, resources: [], groups: [], unchanged: 0, heldBack: [] };
}

/** Whether the plan is good, and says that there is something to change. */
export function hasChanges({ resources, groups }: PlanReport): boolean {
  return resources.length > 0 || groups.length > 0;
}

/** What a change would do to the sidecars. */
export async function makePlan(input: PlanInput): Promise<PlanReport> {
  const planner = new Planner(input);
  const nodes = planner.nodes();
  const groups = new Map<string, Member[]>();
  let unchanged = 0;
  for (const [i, node] of nodes.entries()) {
    // A control plane serves its sidecars meanwhile.
    if (i % 50 === 49) await nextTurn();
    const member = planner.look(node);
    if (member === undefined) unchanged++;
    else groups.set(member.signature, [...(groups.get(member.signature) ?? []), member]);
  }
  return {
    problems: [],
    resources: resourceChanges(input.before?.content, input.after.content),
    groups: [...groups.values()].map((members) => planner.group(members)),
    unchanged,
    heldBack: input.heldBack.map(heldBackOf),
  };
}

/** A sidecar that something changes for. */
interface Member {
  readonly node: NodeInfo;
  readonly now: readonly Difference[];
  readonly later: readonly Difference[];
  readonly secrets: readonly XdsChange[];
  readonly rollouts: readonly string[];
  readonly note: string | undefined;
  readonly signature: string;
}

class Planner {
  readonly #input: PlanInput;
  readonly #comparison: Comparison;
  readonly #connected: ReadonlyMap<string, NodeInfo>;
  /** The Service of each node that has certificates. */
  readonly #certificates: readonly [before: ReadonlySet<string>, after: ReadonlySet<string>];

  constructor(input: PlanInput) {
    this.#input = input;
    this.#comparison = new Comparison(input.showsConfigurations);
    this.#connected = new Map(input.connected.map((node) => [node.id, node]));
    this.#certificates = [withCertificates(input, input.before), withCertificates(input, input.after)];
  }

  /** All that is known of: the sidecars of both sides, and whoever is connected. By id. */
  nodes(): NodeInfo[] {
    const places = [this.#input.before, this.#input.after].flatMap((side) => [
      ...(side?.content.translation.sidecars ?? []),
    ]);
    const named = places.map(([id, { service }]): [string, NodeInfo] => [id, nodeNamed(id, service.metadata.name)]);
    return [...new Map([...named, ...this.#connected]).values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  look(node: NodeInfo): Member | undefined {
    const { before, after } = this.#input;
    const [present, coming] = [before?.translationFor(node.id), after.translationFor(node.id)];
    const [is, next] = [snapshotFrom(present, node), snapshotFrom(coming, node)];
    const all = [present, coming, after.content.translation, before?.content.translation];
    const originsOf = (resource: Resource): readonly UserResource[] => {
      const found = all.map((translation) => translation?.originsOf(resource) ?? []);
      return found.find((origins) => origins.length > 0) ?? [];
    };
    const compare = (one: Snapshot | undefined, other: Snapshot | undefined): readonly Difference[] =>
      this.#comparison.differences(one, other, originsOf);
    const wanted = after.content.translation.snapshotFor(node);
    const isGone = is.snapshot !== undefined && next.snapshot === undefined;
    const note = isGone ? `served nothing any more, and keeps what it has: ${next.reason}` : undefined;
    const now = isGone ? [] : compare(is.snapshot, next.snapshot);
    const secrets = isGone ? [] : this.#secretChanges(node.id);
    const others = compare(next.snapshot, wanted.snapshot);
    const isSettled = now.length === 0 && secrets.length === 0 && note === undefined;
    // What was held back before, and still is, is no part of the change.
    const old = before?.content.translation.snapshotFor(node).snapshot;
    const later = isSettled && compare(old, wanted.snapshot).length === 0 ? [] : others;
    if (isSettled && later.length === 0) return undefined;
    const rollouts = later.length === 0 ? [] : this.#rolloutsOf(after.content.translation.sidecars.get(node.id));
    const signature = JSON.stringify([
      now.map((one) => one.signature),
      later.map((one) => one.signature),
      secrets.map(({ change, name }) => [change, name]),
      rollouts,
      note === undefined ? "" : "gone",
      node.userAgentName,
    ]);
    return { node, now, later, secrets, rollouts, note, signature };
  }

  /** @param members for whom the same changes. */
  group(members: readonly Member[]): SidecarGroup {
    const [first] = members;
    if (first === undefined) throw new RangeError("a group has members");
    const { before, after } = this.#input;
    const { node, secrets, later, rollouts, note } = first;
    const [was, is] = [before?.translationFor(node.id), after.translationFor(node.id)];
    const now = this.#difference(first.now, node, is, was);
    return {
      nodes: members.map((member) => member.node.id),
      services: [...new Set(members.map((member) => member.node.cluster))].filter((name) => name !== "").sort(),
      connected: members.flatMap((member) => (this.#connected.has(member.node.id) ? [member.node.id] : [])),
      ...(note === undefined ? {} : { note }),
      now: { ...now, changes: [...secrets, ...now.changes] },
      ...(later.length === 0
        ? {}
        : { later: { ...this.#difference(later, node, after.content.translation, is), rollouts } }),
    };
  }

  #difference(
    differences: readonly Difference[],
    { userAgentName }: NodeInfo,
    now: Translation | undefined,
    before: Translation | undefined,
  ): XdsDifference {
    return {
      changes: differences.map(({ change, type, name, resource, diff }) => {
        const from = (change === "removed" ? before : now)?.originsOf(resource) ?? [];
        return { change, type, name, from: from.map(originOf), diff };
      }),
      // Of other clients of xDS nothing is known.
      disturbance: userAgentName === "envoy" ? differences.flatMap(({ disturbance }) => disturbance ?? []) : [],
    };
  }

  /** A certificate is issued when the change is made, so there is nothing to compare. */
  #secretChanges(node: string): XdsChange[] {
    const [had, has] = this.#certificates.map((nodes) => nodes.has(node));
    if (had === has) return [];
    const change = has ? "added" : "removed";
    const diff = has ? "(issued when the change is made)" : "";
    return ["trust", "workload"].map((name) => ({ change, type: "Secret", name, from: [], diff }));
  }

  #rolloutsOf(place: SidecarPlace | undefined): string[] {
    if (place === undefined) return [];
    return this.#input.heldBack
      .filter(({ plan }) => covers([plan.stable, plan.desired], place))
      .map(({ plan }) => plan.rollout.metadata.name);
  }
}

function withCertificates({ hasCertificates }: PlanInput, side: PlanSide | undefined): ReadonlySet<string> {
  if (!hasCertificates || side === undefined) return new Set();
  const { model, translation } = side.content;
  return new Set([...sidecarsWithSecrets(model, translation.sidecars).values()].flatMap(({ nodes }) => [...nodes]));
}

function snapshotFrom(translation: Translation | undefined, node: NodeInfo): NodeSnapshot {
  return translation?.snapshotFor(node) ?? { snapshot: undefined, reason: "nothing is served" };
}
