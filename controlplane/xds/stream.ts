import { Delivery, type DeliveryOptions, type ProxyMemory } from "./delivery.ts";
import { type Change, type Held, isSame, Ledger, versionOf } from "./ledger.ts";
import { mayChange, mayRemove, type Progress } from "./order.ts";
import { endpointName } from "./references.ts";
import type { Resource } from "./resource.ts";
import type { ResourceSet, Snapshot } from "./snapshot.ts";
import { Subscription } from "./subscription.ts";
import { SERVED_TYPES, TypeUrl } from "./type-url.ts";

export interface StreamOptions {
  readonly delivery: DeliveryOptions;
  /** How long a change waits for the types before it to be acknowledged, in milliseconds. */
  readonly orderTimeoutMs: number;
  /**
   * How long removals wait on a resumed stream for a type that the client has not asked for yet, in milliseconds:
   * a proxy that reconnects asks for its types in any order.
   */
  readonly resumeGraceMs: number;
}

export interface NamedVersion {
  readonly name: string;
  /** Empty for a resource that was removed. */
  readonly version: string;
}

/** What a client made of a response. */
export type Outcome =
  | { readonly kind: "acked"; readonly typeUrl: string; readonly resources: readonly NamedVersion[] }
  | {
      readonly kind: "rejected";
      readonly typeUrl: string;
      readonly resources: readonly NamedVersion[];
      readonly message: string;
    }
  /** An expected rejection: the proxy has to fetch the module first, and another attempt follows. */
  | {
      readonly kind: "prewarming";
      readonly typeUrl: string;
      readonly resources: readonly NamedVersion[];
      readonly message: string;
    };

/** A response to send. */
export interface Send {
  readonly typeUrl: string;
  readonly version: string;
  readonly nonce: string;
  readonly resources: readonly Resource[];
  /** Names, in the incremental variant only. */
  readonly removed: readonly string[];
}

/** A response as a variant of the protocol words it. */
export interface Response extends Pick<Send, "version" | "resources" | "removed"> {
  readonly result: ReadonlyMap<string, Held>;
}

/** The state of one type on one stream. */
export class TypeState {
  readonly typeUrl: string;
  readonly subscription = new Subscription();
  readonly ledger = new Ledger();
  /** Whether the client has asked for this type. */
  requested = false;
  /** Whether the client is known to be up to date or was sent a response, so that no first answer is due. */
  answered = false;
  /** `version_info` as of the first request, until it is compared. */
  reportedVersion = "";
  /** Whether the client said on its first request that it has resources of this type. */
  resumed = false;
  lastNonce = "";
  /** State of the world: the version of the last response that was rejected. */
  refusedVersion: string | undefined;
  /** The form in which the only resource in flight was sent. */
  form: Resource | undefined;
  /** Since when a change has been waiting for other types. */
  waitingSince: number | undefined;

  constructor(typeUrl: string) {
    this.typeUrl = typeUrl;
  }
}

export type ResourceState = "synced" | "pending" | "prewarming" | "rejected" | "not-requested";

export interface ResourceStatus {
  readonly name: string;
  /** The version the client is to have; `null` if the resource is to go. */
  readonly version: string | null;
  /** The version last sent, or reported by the client. */
  readonly sent: string | null;
  /** The version the client holds. */
  readonly acked: string | null;
  readonly state: ResourceState;
  /** The last rejection that no acceptance followed. */
  readonly rejection: { readonly version: string; readonly message: string; readonly time: number } | null;
}

export interface TypeStatus {
  readonly typeUrl: string;
  /** The version of all resources of the type. */
  readonly version: string;
  readonly requested: boolean;
  readonly resources: readonly ResourceStatus[];
}

/**
 * One stream of a client, as a state machine without I/O: requests and snapshots go in, and {@link next} gives the
 * responses out, one at a time. Whoever drives it takes the next response when the transport can carry one, so a slow
 * client skips what was superseded meanwhile.
 *
 * Times are milliseconds since the epoch and are passed in.
 */
export abstract class XdsStream<Request> {
  protected readonly types = new Map<string, TypeState>();
  readonly #options: StreamOptions;
  readonly #delivery: Delivery;
  readonly #report: (outcome: Outcome) => void;
  #snapshot: Snapshot | undefined;
  #order: readonly TypeState[] = [];
  #nonce = 0;
  #startedAt: number | undefined;
  #resumed = false;
  #listenersSentAt: number | undefined;
  #wakeAt: number | undefined;

