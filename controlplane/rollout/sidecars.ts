import { createHash } from "node:crypto";
import type { SidecarSelector, SpreadKey, WaveSpec } from "../model/index.ts";

/** A sidecar as a rollout sees it. */
export interface Sidecar {
  readonly node: string;
  readonly service: string;
  readonly region: string;
  readonly zone: string;
  /** Such as `1.40.0`; empty when it does not say, or never connected. */
  readonly envoy: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Why it cannot run the new version; such a sidecar is left out of all waves. */
  readonly unable?: string;
}

/**
 * Where a sidecar stands in the order of a rollout: from 0 to 1, spread evenly. It depends on the rollout's name and the node id alone, so a wave
 * that grows keeps who was in it, on every replica and after every restart.
 */
export function orderOf(rollout: string, node: string): number {
  const digest = createHash("sha256").update(`${rollout.length}:${rollout}${node}`).digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

/** As {@link orderOf}, of those that were asked for lately: sidecars are put in order again whenever one of them comes or goes. */
const orders = new Map<string, Map<string, number>>();
const MAX_ORDERS = 100_000;

function knownOrderOf(rollout: string, node: string): number {
  let known = orders.get(rollout);
  if (known === undefined) orders.set(rollout, (known = new Map<string, number>()));
  let order = known.get(node);
  if (order === undefined) {
    if (known.size >= MAX_ORDERS) known.clear();
    known.set(node, (order = orderOf(rollout, node)));
  }
  return order;
}

/** The last order of a list. Whoever looks every second has the same list as long as nothing about it changes. */
const sorted = new WeakMap<readonly Sidecar[], { readonly rollout: string; readonly sidecars: readonly Sidecar[] }>();

function inOrder(rollout: string, all: readonly Sidecar[]): readonly Sidecar[] {
  const last = sorted.get(all);
  if (last?.rollout === rollout) return last.sidecars;
  const sidecars = all
    .map((sidecar) => ({ sidecar, order: knownOrderOf(rollout, sidecar.node) }))
    .sort((a, b) => a.order - b.order || (a.sidecar.node < b.sidecar.node ? -1 : 1))
    .map(({ sidecar }) => sidecar);
  sorted.set(all, { rollout, sidecars });
  return sidecars;
}

/** The sidecars that a wave chooses from. */
export interface Choice {
  /** All, connected or not: by them it is known how large a Service or a zone is. */
  readonly all: readonly Sidecar[];
  /** Whether a sidecar can be chosen now. */
  readonly isThere: (node: string) => boolean;
  /** Who has the new version already, and keeps it. */
  readonly has: (node: string) => boolean;
}

/**
 * The sidecars that a wave is to hold, in the order in which they are to get the new version. Below 100 % it leaves every Service, or whatever `spreadBy`
 * names, at least one sidecar of several with the old version.
 */
export function membersOf(
  rollout: string,
  wave: WaveSpec,
  { all, isThere, has }: Choice,
  spreadBy: readonly SpreadKey[],
): readonly Sidecar[] {
  const picked = inOrder(rollout, all).filter(
    (sidecar) =>
      // Who has it stays, whatever it says of itself by now: else another would get it in its place.
      (sidecar.unable === undefined || has(sidecar.node)) && isThere(sidecar.node) && isPicked(sidecar, wave),
  );
  if (wave.percentage >= 100) return picked;
  const wanted = Math.ceil((picked.length * wave.percentage) / 100);
  const room = new Groups(spreadBy, all, (size) => Math.max(1, size - 1));
  for (const sidecar of all) if (has(sidecar.node)) room.occupy(sidecar);
  const members = picked.filter(({ node }) => has(node));
  for (const sidecar of picked) {
    if (members.length >= wanted) break;
    if (!has(sidecar.node) && room.take(sidecar)) members.push(sidecar);
  }
  return members;
}

/** Counts members of groups, such as those of one Service, against a limit that depends on the size of the group. */
export class Groups {
  readonly #by: readonly SpreadKey[];
  readonly #room = new Map<string, number>();

  /** @param limit how many of a group of this size there may be. */
  constructor(by: readonly SpreadKey[], all: readonly Sidecar[], limit: (size: number) => number) {
    this.#by = by;
    const sizes = new Map<string, number>();
    for (const sidecar of all) {
      for (const group of this.#groupsOf(sidecar)) sizes.set(group, (sizes.get(group) ?? 0) + 1);
    }
    for (const [group, size] of sizes) this.#room.set(group, limit(size));
  }

  /** Takes a place in each of a sidecar's groups, if all have one. */
  take(sidecar: Sidecar): boolean {
    const groups = this.#groupsOf(sidecar);
    if (groups.some((group) => (this.#room.get(group) ?? 0) < 1)) return false;
    this.occupy(sidecar);
    return true;
  }

  /** Takes a place in each of a sidecar's groups, whether there is one or not. */
  occupy(sidecar: Sidecar): void {
    for (const group of this.#groupsOf(sidecar)) this.#room.set(group, (this.#room.get(group) ?? 0) - 1);
  }

  #groupsOf({ service, zone, region }: Sidecar): string[] {
    return this.#by.flatMap((key) => {
      switch (key) {
        case "Service":
          return [`service ${service}`];
        // Sidecars that do not say where they are need not be all in one place.
        case "Zone":
          return zone === "" ? [] : [`zone ${region.length}:${region}${zone}`];
        case "Region":
          return region === "" ? [] : [`region ${region}`];
      }
    });
  }
}

function isPicked(sidecar: Sidecar, { selector, nodes }: WaveSpec): boolean {
  if (nodes !== undefined && !nodes.includes(sidecar.node)) return false;
  return selector === undefined || fits(sidecar, selector);
}

function fits(sidecar: Sidecar, { services, regions, zones, envoyVersions, labels }: SidecarSelector): boolean {
  return (
    (services?.includes(sidecar.service) ?? true) &&
    (regions?.includes(sidecar.region) ?? true) &&
    (zones?.includes(sidecar.zone) ?? true) &&
    (envoyVersions?.some((version) => isVersion(sidecar.envoy, version)) ?? true) &&
    Object.entries(labels ?? {}).every(([key, value]) => sidecar.labels[key] === value)
  );
}

/** `1.4` is the beginning of 1.4.2, and not of 1.40.0. */
function isVersion(found: string, beginning: string): boolean {
  return found === beginning || found.startsWith(`${beginning}.`);
}
