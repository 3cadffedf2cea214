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
  #names = new Set<string>();
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
    this.#covered = undefined;
    if (first && subscribe.length === 0) this.#wildcard = true;
    const asked: string[] = [];
    const left: string[] = [];
    for (const name of subscribe) {
      if (name === WILDCARD) this.#wildcard = true;
      else {
        this.#names.add(name);
        asked.push(name);
      }
    }
    for (const name of unsubscribe) {
      if (name === WILDCARD) this.#wildcard = false;
      else if (this.#names.delete(name)) left.push(name);
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
}