  constructor(options: StreamOptions, memory: ProxyMemory, report: (outcome: Outcome) => void) {
    this.#options = options;
    this.#delivery = new Delivery(options.delivery, memory);
    this.#report = report;
  }

  abstract request(request: Request, now: number): void;

  /** The changes there are for the client to hear of; `undefined`: nothing is to be sent. */
  protected abstract changes(type: TypeState, set: ResourceSet, removals: boolean): readonly Change[] | undefined;

  protected abstract respond(type: TypeState, set: ResourceSet, changes: readonly Change[]): Response;

  /** What the client is to be served from now on; `undefined` leaves it with what it has. */
  serve(snapshot: Snapshot | undefined): void {
    if (snapshot !== undefined) this.#snapshot = snapshot;
  }

  /** The number of types the client has asked for, and of names in all its subscriptions. */
  get size(): { readonly types: number; readonly names: number } {
    let names = 0;
    for (const { subscription } of this.types.values()) names += subscription.names.size;
    return { types: this.types.size, names };
  }

  /** The time for which {@link next} is to be called again if nothing happens before. */
  get wakeAt(): number | undefined {
    return this.#wakeAt;
  }

  /** The next response to send, or `undefined` if there is none now. */
  next(now: number): Send | undefined {
    this.#wakeAt = undefined;
    if (this.#snapshot === undefined) return undefined;
    const progress = this.#progress(now);
    for (const type of this.#order) {
      const set = this.#snapshot.sets.get(type.typeUrl);
      if (!type.requested || type.ledger.flight !== undefined || set === undefined) continue;
      const changes = this.changes(type, set, mayRemove(type.typeUrl, progress));
      if (changes === undefined) type.waitingSince = undefined;
      else if (!this.#mustWait(type, progress, now)) {
        const ready = this.#ready(type, changes, now);
        if (ready !== undefined) return this.#send(type, set, ready, now);
      }
    }
    return undefined;
  }

  /** Where the client stands with every resource of its snapshot. */
  status(): TypeStatus[] {
    const sets = this.#snapshot?.sets.values() ?? [];
    return Array.from(sets, (set) => {
      const type = this.types.get(set.typeUrl);
      const names = new Set([...set.resources.keys(), ...(type?.ledger.held.keys() ?? [])]);
      const resources: ResourceStatus[] = [];
      for (const name of names) {
        const resource = set.resources.get(name);
        if (resource || type?.ledger.held.get(name)) resources.push(this.#statusOf(type, name, resource));
      }
      return { typeUrl: set.typeUrl, version: set.version, requested: type?.requested ?? false, resources };
    });
  }

  /** The state of a type, made when it is first named. */
  protected type(typeUrl: string): TypeState {
    let type = this.types.get(typeUrl);
    if (type === undefined) {
      type = new TypeState(typeUrl);
      this.types.set(typeUrl, type);
      this.#order = [...this.types.values()].sort((a, b) => rank(a.typeUrl) - rank(b.typeUrl));
    }
    return type;
  }

  /** Notes the first request for a type. */
  protected start(type: TypeState, resumed: boolean, now: number): void {
    type.requested = true;
    type.resumed = resumed;
    this.#startedAt ??= now;
    this.#resumed ||= resumed;
    if (type.typeUrl === TypeUrl.listener && !resumed) this.#delivery.startFresh();
  }

  /** Takes the client's answer to the response in flight; `error` is what it rejects it with. */
  protected answer(type: TypeState, error: string | undefined, now: number): void {
    const { flight } = type.ledger;
    if (flight === undefined) return;
    const { typeUrl } = type;
    const only = flight.changes[0]?.wanted;
    const resources = flight.changes.map(({ name, wanted }) => ({ name, version: versionOf(wanted) }));
    if (error === undefined) {
      type.ledger.accept();
      type.refusedVersion = undefined;
      if (only && type.form) this.#delivery.accepted(only, type.form, now);
      this.#report({ kind: "acked", typeUrl, resources });
    } else if (only && type.form && this.#delivery.rejected(only, now)) {
      type.ledger.reject(error, now, true);
      this.#report({ kind: "prewarming", typeUrl, resources, message: error });
    } else {
      type.ledger.reject(error, now, false);
      type.refusedVersion = flight.version;
      this.#report({ kind: "rejected", typeUrl, resources, message: error });
    }
    type.form = undefined;
  }

  /** Forgets what the client no longer subscribes to. */
  protected retainSubscribed(type: TypeState): void {
    const keep = (name: string): boolean => type.subscription.covers(name);
    type.ledger.retain(keep);
    if (type.typeUrl === TypeUrl.extensionConfig) this.#delivery.retain(keep);
  }

  #send(type: TypeState, set: ResourceSet, changes: readonly Change[], now: number): Send {
    const { typeUrl } = type;
    const response = this.respond(type, set, changes);
    const nonce = String(++this.#nonce);
    type.ledger.sent({ nonce, version: response.version, typeVersion: set.version, changes, result: response.result });
    type.lastNonce = nonce;
    type.answered = true;
    type.waitingSince = undefined;
    if (typeUrl === TypeUrl.listener) this.#listenersSentAt ??= now;
    if (typeUrl === TypeUrl.cluster) this.#oweEndpoints(changes);
    let { resources } = response;
    const only = resources[0];
    if (typeUrl === TypeUrl.extensionConfig && only !== undefined) {
      type.form = this.#delivery.send(only, this.#listenersSentAt, now);
      resources = [type.form];
    }
    return { typeUrl, nonce, version: response.version, resources, removed: response.removed };
  }

  /** Envoy warms an updated cluster until it gets endpoints, even if they are those it has. */
  #oweEndpoints(changes: readonly Change[]): void {
    for (const { wanted } of changes) {
      const name = wanted ? endpointName(wanted) : undefined;
      if (name !== undefined) this.type(TypeUrl.endpoint).ledger.owe(name);
    }
  }

  /**
   * What of the changes can go into one response now. Filters go one by one, so that a rejection is about one filter,
   * and each when its own delivery says so.
   */
  #ready(type: TypeState, changes: readonly Change[], now: number): readonly Change[] | undefined {
    if (type.typeUrl !== TypeUrl.extensionConfig) return changes;
    const removals = changes.filter(({ wanted }) => wanted === null);
    if (removals.length > 0 || changes.length === 0) return removals;
    for (const change of changes) {
      if (change.wanted === null) continue;
      const readyAt = this.#delivery.readyAt(change.wanted, now);
      if (readyAt <= now) return [change];
      this.#wake(readyAt);
    }
    return undefined;
  }

