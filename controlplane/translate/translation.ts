import { localityName } from "../model/index.ts";
import type { Endpoint, FilterPolicy, Locality, Model, Problem, Service, Sidecar } from "../model/index.ts";
import { EnvoyPatches } from "../patches/index.ts";
import { createResourceSet, snapshotOf, TypeUrl } from "../xds/index.ts";
import type { NodeInfo, Resource, ResourceSet, Snapshot } from "../xds/index.ts";
import { inboundCluster, outboundCluster, usesDns } from "./clusters.ts";
import { outboundEndpoints } from "./endpoints.ts";
import { extensionConfig } from "./filters.ts";
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
import { prometheusListener } from "./prometheus.ts";
import type { ModuleRef, TranslationSettings } from "./settings.ts";
import { collectorsOf, managerTelemetry, telemetryOf } from "./telemetry.ts";
import type { ManagerTelemetry } from "./telemetry.ts";

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
  /** What is wrong with the EnvoyPatches, each applied to all that it is for. Makes the snapshots of these sidecars. */
  check(): Problem[];
}

/**
 * Translates a model. Pure: equal input gives equal bytes, here and on every replica.
 *
 * @param modules the stored module of each WasmModule. A policy whose module is not there has no filter to deliver, and the
 * stand-in of its listeners takes its place.
 */
