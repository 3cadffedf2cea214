import { markShared } from "./difference.ts";
import { LayeredMap } from "./layered-map.ts";
import type { NodeInfo } from "./node.ts";
import type { Resource } from "./resource.ts";
import { sumOf, unionOf, versionOfSum } from "./set-hash.ts";
import { SERVED_TYPES } from "./type-url.ts";

/** All resources of one type that a node is served. Immutable; many snapshots may share one set. */
export interface ResourceSet {
  readonly typeUrl: string;
  /** In the order of their names. */
  readonly resources: ReadonlyMap<string, Resource>;
  /** Hash of the names and versions. Computed when it is first read. */
  readonly version: string;
  /** The resources of each alias. Computed when it is first read. */
  readonly aliased: ReadonlyMap<string, readonly Resource[]>;
  /** The shortest life of a resource that has one, in milliseconds. */
  readonly shortestTtlMs: number | undefined;
  /** Of the names and versions, whatever {@link version} may be: see set-hash.ts. */
  readonly sum: bigint;
  /** The version of some of the resources. */
  versionOf(resources: Iterable<Pick<Resource, "name" | "version">>): string;
}

/** Everything that a node is served, by type URL. A value: to change what a node gets, make another one. */
export interface Snapshot {
  readonly sets: ReadonlyMap<string, ResourceSet>;
}

/** Says what a node is to have now. */
export interface SnapshotSource {
  /** `undefined` while nothing is known for this node: it is left waiting, with what it has. */
  snapshot(node: NodeInfo): Snapshot | undefined;
  /**
   * What it may have been served before, latest first, by this control plane or by another one of the same source. A client that comes from
   * there says in the state of the world only a version of all that it has.
   */
  earlier?(node: NodeInfo): Iterable<Snapshot>;
}

/**
 * Makes a set of resources of one type.
 *
 * @param version fixes the version of the set and of all its subsets, for callers with versions of their own.
 * @throws RangeError when two resources have the same name or one is of another type.
 */
export function createResourceSet(typeUrl: string, resources: Iterable<Resource>, version?: string): ResourceSet {
  return new NamedResources(typeUrl, resources, version);
}

/** As {@link createResourceSet}, but takes over a set of before that holds the same, so that it is seen at a glance that nothing changed. */
export function updatedSet(
  typeUrl: string,
  resources: readonly Resource[],
  previous: ResourceSet | undefined,
): ResourceSet {
  return previous !== undefined && holdsExactly(previous, resources) ? previous : createResourceSet(typeUrl, resources);
}

/**
 * Makes a set that has the resources of another one, which many nodes share, and some that few have. It is as that of
 * all of them together, but costs only what the few do.
 *
 * @throws RangeError when two resources have the same name or one is of another type.
 */
export function createLayeredSet(base: ResourceSet, resources: Iterable<Resource>): ResourceSet {
  return new LayeredResources(base, new NamedResources(base.typeUrl, resources, undefined));
}

/** As {@link createLayeredSet}, but takes over a set of before that holds the same. */
export function updatedLayeredSet(
  base: ResourceSet,
  resources: readonly Resource[],
  previous: ResourceSet | undefined,
): ResourceSet {
  if (previous instanceof LayeredResources && previous.base === base && holdsExactly(previous.own, resources))
    return previous;
  return createLayeredSet(base, resources);
}

/**
 * Makes a snapshot from resources of any types. Types of {@link SERVED_TYPES} without a resource get an empty set.
 *
 * Sets that hold the same as those of `previous` are taken over, so that streams see at a glance that nothing changed.
 */
export function createSnapshot(resources: Iterable<Resource>, previous?: Snapshot): Snapshot {
  const byType = new Map<string, Resource[]>(SERVED_TYPES.map((typeUrl) => [typeUrl, []]));
  for (const resource of resources) {
    const list = byType.get(resource.typeUrl);
    if (list === undefined) byType.set(resource.typeUrl, [resource]);
    else list.push(resource);
  }
  return snapshotOf(Array.from(byType, ([typeUrl, list]) => updatedSet(typeUrl, list, previous?.sets.get(typeUrl))));
}

/** Makes a snapshot of these sets, one a type. */
export function snapshotOf(sets: Iterable<ResourceSet>): Snapshot {
  return Object.freeze({ sets: new Map(Array.from(sets, (set) => [set.typeUrl, set])) });
}

