import { type Change, type Held, isKnown, isResource } from "./held.ts";
import type { Flight } from "./ledger.ts";
import { askedForBy, changesAfter, removalsAfter } from "./order.ts";
import { mentionsOf } from "./references.ts";
import type { Resource } from "./resource.ts";
import { TypeUrl } from "./type-url.ts";

/** How one client stands with a type. */
export interface TypeView {
  /** `unasked`: it has not asked for the type, but may be about to, since it resumes an earlier stream. */
  readonly asked: "yes" | "no" | "unasked";
  readonly held: ReadonlyMap<string, Held>;
  readonly flight: Flight | undefined;
  /** What the client is to have under its names, subscribed or not. */
  readonly served: ReadonlyMap<string, Resource>;
  /** In what the client differs from what it is to have. */
  readonly differences: readonly Change[];
  readonly isRefused: (change: Change) => boolean;
}

/**
 * Which step of a change a client has reached: what is new is added, then what refers to it is switched over, then what nothing
 * refers to any longer is removed; each step when the client acknowledged the one before.
 *
 * - A listener, filter or route that mentions a cluster waits until the client has this cluster, for as long as that takes.
 *   A client that refused it keeps what it has; one that has nothing yet gets the rest all the same.
 * - A listener waits as well if a route or filter that it asks for by name would have to.
 * - What is to be removed stays while anything that the client has, or may have, mentions it.
 *
 * Nothing here waits for what comes later in this order, so no two things wait for one another.
 */
export class Steps {
  readonly #view: (typeUrl: string) => TypeView;
  #clusters: Lacking | undefined;
  #waitsForRequest = false;

  /** @param view is asked at most once for each type that matters. */
  constructor(view: (typeUrl: string) => TypeView) {
    const views = new Map<string, TypeView>();
    this.#view = (typeUrl) => {
      let known = views.get(typeUrl);
      if (known === undefined) views.set(typeUrl, (known = view(typeUrl)));
      return known;
    };
  }

  /** Whether something waits only since the client may be about to ask for a type. */
  get waitsForRequest(): boolean {
    return this.#waitsForRequest;
  }

  /** The types that are to be acknowledged before changes of this type, and are not. */
  inFlightBefore(typeUrl: string): string[] {
    return changesAfter(typeUrl).filter((before) => this.#view(before).flight !== undefined);
  }

  /** Whether additions and updates of a type can be held up by what the client lacks. */
  mayLack(typeUrl: string): boolean {
    return changesAfter(typeUrl).includes(TypeUrl.cluster) && !this.#lacking.isNothing;
  }

  /** Whether a change would refer to what the client does not have. */
  lacks(typeUrl: string, { name, wanted }: Change): boolean {
    if (wanted === null || !this.mayLack(typeUrl)) return false;
    const isNew = !this.#view(typeUrl).held.get(name);
    const mentioned = mentionsOf(wanted);
    if (this.#lacksAny(mentioned, isNew)) return true;
    for (const asked of askedForBy(typeUrl)) {
      const { served, held } = this.#view(asked);
      for (const named of mentioned) {
        const follows = served.get(named);
        if (follows && !held.get(named) && this.#lacksAny(mentionsOf(follows), isNew)) return true;
      }
    }
    return false;
  }

  /** Whether a change mentions a cluster that is being added, replaced or removed, and is not acknowledged. */
  mentionsFlight({ wanted }: Change): boolean {
    const flying = this.#view(TypeUrl.cluster).flight?.changes ?? [];
    const mentioned = wanted === null ? undefined : mentionsOf(wanted);
    return mentioned !== undefined && flying.some(({ name }) => mentioned.has(name));
  }

  /** Whether nothing that the client has, or may have, refers to what is to be removed. */
  mayRemove(typeUrl: string, name: string): boolean {
    return removalsAfter(typeUrl).every((before) => {
      const { asked, flight, differences, held } = this.#view(before);
      if (asked === "unasked") this.#waitsForRequest = true;
      if (asked !== "yes") return asked === "no";
      if (flight !== undefined) return false;
      if (differences.length === 0) return true;
      // What comes may let go of it, and of names that it mentions nowhere, since it makes them up.
      if (!differences.every((change) => this.#isStuck(before, change))) return false;
      const mentioned = mentionedBy(held);
      return mentioned !== undefined && !mentioned.has(name);
    });
  }

  /** Whether a change will not come before something else changes: it was refused, or refers to what was refused. */
  #isStuck(typeUrl: string, change: Change): boolean {
    if (this.#view(typeUrl).isRefused(change)) return true;
    return this.#lacking.toCome.size === 0 && this.lacks(typeUrl, change);
  }

  get #lacking(): Lacking {
    return (this.#clusters ??= lackingOf(this.#view(TypeUrl.cluster)));
  }

  /** @param isNew whether the client has no earlier version of what mentions these names. */
  #lacksAny(mentioned: ReadonlySet<string>, isNew: boolean): boolean {
    const { toCome, refused } = this.#lacking;
    for (const name of mentioned) {
      if (!toCome.has(name) && (isNew || !refused.has(name))) continue;
      this.#waitsForRequest ||= this.#view(TypeUrl.cluster).asked === "unasked";
      return true;
    }
    return false;
  }
}

/** The clusters that a client is to have, and has not. */
interface Lacking {
  /** It will be given them, or told of them again. */
  readonly toCome: ReadonlyMap<string, unknown> | ReadonlySet<string>;
  readonly refused: ReadonlySet<string>;
  readonly isNothing: boolean;
}

function lackingOf({ asked, served, held, flight, differences, isRefused }: TypeView): Lacking {
  const refused = new Set<string>();
  if (asked === "unasked") return { toCome: served, refused, isNothing: served.size === 0 };
  const toCome = new Set<string>();
  if (asked === "no") return { toCome, refused, isNothing: true };
  for (const change of differences) {
    if (change.wanted === null || isKnown(held.get(change.name))) continue;
    (isRefused(change) ? refused : toCome).add(change.name);
  }
  // What it loses by the response in flight, it will have to be given again.
  for (const { name, wanted } of flight?.changes ?? []) if (wanted === null && served.has(name)) toCome.add(name);
  return { toCome, refused, isNothing: toCome.size === 0 && refused.size === 0 };
}

const mentionedByMaps = new WeakMap<ReadonlyMap<string, Held>, ReadonlySet<string> | null>();

/** All that resources mention; `undefined` if what is in one of them is not known. Worked out once for clients that share them. */
function mentionedBy(held: ReadonlyMap<string, Held>): ReadonlySet<string> | undefined {
  let known = mentionedByMaps.get(held);
  if (known === undefined) {
    known = union(held);
    mentionedByMaps.set(held, known);
  }
  return known ?? undefined;
}

function union(held: ReadonlyMap<string, Held>): ReadonlySet<string> | null {
  const names = new Set<string>();
  for (const have of held.values()) {
    if (have === null) continue;
    if (!isResource(have)) return null;
    for (const name of mentionsOf(have)) names.add(name);
  }
  return names;
}
