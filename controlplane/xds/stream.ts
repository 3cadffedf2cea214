import type { ClientSupport } from "./client-support.ts";
import { Delivery, type DeliveryOptions, type ProxyMemory } from "./delivery.ts";
import type { Change } from "./held.ts";
import { livingOf, nextHeartbeat } from "./heartbeat.ts";
import type { Keeps } from "./ledger.ts";
import { namedVersions, type Outcome } from "./outcome.ts";
import { endpointName } from "./references.ts";
import type { Resource } from "./resource.ts";
import type { Heartbeat, Response, Send } from "./response.ts";
import { type ResourceSet, servedSet, type Snapshot } from "./snapshot.ts";
import { typeStatus, type TypeStatus } from "./status.ts";
import { bringsAll, type Scene, Turn, type TurnOptions } from "./turn.ts";
import { TypeState } from "./type-state.ts";
import { SERVED_TYPES, TypeUrl } from "./type-url.ts";
import { isWarming } from "./warming.ts";

export interface StreamOptions extends TurnOptions {
  readonly delivery: DeliveryOptions;
  /**
   * How long removals wait on a resumed stream for a type that the client has not asked for yet, in milliseconds:
   * a proxy that reconnects asks for its types in any order.
   */
  readonly resumeGraceMs: number;
}

/**
 * How a client stands to what it is to have, as far as it asked: `unsettled` while something is to be sent or answered,
 * `rejecting` if nothing is, since it rejected what it lacks.
 */
export type Standing = "unsettled" | "settled" | "rejecting";

/**
 * One stream of a client, as a state machine without I/O: requests and snapshots go in, and {@link next} gives the
 * responses out, one at a time. Whoever drives it takes the next response when the transport can carry one, so a slow
 * client never has more than one response of a type waiting and skips what was superseded meanwhile.
 *
 * Times are milliseconds since the epoch and are passed in.
 */
export abstract class XdsStream<Request> {
  readonly #options: StreamOptions;
  readonly #delivery: Delivery;
  /** What is known of the client from earlier streams. */
  protected readonly memory: ProxyMemory;
  readonly #client: ClientSupport;
  readonly #report: (outcome: Outcome) => void;
  readonly #types = new Map<string, TypeState>();
  #pushOrder: readonly TypeState[] = [];
  #snapshot: Snapshot | undefined;
  #lastNonce = 0;
  #startedAt: number | undefined;
  #resumed = false;
  #owedToWarming = false;
  #listenersSentAt: number | undefined;
  #wakeAt: number | undefined;
  #standing: Standing = "unsettled";

  constructor(options: StreamOptions, memory: ProxyMemory, client: ClientSupport, report: (outcome: Outcome) => void) {
    this.#options = options;
    this.#client = client;
    this.memory = memory;
    this.#delivery = new Delivery(options.delivery, memory);
    this.#report = report;
  }

  /** Takes a request of the client. */
  abstract request(request: Request, now: number): void;

  /** Everything in which the client differs from what it is to have. */
  protected abstract differences(type: TypeState, set: ResourceSet): readonly Change[];

  /** What of the changes has not been refused. */
  protected abstract sendable(type: TypeState, set: ResourceSet, changes: readonly Change[]): readonly Change[];

  /** Whether a client that has a resource of this type is told when it goes; if not, it leaves it when it needs it no more. */
  protected abstract tellsRemovals(typeUrl: string): boolean;

  /** Whether a client that has not had a response of this type waits for one even if it is empty. */
  protected abstract owesAnswer(type: TypeState): boolean;

  /** @param complete whether the changes are all there are. */
  protected abstract respond(
    type: TypeState,
    set: ResourceSet,
    changes: readonly Change[],
    complete: boolean,
  ): Response;

  /** @param living resources with a time to live that the client holds. */
  protected abstract heartbeat(type: TypeState, set: ResourceSet, living: readonly Resource[]): Heartbeat | undefined;

  /** What the client is to be served from now on; `undefined` leaves it with what it has. */
  serve(snapshot: Snapshot | undefined): void {
    if (snapshot !== undefined) this.#snapshot = snapshot;
  }

