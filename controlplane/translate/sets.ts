import type { Resource as UserResource } from "../model/index.ts";
import { snapshotOf, updatedLayeredSet, updatedSet } from "../xds/index.ts";
import type { Resource, ResourceSet, Snapshot } from "../xds/index.ts";

/**
 * The sets of resources of a translation: what several nodes share is made once, and what is as it was in the translation before is
 * taken over. Notes what each resource comes of.
 */
export class Sets {
  readonly #made = new Map<string, ResourceSet>();
  readonly #before: ReadonlyMap<string, ResourceSet> | undefined;
  readonly #origins = new WeakMap<Resource, readonly UserResource[]>();

  constructor(before: Sets | undefined) {
    // Only its map, or each translation would keep all that were before it.
    this.#before = before && before.#made;
  }

  /** Notes what a resource comes of. */
  from(origins: readonly UserResource[], resource: Resource): Resource {
    this.#origins.set(resource, origins);
    return resource;
  }

  originsOf(resource: Resource): readonly UserResource[] {
    return this.#origins.get(resource) ?? [];
  }

  /** A set that several nodes may have. @param key names everything on which it depends. */
  shared(typeUrl: string, key: string, resources: () => readonly Resource[]): ResourceSet {
    return this.#keep(typeUrl, key, (last) => this.updated(typeUrl, resources(), last));
  }

  /** As {@link shared}, of a set that others have too, and more. */
  layered(base: ResourceSet, key: string, resources: () => readonly Resource[]): ResourceSet {
    return this.#keep(base.typeUrl, key, (last) => updatedLayeredSet(base, this.#asBefore(resources(), last), last));
  }

  /** A set of one node. @param last that of the node's snapshot before. */
  updated(typeUrl: string, resources: readonly Resource[], last: ResourceSet | undefined): ResourceSet {
    return updatedSet(typeUrl, this.#asBefore(resources, last), last);
  }

  #keep(typeUrl: string, key: string, make: (last: ResourceSet | undefined) => ResourceSet): ResourceSet {
    const mapKey = `${typeUrl} ${key}`;
    let set = this.#made.get(mapKey);
    if (set === undefined) this.#made.set(mapKey, (set = make(this.#before?.get(mapKey))));
    return set;
  }

  /** Equal resources as they were in the set before, which then come of what the user wrote now. */
  #asBefore(resources: readonly Resource[], last: ResourceSet | undefined): readonly Resource[] {
    if (last === undefined) return resources;
    return resources.map((resource) => {
      const before = last.resources.get(resource.name);
      if (before === undefined || before === resource || before.version !== resource.version) return resource;
      return this.from(this.originsOf(resource), before);
    });
  }
}

/** The snapshot of before, if all of its sets are as they were. */
export function orBefore(before: Snapshot | undefined, sets: readonly ResourceSet[]): Snapshot {
  const isSame = before?.sets.size === sets.length && sets.every((set) => before.sets.get(set.typeUrl) === set);
  return isSame ? before : snapshotOf(sets);
}
