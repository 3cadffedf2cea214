import type { Resource } from "./resource.ts";
import type { ResourceSet } from "./snapshot.ts";

const WILDCARD = "*";

/** What became of a subscription by an incremental request. */
export interface SubscriptionChange {
  /** Names asked for, whether or not they were subscribed before. */
  readonly asked: readonly string[];
  /** Names that were subscribed by name and no longer are. */
  readonly left: readonly string[];
}

/**
 * What a client wants of one type, with the wildcard rules of the xDS protocol ("How the client specifies what
 * resources to return"), which differ between the two variants of the protocol. A stream uses either
 * {@link replace} or {@link update}, never both.
 */
export class Subscription {
  #wildcard = false;
  #named = false;
  /** Shared with other clients as long as it is not {@link #own}. */
  #names: ReadonlySet<string> = noNames;
  #own: Set<string> | undefined;
  /** State of the world: the list of the last request. */
  #asked: readonly string[] | undefined;
  #covered: { readonly set: ResourceSet; readonly resources: ReadonlyMap<string, Resource | null> } | undefined;

  get wildcard(): boolean {
    return this.#wildcard;
  }

  /** Names subscribed explicitly. */
  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /** Whether a resource of this name is subscribed to; `aliases` are its other names. */
  covers(name: string, aliases: readonly string[] = []): boolean {
    return this.#wildcard || this.#names.has(name) || aliases.some((alias) => this.#names.has(alias));
  }

  /**
   * State of the world: `names` is the whole subscription. An empty list is a wildcard as long as no name was ever
   * given on this stream, and afterwards a subscription to nothing.
   *
   * @returns whether anything changed, which is rare: an acknowledgement repeats the names.
   */
  replace(names: readonly string[]): boolean {
    if (names === this.#asked) return false;
    this.#asked = names;
    const all = new Set(names);
    this.#named ||= all.size > 0;
    const wildcard = all.delete(WILDCARD) || !this.#named;
    if (wildcard === this.#wildcard && all.size === this.#names.size && names.every((name) => this.#isKnown(name))) {
      return false;
    }
    this.#wildcard = wildcard;
    this.#names = all;
    this.#covered = undefined;
    return true;
  }

  /**
   * Incremental: a first request that subscribes to nothing is a wildcard. Only unsubscribing from `*` leaves the
   * wildcard, however it was entered.
   */
  update(subscribe: readonly string[], unsubscribe: readonly string[], first: boolean): SubscriptionChange {
    const asked: string[] = [];
    const left: string[] = [];
    if (first && subscribe.length === 0) this.#wildcard = true;
    if (subscribe.length === 0 && unsubscribe.length === 0) return { asked, left };
    this.#covered = undefined;
    const names = (this.#own ??= new Set(this.#names));
    this.#names = names;
    for (const name of subscribe) {
      if (name === WILDCARD) this.#wildcard = true;
      else {
        names.add(name);
        asked.push(name);
      }
    }
    for (const name of unsubscribe) {
      if (name === WILDCARD) this.#wildcard = false;
      else if (names.delete(name)) left.push(name);
    }
    return { asked, left };
  }

  /**
   * The resources of `set` that are subscribed, under their own names and in the order of these, and then, as `null`,
   * the names that are subscribed explicitly and that no resource has, not even as an alias. When that is the whole set, its own map is returned and thus shared.
   */
  covered(set: ResourceSet): ReadonlyMap<string, Resource | null> {
    if (this.#covered?.set !== set) this.#covered = { set, resources: this.#select(set) };
    return this.#covered.resources;
  }

  #isKnown(name: string): boolean {
    return name === WILDCARD || this.#names.has(name);
  }

  #select(set: ResourceSet): ReadonlyMap<string, Resource | null> {
    if (this.#names.size === 0) return this.#wildcard ? set.resources : new Map();
    if (this.#isAllOf(set)) return set.resources;
    const subscribed = new Set<string>();
    const missing: string[] = [];
    for (const name of this.#names) {
      const exists = set.resources.has(name);
      const aliased = set.aliased.get(name);
      if (exists) subscribed.add(name);
      for (const resource of aliased ?? []) subscribed.add(resource.name);
      if (!exists && aliased === undefined) missing.push(name);
    }
    const all = this.#wildcard || subscribed.size === set.resources.size;
    if (all && missing.length === 0) return set.resources;
    const selected = new Map<string, Resource | null>();
    for (const [name, resource] of set.resources) if (all || subscribed.has(name)) selected.set(name, resource);
    for (const name of missing) selected.set(name, null);
    return selected;
  }

  /** Whether the names are those of a whole set, as those of endpoints are; then thousands of clients share one set of names. */
  #isAllOf(set: ResourceSet): boolean {
    const names = this.#names;
    if (names.size !== set.resources.size) return false;
    const whole = wholes.get(set);
    if (names === whole) return true;
    for (const name of names) if (!set.resources.has(name) || set.aliased.has(name)) return false;
    if (whole === undefined) wholes.set(set, names);
    else this.#names = whole;
    this.#own = undefined;
    return true;
  }
}

const noNames: ReadonlySet<string> = new Set();

/** The names of sets to which clients subscribe as a whole. */
const wholes = new WeakMap<ResourceSet, ReadonlySet<string>>();