export function translate(
  model: Model,
  modules: ReadonlyMap<string, ModuleRef>,
  settings: TranslationSettings,
): Translation {
  return new ModelTranslation(model, modules, settings);
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
  readonly #resources = new Map<string, Resource>();
  readonly #sets = new Map<string, ResourceSet>();
  readonly #snapshots = new Map<string, Snapshot>();

  constructor(model: Model, modules: ReadonlyMap<string, ModuleRef>, settings: TranslationSettings) {
    const services = [...model.services.values()];
    this.#settings = settings;
    this.#patches = new EnvoyPatches(model);
    this.#policies = [...model.filterPolicies.values()].sort((a, b) => a.spec.order - b.spec.order || byName(a, b));
    this.#extensionConfigs = new Map(
      this.#policies.flatMap((policy) => {
        const module = modules.get(policy.spec.module);
        return module === undefined ? [] : [[policy.metadata.name, extensionConfig(policy, module, settings)]];
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
    this.#outboundRoutes = outboundRoutes(model);
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
    let snapshot = this.#snapshots.get(id);
    if (snapshot === undefined) this.#snapshots.set(id, (snapshot = this.#snapshot(place)));
    return { snapshot };
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
    const inbound = this.#policiesOf(name, "Inbound");
    const outbound = outboundPort === undefined ? [] : this.#policiesOf(name, "Outbound");
    const telemetry = telemetryOf(this.#model, name);
    const toTell = (direction: "Inbound" | "Outbound"): ManagerTelemetry =>
      managerTelemetry(telemetry, direction, name, this.#model);
    const listeners = [inboundListener(service, endpoint, sidecar, inbound, this.#settings, toTell("Inbound"))];
    if (outboundPort !== undefined)
      listeners.push(outboundListener(sidecar, outboundPort, outbound, toTell("Outbound")));
    if (telemetry.prometheus !== undefined) listeners.push(prometheusListener(telemetry.prometheus, endpoint, sidecar));

    // Sidecars of one Service mostly differ in their listeners only, so the other sets are made once for all of them. Where
    // a Service prefers the same zone, its endpoints are in another order for clients elsewhere.
    const kind = `${outboundPort === undefined ? "inbound" : "both"} ${name}`;
    const place = endpoint.locality === undefined ? "" : localityName(endpoint.locality);
    const ifOutbound = <T>(items: () => readonly T[]): readonly T[] => (outboundPort === undefined ? [] : items());
    // Without an outbound listener a sidecar reaches its collectors only.
    const collectors = collectorsOf(telemetry);
    const called = this.#services.filter(({ metadata }) => outboundPort !== undefined || collectors.has(metadata.name));
    return snapshotOf([
      this.#set(TypeUrl.secret, "", () => []),
      this.#set(TypeUrl.cluster, `${kind} ${place} ${endpoint.address} ${endpoint.port}`, () => [
        inboundCluster(service, endpoint),
        ...called.map((other) => this.#cluster(other, endpoint)),
      ]),
      this.#set(TypeUrl.endpoint, `${outboundPort === undefined ? [...collectors].join(" ") : "*"} ${place}`, () =>
        called.filter((other) => !usesDns(other)).map((other) => this.#loadAssignment(other, endpoint)),
      ),
      createResourceSet(TypeUrl.listener, listeners),
      this.#set(TypeUrl.extensionConfig, kind, () =>
        [...inbound, ...outbound].flatMap(({ metadata }) => this.#extensionConfigs.get(metadata.name) ?? []),
      ),
      this.#set(TypeUrl.route, kind, () => [inboundRoutes(service), ...ifOutbound(() => [this.#outboundRoutes])]),
    ]);
  }

  /** For a gRPC client without a sidecar: every Service. The same for all clients of a place. */
  #proxylessSnapshot(locality: Locality | undefined): Snapshot {
    // Anyone can say to be anywhere, so only places of the model have a snapshot of their own.
    const said = locality === undefined ? "" : localityName(locality);
    const place = this.#places.has(said) ? said : "";
    const client = locality === undefined || place === "" ? {} : { locality };
    const key = `proxyless ${place}`;
    let snapshot = this.#snapshots.get(key);
    if (snapshot !== undefined) return snapshot;
    const services = this.#services;
    const routesOf = routesByService(this.#model);
    snapshot = snapshotOf([
      this.#set(TypeUrl.listener, "proxyless", () => services.map(proxylessListener)),
      this.#set(TypeUrl.route, "proxyless", () =>
        services.map((service) => proxylessRoutes(service, routesOf.get(service.metadata.name) ?? [], this.#model)),
      ),
      this.#set(TypeUrl.cluster, "proxyless", () => [nowhereCluster, ...services.map(proxylessCluster)]),
      this.#set(TypeUrl.endpoint, key, () => [
        nowhereEndpoints,
        ...services.flatMap((service) => proxylessEndpoints(service, client) ?? []),
      ]),
    ]);
    this.#snapshots.set(key, snapshot);
    return snapshot;
  }

  #cluster(service: Service, client: Endpoint): Resource {
    const isNear = usesDns(service) && service.spec.trafficDistribution !== undefined;
    return this.#resource(`cluster ${service.metadata.name}`, isNear ? client : undefined, (from) =>
      outboundCluster(service, from, this.#settings),
    );
  }

  #loadAssignment(service: Service, client: Endpoint): Resource {
    const isNear = service.spec.trafficDistribution !== undefined;
    return this.#resource(`endpoints ${service.metadata.name}`, isNear ? client : undefined, (from) =>
      outboundEndpoints(service, from),
    );
  }

  /** A resource that may depend on where its client is, encoded once for each such place. */
  #resource(what: string, client: Endpoint | undefined, make: (client: Endpoint | undefined) => Resource): Resource {
    const key = `${what} ${client?.locality === undefined ? "" : localityName(client.locality)}`;
    let resource = this.#resources.get(key);
    if (resource === undefined) this.#resources.set(key, (resource = make(client)));
    return resource;
  }

  #policiesOf(service: string, direction: "Inbound" | "Outbound"): FilterPolicy[] {
    return this.#policies.filter(
      ({ spec }) => spec.direction === direction && spec.targetRefs.some(({ name }) => name === service),
    );
  }

  #set(typeUrl: string, key: string, resources: () => readonly Resource[]): ResourceSet {
    const mapKey = `${typeUrl} ${key}`;
    let set = this.#sets.get(mapKey);
    if (set === undefined) this.#sets.set(mapKey, (set = createResourceSet(typeUrl, resources())));
    return set;
  }
}

function byName(a: FilterPolicy, b: FilterPolicy): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