/** What a snapshot serves of a type: of those of {@link SERVED_TYPES} that it does not name, an empty set. */
export function servedSet(snapshot: Snapshot, typeUrl: string): ResourceSet | undefined {
  return snapshot.sets.get(typeUrl) ?? emptySets.get(typeUrl);
}

class NamedResources implements ResourceSet {
  readonly typeUrl: string;
  readonly resources: ReadonlyMap<string, Resource>;
  readonly shortestTtlMs: number | undefined;
  readonly #given: string | undefined;
  #aliased: ReadonlyMap<string, readonly Resource[]> | undefined;
  #version: string | undefined;
  #sum: bigint | undefined;

  constructor(typeUrl: string, resources: Iterable<Resource>, version: string | undefined) {
    const sorted = [...resources].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    const byName = new Map<string, Resource>();
    for (const resource of sorted) {
      if (resource.typeUrl !== typeUrl)
        throw new RangeError(`${resource.name} is a ${resource.typeUrl}, expected ${typeUrl}`);
      if (byName.has(resource.name)) throw new RangeError(`two resources of ${typeUrl} are named ${resource.name}`);
      byName.set(resource.name, resource);
    }
    this.typeUrl = typeUrl;
    this.resources = byName;
    markShared(byName);
    this.shortestTtlMs = shortest(sorted);
    this.#given = version;
    this.#version = version;
  }

  get version(): string {
    return (this.#version ??= versionOfSum(this.sum));
  }

  get aliased(): ReadonlyMap<string, readonly Resource[]> {
    return (this.#aliased ??= byAlias(this.resources.values()));
  }

  get sum(): bigint {
    return (this.#sum ??= sumOf(this.resources.values()));
  }

  versionOf(resources: Iterable<Pick<Resource, "name" | "version">>): string {
    return this.#given ?? versionOfSum(sumOf(resources));
  }
}

class LayeredResources implements ResourceSet {
  readonly typeUrl: string;
  readonly resources: ReadonlyMap<string, Resource>;
  readonly shortestTtlMs: number | undefined;
  readonly base: ResourceSet;
  readonly own: ResourceSet;
  #aliased: ReadonlyMap<string, readonly Resource[]> | undefined;

  constructor(base: ResourceSet, own: NamedResources) {
    for (const name of own.resources.keys()) {
      if (base.resources.has(name)) throw new RangeError(`two resources of ${base.typeUrl} are named ${name}`);
    }
    this.typeUrl = base.typeUrl;
    this.base = base;
    this.own = own;
    this.resources = new LayeredMap(base.resources, own.resources);
    const [a = Infinity, b = Infinity] = [base.shortestTtlMs, own.shortestTtlMs];
    this.shortestTtlMs = Math.min(a, b) === Infinity ? undefined : Math.min(a, b);
  }

  get version(): string {
    return versionOfSum(this.sum);
  }

  get sum(): bigint {
    return unionOf(this.base.sum, this.own.sum);
  }

  get aliased(): ReadonlyMap<string, readonly Resource[]> {
    if (this.own.aliased.size === 0) return this.base.aliased;
    return (this.#aliased ??= byAlias(this.resources.values()));
  }

  versionOf(resources: Iterable<Pick<Resource, "name" | "version">>): string {
    return versionOfSum(sumOf(resources));
  }
}

function holdsExactly(set: ResourceSet, resources: readonly Resource[]): boolean {
  return (
    set.resources.size === resources.length &&
    resources.every((resource) => set.resources.get(resource.name)?.version === resource.version)
  );
}

function byAlias(resources: Iterable<Resource>): ReadonlyMap<string, readonly Resource[]> {
  const aliased = new Map<string, Resource[]>();
  for (const resource of resources) {
    for (const alias of resource.aliases ?? []) {
      const list = aliased.get(alias);
      if (list === undefined) aliased.set(alias, [resource]);
      else list.push(resource);
    }
  }
  return aliased;
}

function shortest(resources: readonly Resource[]): number | undefined {
  let least: number | undefined;
  for (const { ttlMs } of resources) if (ttlMs !== undefined && !(ttlMs >= (least ?? Infinity))) least = ttlMs;
  return least;
}

const emptySets = new Map(SERVED_TYPES.map((typeUrl) => [typeUrl, createResourceSet(typeUrl, [])]));
