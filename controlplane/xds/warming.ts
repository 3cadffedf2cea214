import type { TypeState } from "./type-state.ts";
import { TypeUrl } from "./type-url.ts";

/**
 * Whether a client that comes back is warming clusters. Envoy asks for clusters before all else, but while it warms some, not at all.
 *
 * Each of these waits for a response with its endpoints, also if the client has them for the cluster that it is to replace. And in the
 * state of the world the client may say that it has them when it does not: it reports the version of the last response, which may be
 * of a time when there was a cluster of this name.
 */
export function isWarming(types: ReadonlyMap<string, TypeState>): boolean {
  if (types.get(TypeUrl.endpoint)?.resumed !== true || types.get(TypeUrl.cluster)?.requested === true) return false;
  // A stream of endpoints alone says nothing of clusters.
  return [...types.values()].some(({ typeUrl, requested }) => requested && typeUrl !== TypeUrl.endpoint);
}
