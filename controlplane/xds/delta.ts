import type { Change, Held } from "./held.ts";
import type { Resource } from "./resource.ts";
import type { Heartbeat, Response } from "./response.ts";
import type { ResourceSet } from "./snapshot.ts";
import { XdsStream } from "./stream.ts";
import type { TypeState } from "./type-state.ts";
import { TypeUrl } from "./type-url.ts";

export interface DeltaRequest {
  readonly typeUrl: string;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** On the first request for the type: the versions of the resources that the client has, by name. */
  readonly initialVersions: ReadonlyMap<string, string>;
  /** Of the response it answers; empty if it answers none. */
  readonly nonce: string;
  /** Why it rejects that response; present if and only if it does. */
  readonly error?: string;
}

/** A stream of the incremental variant. */
export class DeltaStream extends XdsStream<DeltaRequest> {
  override request(request: DeltaRequest, now: number): void {
    const type = this.type(request.typeUrl);
    const { ledger, subscription } = type;
    const first = !type.requested;
    if (!first && request.nonce !== "") {
      if (request.nonce === ledger.flight?.nonce) this.answer(type, request.error, now);
      else this.answeredEarlier(type);
    }

    // A subscription changes by every request, be its nonce stale or not.
    const { asked, left } = subscription.update(request.subscribe, request.unsubscribe, first);
    if (first) {
      const reported = new Map<string, Held>();
      for (const [name, version] of request.initialVersions) reported.set(name, { version });
      ledger.assume(reported);
      this.start(type, reported.size > 0, now);
    } else {
      // A client that asks for a name has nothing under it, whatever the server thinks.
      for (const name of asked) ledger.owe(name);
    }
    // It cannot know whether the wildcard still covers what it no longer subscribes to by name.
    if (subscription.wildcard) for (const name of left) ledger.owe(name);
    if (first || request.unsubscribe.length > 0) this.retainSubscribed(type);
    if (request.subscribe.length > 0) ledger.oweDropped((name, held) => subscription.covers(name, held?.aliases));
  }

  /** A client that comes back says what it has. */
  protected override keep(): void {}

  protected override differences(type: TypeState, set: ResourceSet): readonly Change[] {
    const covered = type.subscription.covered(set);
    const { ledger } = type;
    const isNone = (name: string): boolean => type.subscription.covers(name) && !set.aliased.has(name);
    const { changes, removals } = ledger.difference(covered, isNone);
    if (removals.length === 0 && this.tellsRemovals(type.typeUrl)) return changes;
    const all = [...changes, ...removals];
    if (this.tellsRemovals(type.typeUrl)) return all;
    return all.filter(({ name, wanted }) => wanted !== null || !ledger.held.get(name));
  }

  /**
   * A filter that is told to be gone is replaced by its default at once, which may refuse all requests, in connections of the listener that
   * had it too. Envoy leaves it by itself when the last of these has ended.
   */
  protected override tellsRemovals(typeUrl: string): boolean {
    return typeUrl !== TypeUrl.extensionConfig;
  }

  protected override sendable(type: TypeState, set: ResourceSet, changes: readonly Change[]): readonly Change[] {
    return type.ledger.sendable(changes, set.version);
  }

  protected override owesAnswer(type: TypeState): boolean {
    return type.subscription.wildcard && !type.resumed;
  }

  protected override respond(
    type: TypeState,
    set: ResourceSet,
    changes: readonly Change[],
    complete: boolean,
  ): Response {
    const resources: Resource[] = [];
    const removed: string[] = [];
    for (const { name, wanted } of changes) {
      if (wanted !== null) resources.push(wanted);
      else if (type.typeUrl === TypeUrl.virtualHost && !type.ledger.held.get(name)) resources.push(unresolved(name));
      else removed.push(name);
    }
    const result = complete ? type.subscription.covered(set) : type.ledger.resultOf(changes);
    return { version: set.version, resources, removed, result };
  }

  protected override heartbeat(type: TypeState, set: ResourceSet, living: readonly Resource[]): Heartbeat {
    // A virtual host without a body is one that does not exist: see unresolved().
    return { version: set.version, resources: living, withBodies: type.typeUrl === TypeUrl.virtualHost };
  }
}

/**
 * Says that there is no virtual host for a name, which is how Envoy learns that it need not wait for one: by a resource
 * without a body. It takes no notice of a name among those removed unless it has a virtual host of that name.
 */
function unresolved(name: string): Resource {
  return { name, typeUrl: TypeUrl.virtualHost, version: "", body: new Uint8Array(), aliases: [name] };
}
