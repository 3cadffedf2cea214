import { isResource, isSame } from "./held.ts";
import type { Resource } from "./resource.ts";
import type { ResourceSet } from "./snapshot.ts";
import type { TypeState } from "./type-state.ts";

/** Part of a resource's life after which it gets a heartbeat: two may be lost or late. */
const HEARTBEAT_AFTER = 1 / 3;

export function nextHeartbeat(shortestTtlMs: number, now: number): number {
  return now + shortestTtlMs * HEARTBEAT_AFTER;
}

/** The resources with a time to live that the client holds and that are still served to it under their names. */
export function livingOf({ subscription, ledger }: TypeState, set: ResourceSet): Resource[] {
  const living: Resource[] = [];
  for (const [name, wanted] of subscription.covered(set)) {
    const held = ledger.held.get(name);
    const resource = isSame(wanted, held) ? wanted : held; // A version that it refused leaves it with an older one.
    if (isResource(resource) && resource.ttlMs !== undefined) living.push(resource);
  }
  return living;
}