  /** A client that has nothing of a type yet gets its first answer at once; all else keeps to the order of types. */
  #mustWait(type: TypeState, progress: Progress, now: number): boolean {
    if (mayChange(type.typeUrl, progress) || (!type.resumed && type.ledger.held.size === 0)) return false;
    type.waitingSince ??= now;
    const until = type.waitingSince + this.#options.orderTimeoutMs;
    if (until <= now) return false;
    this.#wake(until);
    return true;
  }

  #progress(now: number): Progress {
    return {
      inFlight: (typeUrl) => this.types.get(typeUrl)?.ledger.flight !== undefined,
      synced: (typeUrl) => {
        const type = this.types.get(typeUrl);
        const set = this.#snapshot?.sets.get(typeUrl);
        if (type?.requested && set) return type.ledger.flight === undefined && this.#isSynced(type, set);
        const until = (this.#startedAt ?? now) + this.#options.resumeGraceMs;
        if (!this.#resumed || until <= now) return true;
        this.#wake(until);
        return false;
      },
    };
  }

  #isSynced(type: TypeState, set: ResourceSet): boolean {
    const covered = type.subscription.covered(set);
    if (covered === type.ledger.held) return true;
    for (const [name, wanted] of covered) if (wanted && !isSame(wanted, type.ledger.held.get(name))) return false;
    if (typeUrlHoldsStale(type.typeUrl)) for (const [name, have] of type.ledger.held) if (have && !covered.get(name)) return false;
    return true;
  }

  #wake(at: number): void {
    this.#wakeAt = Math.min(this.#wakeAt ?? at, at);
  }
}
