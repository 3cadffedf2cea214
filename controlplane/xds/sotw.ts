import type { ClientSupport } from "./client-support.ts";
import type { ProxyMemory } from "./delivery.ts";
import { certain, type Change, type Held, isResource } from "./held.ts";
import type { NamedVersion, Outcome } from "./outcome.ts";
import type { Resource } from "./resource.ts";
import type { Heartbeat, Response } from "./response.ts";
import type { ResourceSet, Snapshot } from "./snapshot.ts";
import { type StreamOptions, XdsStream } from "./stream.ts";
import type { TypeState } from "./type-state.ts";
import { isFullStateType } from "./type-url.ts";

export interface SotwRequest {
  readonly typeUrl: string;
  readonly names: readonly string[];
  /** The version the client holds. */
  readonly version: string;
  /** Of the response it answers; empty if it answers none. */
  readonly nonce: string;
  /** Why it rejects that response; present if and only if it does. */
  readonly error?: string;
}

/**
 * A stream of the state-of-the-world variant.
 *
 * The version of a response is the hash of what the client holds of its subscription once it accepts. So it is the
 * same on every replica, and a client that was cut off between two partial responses is found out when it reconnects.
 */
export class SotwStream extends XdsStream<SotwRequest> {
  readonly #earlier: () => Iterable<Snapshot>;

  /** @param earlier what the client may have been served before, latest first. */
  constructor(
    options: StreamOptions,
    memory: ProxyMemory,
    client: ClientSupport,
    report: (outcome: Outcome) => void,
    earlier: () => Iterable<Snapshot> = () => [],
  ) {
    super(options, memory, client, report);
    this.#earlier = earlier;
  }

  override request(request: SotwRequest, now: number): void {
    const type = this.type(request.typeUrl);
    if (!type.requested) {
      this.start(type, request.version !== "", now);
      type.reportedVersion = request.version;
    } else if (request.nonce !== "") {
      if (request.nonce !== type.lastNonce) {
        this.answeredEarlier(type);
        return;
      }
      this.answer(type, request.error, now);
    }
    if (type.subscription.replace(request.names)) this.retainSubscribed(type);
  }

  /** A client that comes back says no names, but the version of all that it has. */
  protected override keep({ typeUrl, ledger, acceptedVersion }: TypeState): void {
    if (acceptedVersion !== undefined) this.memory.keepState(typeUrl, acceptedVersion, ledger.held);
    if (ledger.flight !== undefined) this.memory.keepState(typeUrl, ledger.flight.version, ledger.flight.result);
  }

  protected override differences(type: TypeState, set: ResourceSet): readonly Change[] {
    const covered = type.subscription.covered(set);
    const { ledger } = type;
    if (!type.answered && type.reportedVersion !== "") this.#resume(type, set, covered);
    const { changes, removals } = ledger.difference(covered, () => false);
    if (!this.tellsRemovals(type.typeUrl)) return changes.filter(({ wanted }) => wanted !== null);
    // Only what the client has can be missing from what it is sent.
    const { held } = ledger;
    const present = changes.filter(({ name, wanted }) => wanted !== null || held.get(name));
    return [...present, ...removals];
  }

  /** Finds out what a client has by the version that it reports: what it is to have, what it had on an earlier stream, or was served before. */
  #resume(type: TypeState, set: ResourceSet, covered: ReadonlyMap<string, Held>): void {
    const { ledger, reportedVersion, subscription, typeUrl } = type;
    const known = this.memory.state(typeUrl, reportedVersion);
    const isSame = reportedVersion === versionOf(set, covered) && !hasDropped(known, covered);
    const held = isSame ? covered : (known ?? this.#servedBefore(type, covered));
    if (held === undefined) return;
    ledger.assume(held);
    if (!isSame) ledger.retain((name, have) => subscription.covers(name, have?.aliases));
    type.answered = true;
    type.acceptedVersion = reportedVersion;
  }

  /**
   * What it has if that is what it would have been served before; or on the way from there to `present`: where absence means deletion,
   * all that is new is sent first, and what is gone is taken away when nothing mentions it any more.
   */
  #servedBefore(
    { subscription, typeUrl, reportedVersion }: TypeState,
    present: ReadonlyMap<string, Held>,
  ): ReadonlyMap<string, Held> | undefined {
    const served = Array.from(this.#earlier(), ({ sets }) => sets.get(typeUrl)).filter((set) => set !== undefined);
    const before = served.map((set) => ({ set, had: subscription.covered(set) }));
    const isIt = ({ set, had }: { readonly set: ResourceSet; readonly had: ReadonlyMap<string, Held> }): boolean =>
      versionOf(set, had) === reportedVersion;
    const found = before.find(isIt)?.had;
    if (found !== undefined || !isFullStateType(typeUrl)) return found;
    return before.map(({ set, had }) => ({ set, had: new Map([...had, ...present]) })).find(isIt)?.had;
  }

  protected override sendable(type: TypeState, set: ResourceSet, changes: readonly Change[]): readonly Change[] {
    return type.ledger.sendable(changes, set.version);
  }

  protected override tellsRemovals(typeUrl: string): boolean {
    return isFullStateType(typeUrl);
  }

  /** Where absence means deletion, an empty response tells the client that there is nothing, or nothing left. */
  protected override owesAnswer(type: TypeState): boolean {
    return isFullStateType(type.typeUrl) && (type.subscription.wildcard || type.resumed);
  }

  protected override respond(
    type: TypeState,
    set: ResourceSet,
    changes: readonly Change[],
    complete: boolean,
  ): Response {
    const covered = type.subscription.covered(set);
    let result: ReadonlyMap<string, Held> = complete ? covered : type.ledger.resultOf(changes);
    if (isFullStateType(type.typeUrl)) {
      if (!complete) result = new Map(Array.from(result, ([name, held]) => [name, certain(held)]));
      return {
        version: versionOf(set, result),
        resources: [...result.values()].filter(isResource),
        removed: [],
        result,
      };
    }
    const subscribed = complete
      ? covered
      : new Map(Array.from(covered.keys(), (name) => [name, result.get(name) ?? null]));
    const resources = changes.map(({ wanted }) => wanted).filter(isResource);
    return { version: versionOf(set, subscribed), resources, removed: [], result };
  }

  protected override heartbeat(
    { typeUrl, acceptedVersion, ledger }: TypeState,
    _set: ResourceSet,
    living: readonly Resource[],
  ): Heartbeat | undefined {
    if (acceptedVersion === undefined) return undefined;
    // Where absence means deletion, Envoy deletes what it is sent without a body.
    const withBodies = isFullStateType(typeUrl);
    const resources = withBodies ? [...ledger.held.values()].filter(isResource) : living;
    return { version: acceptedVersion, resources, withBodies };
  }
}

/**
 * Whether a client dropped some of what it had when it accepted its version, and may ask for it again: the version is still that of the
 * last response then.
 */
function hasDropped(known: ReadonlyMap<string, Held> | undefined, covered: ReadonlyMap<string, Held>): boolean {
  if (known === undefined || known === covered) return false;
  for (const [name, wanted] of covered) if (wanted !== null && !known.has(name)) return true;
  return false;
}

/** The version of what is held, which is that of the set if it is the whole set. */
function versionOf(set: ResourceSet, held: ReadonlyMap<string, Held>): string {
  if (held === set.resources) return set.version;
  const named: NamedVersion[] = [];
  for (const [name, have] of held) {
    // The resource itself, where it is known, has its part of the version worked out already.
    if (isResource(have)) named.push(have);
    else if (have) named.push({ name, version: have.version });
  }
  return set.versionOf(named);
}
