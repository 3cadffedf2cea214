import { localityName } from "../model/index.ts";
import type {
  Endpoint,
  FilterPolicy,
  Locality,
  Model,
  Problem,
  Resource as UserResource,
  Service,
  Sidecar,
} from "../model/index.ts";
import { EnvoyPatches } from "../patches/index.ts";
import { snapshotOf, TypeUrl, updatedLayeredSet, updatedSet } from "../xds/index.ts";
import type { NodeInfo, Resource, ResourceSet, Snapshot } from "../xds/index.ts";
import { inboundCluster, outboundCluster, usesDns } from "./clusters.ts";
import { outboundEndpoints } from "./endpoints.ts";
import { Encoded } from "./encoded.ts";
import { extensionConfig, referenceKey } from "./filters.ts";
import { inboundListener, outboundListener } from "./listeners.ts";
import { inboundRoutes, outboundRoutes, routesByService } from "./route-configurations.ts";
import {
  isProxyless,
  nowhereCluster,
  nowhereEndpoints,
  proxylessCluster,
  proxylessEndpoints,
  proxylessListener,
  proxylessRoutes,
} from "./proxyless.ts";
import type { ModuleRef, TranslationSettings } from "./settings.ts";

/** What a node is to have, or why it is to have nothing. */
export type NodeSnapshot = { readonly snapshot: Snapshot } | { readonly snapshot: undefined; readonly reason: string };

/** A sidecar and where it stands. */
export interface SidecarPlace {
  readonly service: Service;
  readonly endpoint: Endpoint;
  readonly sidecar: Sidecar;
}

/** Of a node, what decides what it is to have. */
type Node = Pick<NodeInfo, "id" | "cluster"> & Partial<Pick<NodeInfo, "userAgentName" | "locality">>;

/** A model as Envoy resources. Immutable; what several nodes share is encoded once. */
export interface Translation {
  /** Every sidecar of the model, by node id. */
  readonly sidecars: ReadonlyMap<string, SidecarPlace>;
  /** The filter of a FilterPolicy, as this node is to have it; undefined where its module is not known. */
  extensionConfig(policy: string, nodeId: string): Resource | undefined;
  snapshotFor(node: Node): NodeSnapshot;
  /** What the user wrote that a resource of a snapshot comes of; nothing for what is the same in every mesh. */
  originsOf(resource: Resource): readonly UserResource[];
  /** What is wrong with the EnvoyPatches, each applied to all that it is for. Makes the snapshots of these sidecars. */
  check(): Problem[];
}

/**
 * Translates a model. Pure: equal input gives equal bytes, here and on every replica.
 *
 * @param modules the stored module of each WasmModule. A policy whose module is not there has no filter to deliver, and the
 * stand-in of its listeners takes its place.
 * @param previous a translation with the same settings, from which what has not changed is taken over: a change then costs what it
 * changes.
 */
export function translate(
  model: Model,
  modules: ReadonlyMap<string, ModuleRef>,
  settings: TranslationSettings,
  previous?: Translation,
): Translation {
  const before = previous instanceof ModelTranslation ? previous : undefined;
  return new ModelTranslation(model, modules, settings, before);
}

class ModelTranslation implements Translation {
  readonly sidecars: ReadonlyMap<string, SidecarPlace>;
  readonly #extensionConfigs: ReadonlyMap<string, Resource>;
  readonly #policies: readonly FilterPolicy[];
  readonly #services: readonly Service[];
  readonly #model: Model;
  /** The localities of endpoints. */
  readonly #places: ReadonlySet<string>;
  readonly #outboundRoutes: Resource;
  readonly #settings: TranslationSettings;
  readonly #patches: EnvoyPatches;
  readonly #origins = new WeakMap<Resource, readonly UserResource[]>();
  readonly #encoded: Encoded;
  readonly #policiesOf: ReadonlyMap<string, readonly FilterPolicy[]>;
  readonly #before: Pick<ModelTranslation, "sets" | "snapshots"> | undefined;
  readonly sets = new Map<string, ResourceSet>();
  readonly snapshots = new Map<string, Snapshot>();

