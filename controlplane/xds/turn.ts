import type { Delivery } from "./delivery.ts";
import { differenceOf } from "./difference.ts";
import type { Change, Held, Wanted } from "./held.ts";
import { type ResourceSet, servedSet, type Snapshot } from "./snapshot.ts";
import { Steps, type TypeView } from "./steps.ts";
import type { TypeState } from "./type-state.ts";
import { TypeUrl } from "./type-url.ts";

export interface TurnOptions {
  /**
   * How long a change waits for the types before it to be acknowledged, in milliseconds, if the client has an earlier
   * version of all that it refers to; and after which a response that is not answered is superseded.
   */
  readonly orderTimeoutMs: number;
  /** How long a change waits for clusters that it does not mention, in milliseconds: it may choose one by a header. */
  readonly unrelatedTimeoutMs: number;
}

/** What a turn looks at: a stream as it stands. */
export interface Scene {
  readonly snapshot: Snapshot;
  readonly types: ReadonlyMap<string, TypeState>;
  readonly delivery: Delivery;
  /** Until when a client that resumes an earlier stream may ask for its types in any order; milliseconds since the epoch. */
  readonly graceEndsAt: number;
  /** Everything in which the client differs from what it is to have. */
  differences(type: TypeState, set: ResourceSet): readonly Change[];
  /** What of the changes has not been refused. */
  sendable(type: TypeState, set: ResourceSet, changes: readonly Change[]): readonly Change[];
}

/** How a type stands in a turn. */
export interface Stand {
  /** Everything in which the client differs from what it is to have. */
  readonly differences: readonly Change[];
  /** What of that it can be given, if not now then soon. */
  readonly possible: readonly Change[];
  /** What of that is due now. */
  readonly due: readonly Change[];
}

/**
 * One look at what a client is to be sent: which changes are due at this time, and, of what is not, when to look again.
 */
export class Turn {
  readonly #options: TurnOptions;
  readonly #scene: Scene;
  readonly #now: number;
  readonly #steps: Steps;
  #wakeAt: number | undefined;

  constructor(options: TurnOptions, scene: Scene, now: number) {
    this.#options = options;
    this.#scene = scene;
    this.#now = now;
    this.#steps = new Steps((typeUrl) => this.#view(typeUrl));
  }

  /** When to look again if nothing happens before. */
  get wakeAt(): number | undefined {
    if (this.#steps.waitsForRequest) this.wake(this.#scene.graceEndsAt);
    return this.#wakeAt;
  }

  wake(at: number): void {
    this.#wakeAt = Math.min(this.#wakeAt ?? at, at);
  }

  stand(type: TypeState, set: ResourceSet): Stand {
    const differences = this.#scene.differences(type, set);
    const possible = this.#stepOf(type, set, differences);
    if (possible.length === 0) {
      if (differences.length > 0) type.waitingSince = undefined;
      return { differences, possible, due: possible };
    }
    const due = this.#due(type, possible);
    return { differences, possible, due: type.typeUrl === TypeUrl.extensionConfig ? this.#nextFilter(due) : due };
  }

  /** What was not refused, and refers to nothing that the client lacks; of removals, what nothing refers to. */
  #stepOf(type: TypeState, set: ResourceSet, differences: readonly Change[]): readonly Change[] {
    if (differences.length === 0) return differences;
    const { typeUrl, ledger } = type;
    const steps = this.#steps;
    const isRemoval = ({ name, wanted }: Change): boolean => wanted === null && Boolean(ledger.held.get(name));
    const allowed = filtered(differences, (change) => !isRemoval(change) || steps.mayRemove(typeUrl, change.name));
    const sendable = this.#scene.sendable(type, set, allowed);
    return steps.mayLack(typeUrl) ? filtered(sendable, (change) => !steps.lacks(typeUrl, change)) : sendable;
  }

  /** What need not wait any longer. A client that has nothing of a type yet gets its first answer at once. */
  #due(type: TypeState, changes: readonly Change[]): readonly Change[] {
    const now = this.#now;
    const before = this.#steps.inFlightBefore(type.typeUrl);
    if (before.length === 0 || (!type.resumed && type.ledger.held.size === 0)) return changes;
    type.waitingSince ??= now;
    const { orderTimeoutMs, unrelatedTimeoutMs } = this.#options;
    const onlyClusters = before.every((typeUrl) => typeUrl === TypeUrl.cluster);
    let wakeAt = Infinity;
    const due = filtered(changes, (change) => {
      const waits = onlyClusters && !this.#steps.mentionsFlight(change) ? unrelatedTimeoutMs : orderTimeoutMs;
      const until = (type.waitingSince ?? now) + waits;
      if (until > now) wakeAt = Math.min(wakeAt, until);
      return until <= now;
    });
    if (due.length === 0) this.wake(wakeAt);
    return due;
  }

  /** Filters go one by one, so that a rejection is about one filter, and each when its own delivery says so. */
  #nextFilter(changes: readonly Change[]): readonly Change[] {
    const removals = changes.filter(({ wanted }) => wanted === null);
    if (removals.length > 0) return removals;
    for (const change of changes) {
      const readyAt = change.wanted ? this.#scene.delivery.readyAt(change.wanted, this.#now) : this.#now;
      if (readyAt <= this.#now) return [change];
      this.wake(readyAt);
    }
    return [];
  }

  #view(typeUrl: string): TypeView {
    const { snapshot, types, graceEndsAt } = this.#scene;
    const type = types.get(typeUrl);
    const set = servedSet(snapshot, typeUrl);
    if (set === undefined) return { ...nothing, asked: "no" };
    const served = set.resources;
    // A client that resumes asks for its types in any order.
    if (!type?.requested) return { ...nothing, served, asked: this.#now < graceEndsAt ? "unasked" : "no" };
    const { held, flight } = type.ledger;
    const isRefused = (change: Change): boolean => type.ledger.isRefused(change, set.version);
    return { asked: "yes", held, flight, served, differences: this.#scene.differences(type, set), isRefused };
  }
}

/** Whether the client has what it is to have once it accepts the response in flight. */
export function bringsAll(type: TypeState, set: ResourceSet): boolean {
  const { flight } = type.ledger;
  return flight !== undefined && isSameMap(flight.result, type.subscription.covered(set));
}

const nothing: Omit<TypeView, "asked"> = {
  held: new Map(),
  flight: undefined,
  served: new Map(),
  differences: [],
  isRefused: () => false,
};

function isSameMap(held: ReadonlyMap<string, Held>, wanted: ReadonlyMap<string, Wanted>): boolean {
  const { changes, removals } = differenceOf(held, wanted);
  return changes.length === 0 && removals.length === 0;
}

/** As `filter`, but the very list if all of it stays. */
function filtered<T>(list: readonly T[], keep: (item: T) => boolean): readonly T[] {
  return list.every(keep) ? list : list.filter(keep);
}
