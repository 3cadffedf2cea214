import type { Delivery } from "./delivery.ts";
import { type Change, isSame, versionOf } from "./held.ts";
import type { Resource } from "./resource.ts";
import type { ResourceSet } from "./snapshot.ts";
import type { TypeState } from "./type-state.ts";

/**
 * - `synced`: the client accepted this version, or reported it when it connected.
 * - `pending`: sent and not answered, or about to be sent, or about to be removed.
 * - `prewarming`: the proxy is fetching the module; the filter it had stays in service.
 * - `rejected`: the client refused this version.
 * - `not-requested`: the client has not subscribed to it.
 */
export type ResourceState = "synced" | "pending" | "prewarming" | "rejected" | "not-requested";

export interface ResourceStatus {
  readonly name: string;
  /** The version the client is to have; `null` if the resource is to go. */
  readonly version: string | null;
  /** The version last sent on this stream, or reported by the client. */
  readonly sent: string | null;
  /** The version the client holds. */
  readonly acked: string | null;
  readonly state: ResourceState;
  /**
   * When the client accepted the version that it holds, or before which it did; milliseconds since the epoch. `null` for
   * what it holds from an earlier stream.
   */
  readonly acceptedAt: number | null;
  /** The last rejection that no acceptance followed. */
  readonly rejection: Rejection | null;
}

export interface Rejection {
  /** The version of the resource; empty if its removal was rejected. */
  readonly version: string;
  /** What the client says is wrong. */
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Whether the response held other resources too, any of which may be the culprit. */
  readonly shared: boolean;
}

export interface TypeStatus {
  readonly typeUrl: string;
  /** The version of all resources of the type. */
  readonly version: string;
  readonly requested: boolean;
  /** When the client last accepted a response; milliseconds since the epoch. */
  readonly ackedAt: number | null;
  /** When the first response was sent of those that the client has yet to answer; milliseconds since the epoch. Left out when there is none. */
  readonly unansweredSince?: number;
  /** True if all resources are `synced`, so that there is no need to look at each; left out where that is not known. */
  readonly inStep?: boolean;
  /** Made when it is read, of how the client stands then. */
  readonly resources: readonly ResourceStatus[];
}

/**
 * Where a client stands with every resource of one type.
 *
 * @param tellsRemovals whether it is told of what goes; if not, nothing is pending about that.
 */
export function typeStatus(
  set: ResourceSet,
  type: TypeState | undefined,
  delivery: Delivery,
  tellsRemovals: boolean,
): TypeStatus {
  return {
    typeUrl: set.typeUrl,
    version: set.version,
    requested: type?.requested ?? false,
    ackedAt: type?.ackedAt ?? null,
    ...(type?.ledger.flight === undefined ? {} : { unansweredSince: type.unansweredSince ?? type.sentAt }),
    ...(isInStep(set, type) ? { inStep: true } : {}),
    // With thousands of clients and resources, nobody looks at all of them.
    get resources() {
      return resourceStatuses(set, type, delivery, tellsRemovals);
    },
  };
}

/** Whether the client holds the very map of the set, which is what it does once it accepted all. */
function isInStep(set: ResourceSet, type: TypeState | undefined): boolean {
  if (set.resources.size === 0 && (type === undefined || type.ledger.held.size === 0)) return true;
  if (type?.requested !== true) return false;
  return (
    type.ledger.held === set.resources &&
    type.ledger.flight === undefined &&
    type.subscription.covered(set) === set.resources
  );
}

function resourceStatuses(
  set: ResourceSet,
  type: TypeState | undefined,
  delivery: Delivery,
  tellsRemovals: boolean,
): ResourceStatus[] {
  const flying = new Map(type?.ledger.flight?.changes.map((change) => [change.name, change]));
  const resources: ResourceStatus[] = [];
  for (const [name, resource] of set.resources) {
    resources.push(resourceStatus(name, resource, type, flying.get(name), delivery));
  }
  for (const [name, held] of type?.ledger.held ?? []) {
    if (!held || set.resources.has(name)) continue;
    if (tellsRemovals || flying.has(name)) resources.push(resourceStatus(name, null, type, flying.get(name), delivery));
  }
  return resources;
}

function resourceStatus(
  name: string,
  resource: Resource | null,
  type: TypeState | undefined,
  flying: Change | undefined,
  delivery: Delivery,
): ResourceStatus {
  const held = type?.ledger.held.get(name);
  const refusal = type?.ledger.refused.get(name);
  const sent = flying ? (type?.form?.version ?? versionOf(flying.wanted)) : (refusal?.version ?? held?.version);
  return {
    name,
    version: resource?.version ?? null,
    sent: sent || null,
    acked: held?.version ?? null,
    state: stateOf(),
    acceptedAt: (held && type?.accepted.get(name)) ?? null,
    rejection: refusal
      ? { version: refusal.version, message: refusal.message, time: refusal.time, shared: !refusal.alone }
      : null,
  };

  function stateOf(): ResourceState {
    if (!type?.requested || !type.subscription.covers(name, (resource ?? held)?.aliases)) return "not-requested";
    if (flying === undefined && isSame(resource, held)) return "synced";
    if (flying === undefined && refusal?.version === versionOf(resource)) return "rejected";
    return resource && delivery.isPrewarming(resource) ? "prewarming" : "pending";
  }
}
