import type { Fleet, NodeView } from "../fleet/index.ts";
import type { Release } from "../control/index.ts";
import type { Holding } from "../rollout/index.ts";
import type { NodeInfo, Snapshot, TypeStatus } from "../xds/index.ts";

/** What a control plane is asked about its sidecars. */
export interface InspectSource {
  readonly release: Release | undefined;
  readonly fleet: Pick<Fleet, "node" | "nodes">;
  /** What a node would be served now, its secrets included; undefined where it is served nothing. */
  snapshotFor(node: NodeInfo): Snapshot | undefined;
  /** What the source says, and what sidecars are served once no Rollout holds anything back. Left out where there are none. */
  readonly wanted?: Release | undefined;
  readonly rollouts?: { readonly views: readonly Holding[] };
}

/** There is no such sidecar, or no such resource. */
export class UnknownError extends Error {
  override readonly name = "UnknownError";
}

/** One node: what it would be served, and where it stands. */
export interface InspectedNode {
  readonly node: NodeInfo;
  readonly snapshot: Snapshot | undefined;
  /** Undefined for one that was not connected lately. */
  readonly view: NodeView | undefined;
  readonly status: ReadonlyMap<string, TypeStatus>;
}

/** @throws UnknownError when no Service names it and it is not connected. */
export function inspectNode(source: InspectSource, id: string): InspectedNode {
  const view = source.fleet.node(id);
  const place = source.release?.translation.sidecars.get(id);
  if (view === undefined && place === undefined) {
    const known = [...(source.release?.translation.sidecars.keys() ?? [])].slice(0, 10);
    throw new UnknownError(
      `no Service has a sidecar with the node id "${id}", and none is connected; there are: ${known.join(", ")}`,
    );
  }
  const node = view?.node ?? nodeNamed(id, place?.service.metadata.name ?? "");
  return {
    node,
    snapshot: source.snapshotFor(node),
    view,
    status: new Map((view?.types ?? []).map((type) => [type.typeUrl, type])),
  };
}

/** A sidecar as it would say who it is. */
export function nodeNamed(id: string, cluster: string): NodeInfo {
  return {
    id,
    cluster,
    metadata: {},
    locality: { region: "", zone: "", subZone: "" },
    userAgentName: "envoy",
    userAgentVersion: "",
    features: [],
  };
}