  /** The stream has ended. */
  close(): void {
    for (const type of this.#types.values()) this.keep(type);
  }

  /** Keeps what helps to find out what the client has when it comes back: here, what it may have of this type. */
  protected abstract keep(type: TypeState): void;

  /** How much the client subscribed to. */
  size(): { readonly types: number; readonly names: number } {
    let names = 0;
    for (const { subscription } of this.#types.values()) names += subscription.names.size;
    return { types: this.#types.size, names };
  }

  /** When {@link next} is to be called again if nothing happens before. */
  get wakeAt(): number | undefined {
    return this.#wakeAt;
  }

  /** How the client stood when {@link next} last found nothing to send. */
  get standing(): Standing {
    return this.#standing;
  }

  /** The next response to send, or `undefined` if there is none now. */
  next(now: number): Send | undefined {
    this.#wakeAt = undefined;
    this.#standing = "unsettled";
    if (this.#snapshot === undefined) return undefined;
    if (!this.#owedToWarming && isWarming(this.#types)) {
      this.#owedToWarming = true;
      // Nobody knows which of them it waits for.
      const { ledger, subscription } = this.type(TypeUrl.endpoint);
      for (const name of subscription.names) ledger.owe(name);
    }
    const turn = new Turn(this.#options, this.#scene(this.#snapshot), now);
    for (const type of this.#pushOrder) this.#supersede(type, servedSet(this.#snapshot, type.typeUrl), turn, now);
    let standing: Standing = "settled";
    for (const type of this.#pushOrder) {
      const set = servedSet(this.#snapshot, type.typeUrl);
      if (!type.requested || set === undefined) continue;
      if (type.ledger.flight !== undefined) {
        standing = "unsettled";
        continue;
      }
      const { differences, possible, due } = turn.stand(type, set);
      if (possible.length > 0) standing = "unsettled";
      else if (differences.length > 0 && standing === "settled") standing = "rejecting";
      const owed = differences.length === 0 && !type.answered && this.owesAnswer(type);
      if (owed || due.length > 0) return this.#send(type, set, due, due.length === differences.length, now);
      const heartbeat = this.#heartbeatNow(type, set, turn, now);
      if (heartbeat !== undefined) return heartbeat;
    }
    this.#wakeAt = turn.wakeAt;
    this.#standing = standing;
    return undefined;
  }

  /** Where the client stands with every resource of its snapshot. */
  status(): TypeStatus[] {
    const sets = this.#snapshot?.sets.values() ?? [];
    return Array.from(sets, (set) =>
      typeStatus(set, this.#types.get(set.typeUrl), this.#delivery, this.tellsRemovals(set.typeUrl)),
    );
  }

  /** The state of a type, made when the type is first named. */
  protected type(typeUrl: string): TypeState {
    let type = this.#types.get(typeUrl);
    if (type === undefined) {
      type = new TypeState(typeUrl);
      this.#types.set(typeUrl, type);
      this.#pushOrder = [...this.#types.values()].sort((a, b) => rank(a) - rank(b));
    }
    return type;
  }

  /** Notes the first request for a type; `resumed`: the client has resources of it from an earlier stream. */
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
    const { typeUrl, form } = type;
    type.unansweredSince = undefined;
    const staged = form && flight.changes[0]?.wanted;
    const resources = namedVersions(flight.changes);
    type.form = undefined;
    const about = { typeUrl, resources, sentAt: type.sentAt };
    if (error === undefined && flight.isHeartbeat) {
      type.ledger.accept();
    } else if (error === undefined) {
      type.ledger.accept();
      type.acceptedVersion = flight.version;
      type.ackedAt = now;
      type.accepted.setAll(flight.changes, now);
      if (staged) this.#delivery.accepted(staged, form, now);
      this.#report({ kind: "acked", ...about });
    } else if (staged && this.#delivery.rejected(staged, now)) {
      type.ledger.reject(error, now, true);
      this.#report({ kind: "prewarming", ...about, message: error });
    } else {
      type.ledger.reject(error, now, false);
      this.#report({ kind: "rejected", ...about, message: error });
    }
  }

  /** Notes an answer to an earlier response than that in flight: the client has come that far. */
  protected answeredEarlier(type: TypeState): void {
    if (type.ledger.flight !== undefined) type.unansweredSince = type.sentAt;
  }

  /** Forgets what the client no longer subscribes to. */
  protected retainSubscribed(type: TypeState): void {
    const keep: Keeps = (name, held) => type.subscription.covers(name, held?.aliases);
    type.ledger.retain(keep);
    if (type.typeUrl === TypeUrl.extensionConfig) this.#delivery.retain(keep);
  }

  /** Waits no longer for the answer to a response if that did not come in time, and something else is to be sent. */
  #supersede(type: TypeState, set: ResourceSet | undefined, turn: Turn, now: number): void {
    const { ledger, sentAt } = type;
    if (ledger.flight === undefined || set === undefined || ledger.flight.typeVersion === set.version) return;
    const until = sentAt + this.#options.orderTimeoutMs;
    if (until > now) turn.wake(until);
    else if (!bringsAll(type, set)) {
      this.keep(type);
      ledger.doubt();
    }
  }

  #send(type: TypeState, set: ResourceSet, changes: readonly Change[], complete: boolean, now: number): Send {
    const { typeUrl } = type;
    const isFirst = !type.answered && !type.resumed;
    const { version, removed, result, resources } = this.respond(type, set, changes, complete);
    const nonce = this.#nonceOf(type);
    const [first] = changes;
    const had = first && type.ledger.isRepeat(first.name) ? type.ledger.held.get(first.name)?.version : undefined;
    type.ledger.sent({ nonce, version, typeVersion: set.version, changes, result, isHeartbeat: false });
    if (set.shortestTtlMs !== undefined) {
      type.heartbeatAt = Math.min(type.heartbeatAt ?? Infinity, nextHeartbeat(set.shortestTtlMs, now));
    }
    type.answered = true;
    type.sentAt = now;
    type.unansweredSince ??= now;
    if (complete) type.waitingSince = undefined;
    if (typeUrl === TypeUrl.listener) this.#listenersSentAt ??= now;
    // A client that was never sent a cluster asks for the endpoints of each.
    if (typeUrl === TypeUrl.cluster && !isFirst) this.#oweEndpoints(changes);
    const form = this.#client.ttl ? "ttl" : "plain";
    const only = resources[0];
    if (typeUrl !== TypeUrl.extensionConfig || only === undefined)
      return { typeUrl, version, nonce, resources, removed, form };
    type.form = this.#delivery.send(only, { listenersSentAt: this.#listenersSentAt, had }, now);
    return { typeUrl, version, nonce, resources: [type.form], removed, form };
  }

  /** The nonce of the next response of this type. */
  #nonceOf(type: TypeState): string {
    type.lastNonce = String(++this.#lastNonce);
    return type.lastNonce;
  }

  /** What keeps alive what the client holds of this type, if it is time for that. */
  #heartbeatNow(type: TypeState, set: ResourceSet, turn: Turn, now: number): Send | undefined {
    const { shortestTtlMs } = set;
    if (!this.#client.ttl || shortestTtlMs === undefined) return undefined;
    if (type.heartbeatAt !== undefined && type.heartbeatAt > now) {
      turn.wake(type.heartbeatAt);
      return undefined;
    }
    const living = livingOf(type, set);
    const heartbeat = living.length > 0 ? this.heartbeat(type, set, living) : undefined;
    if (heartbeat === undefined) {
      type.heartbeatAt = undefined;
      return undefined;
    }
    const { version, resources, withBodies } = heartbeat;
    type.heartbeatAt = nextHeartbeat(shortestTtlMs, now);
    const nonce = this.#nonceOf(type);
    const { held } = type.ledger;
    type.sentAt = now;
    type.unansweredSince ??= now;
    type.ledger.sent({ nonce, version, typeVersion: set.version, changes: [], result: held, isHeartbeat: true });
    return { typeUrl: type.typeUrl, version, nonce, resources, removed: [], form: withBodies ? "ttl" : "heartbeat" };
  }

  /** Envoy warms an updated cluster until it gets endpoints, even if they are those it has. */
  #oweEndpoints(changes: readonly Change[]): void {
    for (const { wanted } of changes) {
      const name = wanted ? endpointName(wanted) : undefined;
      if (name !== undefined) this.type(TypeUrl.endpoint).ledger.owe(name);
    }
  }

  #scene(snapshot: Snapshot): Scene {
    const { orderTimeoutMs, resumeGraceMs } = this.#options;
    const graceMs = isWarming(this.#types) ? orderTimeoutMs : resumeGraceMs;
    return {
      snapshot,
      types: this.#types,
      delivery: this.#delivery,
      graceEndsAt: this.#resumed && this.#startedAt !== undefined ? this.#startedAt + graceMs : -Infinity,
      differences: (type, set) => this.differences(type, set),
      sendable: (type, set, changes) => this.sendable(type, set, changes),
    };
  }
}

function rank({ typeUrl }: TypeState): number {
  const index = SERVED_TYPES.indexOf(typeUrl);
  return index < 0 ? SERVED_TYPES.length : index;
}
