import type { LoadState, NodeView } from "../fleet/index.ts";
import type { ResourceSet, Snapshot } from "../xds/index.ts";
import type { SidecarState } from "./observation.ts";

/**
 * How far a connected node is with the snapshot that it is to have, as far as that differs from another: what the two have in common
 * is no matter of the rollout.
 * @param loaded whether a filter runs, by the name of its FilterPolicy; undefined for what is no filter.
 */
export function stateOf(
  view: NodeView,
  wanted: Snapshot,
  other: Snapshot,
  loaded: ReadonlyMap<string, LoadState>,
): SidecarState {
  const { connected, since } = view;
  if (!connected) return { connected, since, progress: "Behind" };
  let isHeld = false;
  let isBehind = false;
  for (const [typeUrl, set] of wanted.sets) {
    const changed = changedNames(set, other.sets.get(typeUrl));
    if (changed.size === 0) continue;
    const type = view.types.find((one) => one.typeUrl === typeUrl);
    // The stream has not looked at the snapshot yet, or the proxy has not asked for the type.
    if (type?.version !== set.version || !type.requested) {
      isBehind = true;
      continue;
    }
    for (const { name, state, rejection } of type.resources) {
      if (!changed.has(name) || state === "not-requested") continue;
      if (state === "rejected") {
        return { connected, since, progress: "Rejected", message: rejection?.message ?? "" };
      }
      if (state !== "synced") isBehind = true;
      const load = loaded.get(name);
      if (load === "failed") return { connected, since, progress: "Failed", message: `${name} does not run` };
      if (load !== undefined && load !== "loaded") isHeld = true;
    }
  }
  return { connected, since, progress: isBehind ? "Behind" : isHeld ? "Held" : "Running" };
}

const differences = new WeakMap<ResourceSet, WeakMap<ResourceSet, ReadonlySet<string>>>();

/** The names of resources that two sets of one type do not have alike. Sets are shared by many nodes, so it is found once. */
export function changedNames(one: ResourceSet, other: ResourceSet | undefined): ReadonlySet<string> {
  if (other === undefined) return new Set(one.resources.keys());
  if (one === other || one.version === other.version) return new Set();
  let known = differences.get(one);
  if (known === undefined) differences.set(one, (known = new WeakMap()));
  let names = known.get(other);
  if (names === undefined) {
    const found = new Set<string>();
    for (const [name, { version }] of one.resources)
      if (other.resources.get(name)?.version !== version) found.add(name);
    for (const name of other.resources.keys()) if (!one.resources.has(name)) found.add(name);
    known.set(other, (names = found));
  }
  return names;
}