  constructor(
    model: Model,
    modules: ReadonlyMap<string, ModuleRef>,
    settings: TranslationSettings,
    before: ModelTranslation | undefined,
  ) {
    this.#encoded = before === undefined ? new Encoded() : before.#encoded;
    // Only its maps, or each translation would keep all that were before it.
    this.#before = before && { sets: before.sets, snapshots: before.snapshots };
    const services = [...model.services.values()];
    this.#settings = settings;
    this.#patches = new EnvoyPatches(model);
    this.#policies = [...model.filterPolicies.values()].sort((a, b) => a.spec.order - b.spec.order || byName(a, b));
    this.#extensionConfigs = new Map(
      this.#policies.flatMap((policy) => {
        const module = modules.get(policy.spec.module);
        if (module === undefined) return [];
        const origins = [policy, model.wasmModules.get(policy.spec.module) ?? []].flat();
        const make = (): Resource => extensionConfig(policy, module, settings);
        return [[policy.metadata.name, this.#from(origins, this.#encoded.get(policy, module.sha256, make))]];
      }),
    );
    this.sidecars = new Map(
      services.flatMap((service) =>
        service.spec.endpoints.flatMap((endpoint): [string, SidecarPlace][] =>
          endpoint.sidecar === undefined
            ? []
            : [[endpoint.sidecar.node, { service, endpoint, sidecar: endpoint.sidecar }]],
        ),
      ),
    );
    this.#services = services;
    this.#model = model;
    this.#places = new Set(
      services.flatMap(({ spec }) =>
        spec.endpoints.flatMap(({ locality }) => (locality === undefined ? [] : [localityName(locality)])),
      ),
    );
    const routes = [...model.httpRoutes.values(), ...model.grpcRoutes.values()];
    this.#outboundRoutes = this.#from([...services, ...routes], outboundRoutes(model));
    this.#policiesOf = policiesByService(this.#policies);
  }

  extensionConfig(policy: string): Resource | undefined {
    return this.#extensionConfigs.get(policy);
  }

  snapshotFor({ id, cluster, userAgentName = "", locality }: Node): NodeSnapshot {
    if (isProxyless({ userAgentName })) return { snapshot: this.#proxylessSnapshot(locality) };
    const place = this.sidecars.get(id);
    if (place === undefined)
      return { snapshot: undefined, reason: `no endpoint has a sidecar with the node id "${id}"` };
    const { name } = place.service.metadata;
    if (cluster !== name) {
      const reason = `the node "${id}" is a sidecar of Service ${name}, but says that its cluster is "${cluster}"`;
      return { snapshot: undefined, reason };
    }
    let snapshot = this.snapshots.get(id);
    if (snapshot === undefined) this.snapshots.set(id, (snapshot = this.#snapshot(place)));
    return { snapshot };
  }

  originsOf(resource: Resource): readonly UserResource[] {
    const { before, patches } = this.#patches.originOf(resource);
    return [...(this.#origins.get(before) ?? []), ...patches];
  }

  check(): Problem[] {
    if (this.#model.envoyPatches.size > 0) {
      for (const [id, { service }] of this.sidecars) this.snapshotFor({ id, cluster: service.metadata.name });
    }
    return this.#patches.problems();
  }

  #snapshot(place: SidecarPlace): Snapshot {
    return this.#patches.apply(this.#made(place), place.service.metadata.name);
  }

  /** What a sidecar is served but for EnvoyPatches. */
  #made({ service, endpoint, sidecar }: SidecarPlace): Snapshot {
    const { name } = service.metadata;
    const { outboundPort } = sidecar;
    const policies = this.#policiesOf.get(name) ?? [];
    const inbound = policies.filter(({ spec }) => spec.direction === "Inbound");
    const outbound = outboundPort === undefined ? [] : policies.filter(({ spec }) => spec.direction === "Outbound");
    const listeners = [
      this.#listener("inbound", service, sidecar, inbound, () =>
        inboundListener(service, endpoint, sidecar, inbound, this.#settings),
      ),
    ];
    if (outboundPort !== undefined) {
      const make = (): Resource => outboundListener(sidecar, outboundPort, outbound);
      listeners.push(this.#listener("outbound", service, sidecar, outbound, make));
    }

    // Sidecars of one Service mostly differ in their listeners and their application only, so all else is made once for all of
    // them. Where a Service prefers the same zone, its endpoints are in another order for clients elsewhere.
    const kind = `${outboundPort === undefined ? "inbound" : "both"} ${name}`;
    const place = endpoint.locality === undefined ? "" : localityName(endpoint.locality);
    const ifOutbound = <T>(items: () => readonly T[]): readonly T[] => (outboundPort === undefined ? [] : items());
    const before = this.#before?.snapshots.get(sidecar.node);
    const clusters = this.#set(TypeUrl.cluster, outboundPort === undefined ? "none" : `all ${place}`, () =>
      ifOutbound(() => this.#services.map((other) => this.#cluster(other, endpoint))),
    );
    return this.#orBefore(before, [
      this.#set(TypeUrl.secret, "", () => []),
      this.#keep(TypeUrl.cluster, `${kind} ${place} ${endpoint.address} ${endpoint.port}`, (last) =>
        updatedLayeredSet(clusters, this.#asBefore([this.#application(service, endpoint)], last), last),
      ),
      this.#set(TypeUrl.endpoint, outboundPort === undefined ? "none" : `all ${place}`, () =>
        ifOutbound(() =>
          this.#services.filter((other) => !usesDns(other)).map((other) => this.#loadAssignment(other, endpoint)),
        ),
      ),
      this.#updated(TypeUrl.listener, listeners, before?.sets.get(TypeUrl.listener)),
      this.#set(TypeUrl.extensionConfig, kind, () =>
        [...inbound, ...outbound].flatMap(({ metadata }) => this.#extensionConfigs.get(metadata.name) ?? []),
      ),
      this.#set(TypeUrl.route, kind, () => [
        this.#from(
          [service],
          this.#encoded.get(service, "inbound routes", () => inboundRoutes(service)),
        ),
        ...ifOutbound(() => [this.#outboundRoutes]),
      ]),
    ]);
  }

  #listener(
    name: string,
    service: Service,
    { node }: Sidecar,
    policies: readonly FilterPolicy[],
    make: () => Resource,
  ): Resource {
    const key = `${name} listener of ${node}: ${policies.map(referenceKey).join(" ")}`;
    return this.#from([service, ...policies], this.#encoded.get(service, key, make));
  }

  #application(service: Service, endpoint: Endpoint): Resource {
    const key = `application ${endpoint.address} ${endpoint.port}`;
    return this.#from(
      [service],
      this.#encoded.get(service, key, () => inboundCluster(service, endpoint)),
    );
  }

  /** The snapshot of before, if all of its sets are as they were. */
  #orBefore(before: Snapshot | undefined, sets: readonly ResourceSet[]): Snapshot {
    const isSame = before?.sets.size === sets.length && sets.every((set) => before.sets.get(set.typeUrl) === set);
    return isSame ? before : snapshotOf(sets);
  }

  /** For a gRPC client without a sidecar: every Service. The same for all clients of a place. */
  #proxylessSnapshot(locality: Locality | undefined): Snapshot {
    // Anyone can say to be anywhere, so only places of the model have a snapshot of their own.
    const said = locality === undefined ? "" : localityName(locality);
    const place = this.#places.has(said) ? said : "";
    const client = locality === undefined || place === "" ? {} : { locality };
    const key = `proxyless ${place}`;
    let snapshot = this.snapshots.get(key);
    if (snapshot !== undefined) return snapshot;
    const services = this.#services;
    const routesOf = routesByService(this.#model);
    snapshot = snapshotOf([
      this.#set(TypeUrl.listener, "proxyless", () =>
        services.map((service) => this.#from([service], proxylessListener(service))),
      ),
      this.#set(TypeUrl.route, "proxyless", () =>
        services.map((service) => {
          const routes = routesOf.get(service.metadata.name) ?? [];
          return this.#from([service, ...routes], proxylessRoutes(service, routes, this.#model));
        }),
      ),
      this.#set(TypeUrl.cluster, "proxyless", () => [
        nowhereCluster,
        ...services.map((service) => this.#from([service], proxylessCluster(service))),
      ]),
      this.#set(TypeUrl.endpoint, key, () => [
        nowhereEndpoints,
        ...services.flatMap((service) => {
          const endpoints = proxylessEndpoints(service, client);
          return endpoints === undefined ? [] : [this.#from([service], endpoints)];
        }),
      ]),
    ]);
    this.snapshots.set(key, snapshot);
    return snapshot;
  }

  /** Notes what a resource comes of. */
  #from(origins: readonly UserResource[], resource: Resource): Resource {
    this.#origins.set(resource, origins);
    return resource;
  }

  #cluster(service: Service, client: Endpoint): Resource {
    const isNear = usesDns(service) && service.spec.trafficDistribution !== undefined;
    return this.#resource(service, "cluster", isNear ? client : undefined, (from) =>
      outboundCluster(service, from, this.#settings),
    );
  }

  #loadAssignment(service: Service, client: Endpoint): Resource {
    const isNear = service.spec.trafficDistribution !== undefined;
    return this.#resource(service, "endpoints", isNear ? client : undefined, (from) =>
      outboundEndpoints(service, from),
    );
  }

  /** A resource that may depend on where its client is, encoded once for each such place. */
  #resource(
    service: Service,
    what: string,
    client: Endpoint | undefined,
    make: (client: Endpoint | undefined) => Resource,
  ): Resource {
    const place = client?.locality === undefined ? "" : localityName(client.locality);
    return this.#from(
      [service],
      this.#encoded.get(service, `${what} ${place}`, () => make(client)),
    );
  }

  #set(typeUrl: string, key: string, resources: () => readonly Resource[]): ResourceSet {
    return this.#keep(typeUrl, key, (last) => this.#updated(typeUrl, resources(), last));
  }

  /** A set that several nodes may have, made once. @param make is given that of the translation before. */
  #keep(typeUrl: string, key: string, make: (last: ResourceSet | undefined) => ResourceSet): ResourceSet {
    const mapKey = `${typeUrl} ${key}`;
    let set = this.sets.get(mapKey);
    if (set === undefined) this.sets.set(mapKey, (set = make(this.#before?.sets.get(mapKey))));
    return set;
  }

  #updated(typeUrl: string, resources: readonly Resource[], last: ResourceSet | undefined): ResourceSet {
    return updatedSet(typeUrl, this.#asBefore(resources, last), last);
  }

  /** Equal resources as they were in the set before, which then come of what the user wrote now. */
  #asBefore(resources: readonly Resource[], last: ResourceSet | undefined): readonly Resource[] {
    if (last === undefined) return resources;
    return resources.map((resource) => {
      const before = last.resources.get(resource.name);
      if (before === undefined || before === resource || before.version !== resource.version) return resource;
      return this.#from(this.#origins.get(resource) ?? [], before);
    });
  }
}

/** The policies that are for each Service, by its name, in the order of all. */
function policiesByService(policies: readonly FilterPolicy[]): ReadonlyMap<string, readonly FilterPolicy[]> {
  const found = new Map<string, FilterPolicy[]>();
  for (const policy of policies) {
    for (const name of new Set(policy.spec.targetRefs.map((target) => target.name))) {
      const list = found.get(name);
      if (list === undefined) found.set(name, [policy]);
      else list.push(policy);
    }
  }
  return found;
}

function byName(a: FilterPolicy, b: FilterPolicy): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
