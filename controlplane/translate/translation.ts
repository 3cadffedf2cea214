import { localityName, meshOf, servedModel, writtenService } from "../model/index.ts";
import type {
  Endpoint,
  Locality,
  Mesh,
  Model,
  Problem,
  Resource as UserResource,
  ServedModel,
  ServedService,
  Sidecar,
} from "../model/index.ts";
import { EnvoyPatches } from "../patches/index.ts";
import { ANY_SERVICE, TypeUrl, type NodeInfo, type Resource, type Snapshot } from "../xds/index.ts";
import { inboundCluster, outboundCluster, usesDns } from "./clusters.ts";
import { outboundEndpoints } from "./endpoints.ts";
import { Encoded } from "./encoded.ts";
import { extensionConfig } from "./filters.ts";
import { whyNoFilters, type EnvoyInfo } from "./filter-support.ts";
import { proxylessSnapshot } from "./proxyless-snapshot.ts";
import type { TrustDomains } from "./mtls.ts";
import { ownSecrets } from "./own-tls.ts";
import { isProxyless } from "./proxyless.ts";
import { inboundRoutes, outboundRoutes } from "./route-configurations.ts";
import { orBefore, Sets } from "./sets.ts";
import type { ModuleRef, TranslationSettings } from "./settings.ts";
import { SidecarListeners } from "./sidecar-listeners.ts";
import { sidecarPlaces, type PortPlace, type SidecarPlace } from "./sidecar-places.ts";
import { passthroughCluster } from "./unknown-hosts.ts";

/** What a node is to have, or why it is to have nothing. */
export type NodeSnapshot = { readonly snapshot: Snapshot } | { readonly snapshot: undefined; readonly reason: string };

/** Of a node, what decides what it is to have. */
type Node = Pick<NodeInfo, "id" | "cluster"> & Partial<Pick<NodeInfo, "locality">> & EnvoyInfo;

/** Why a node is served nothing though there is a place for it: it says that it is of another Service. */
export function whyNotOfService(
  { id, cluster }: Pick<NodeInfo, "id" | "cluster">,
  { service }: SidecarPlace,
): string | undefined {
  const { name } = service.metadata;
  if (cluster === name || cluster === ANY_SERVICE) return undefined;
  return `the node "${id}" is a sidecar of Service ${name}, but says that its cluster is "${cluster}"`;
}

/** A model as Envoy resources. Immutable; what several nodes share is encoded once. */
export interface Translation {
  /** Every sidecar of the model, by node id. */
  readonly sidecars: ReadonlyMap<string, SidecarPlace>;
  /** The filter of a FilterPolicy, as this node is to have it; undefined where its module is not known. */
  extensionConfig(policy: string, nodeId: string): Resource | undefined;
  snapshotFor(node: Node): NodeSnapshot;
  /** The names of the secrets of Certificates that a sidecar is to have. */
  secretsOf(nodeId: string): ReadonlySet<string>;
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

const none: ReadonlySet<string> = new Set();

/** By which snapshots are kept: an Envoy that comes back as another one may be able to do more, or less. */
function keyOf(node: string, runsFilters: boolean): string {
  return `${runsFilters ? "" : "without filters "}${node}`;
}

class ModelTranslation implements Translation {
  readonly sidecars: ReadonlyMap<string, SidecarPlace>;
  readonly #extensionConfigs: ReadonlyMap<string, Resource>;
  readonly #services: readonly ServedService[];
  readonly #model: ServedModel;
  readonly #mesh: Mesh | undefined;
  readonly #trustDomains: TrustDomains | undefined;
  /** The localities of endpoints. */
  readonly #places: ReadonlySet<string>;
  /** By scope; for Services without one, by "". */
  readonly #outboundRoutes = new Map<string, Resource>();
  readonly #routeOrigins: readonly UserResource[];
  readonly #settings: TranslationSettings;
  readonly #patches: EnvoyPatches;
  readonly #encoded: Encoded;
  readonly #listeners: SidecarListeners;
  readonly #sets: Sets;
  readonly #snapshots = new Map<string, Snapshot>();
  /** By node, of the translation before. */
  readonly #before: ReadonlyMap<string, Snapshot> | undefined;

  constructor(
    written: Model,
    modules: ReadonlyMap<string, ModuleRef>,
    settings: TranslationSettings,
    before: ModelTranslation | undefined,
  ) {
    this.#encoded = before === undefined ? new Encoded() : before.#encoded;
    this.#sets = new Sets(before && before.#sets);
    // Only its map, or each translation would keep all that were before it.
    this.#before = before && before.#snapshots;
    const model = servedModel(written);
    const services = [...model.services.values()];
    this.#mesh = meshOf(model);
    const { trustDomain } = settings;
    const aliases = this.#mesh?.spec.trustDomainAliases ?? [];
    const hasAccounts = services.some(({ spec }) =>
      spec.endpoints.some(({ sidecar }) => sidecar?.serviceAccount !== undefined),
    );
    this.#trustDomains = trustDomain === undefined ? undefined : { own: trustDomain, aliases, hasAccounts };
    this.#settings = settings;
    this.#patches = new EnvoyPatches(model);
    this.#extensionConfigs = new Map(
      [...model.filterPolicies.values()].flatMap((policy) => {
        const module = modules.get(policy.spec.module);
        if (module === undefined) return [];
        const origins = [policy, model.wasmModules.get(policy.spec.module) ?? []].flat();
        const make = (): Resource => extensionConfig(policy, module, settings);
        return [[policy.metadata.name, this.#sets.from(origins, this.#encoded.get(policy, module.sha256, make))]];
      }),
    );
    this.sidecars = sidecarPlaces(model);
    this.#services = services;
    this.#model = model;
    this.#places = new Set(
      services.flatMap(({ spec }) =>
        spec.endpoints.flatMap(({ locality }) => (locality === undefined ? [] : [localityName(locality)])),
      ),
    );
    const routes = [...model.httpRoutes.values(), ...model.grpcRoutes.values()];
    this.#routeOrigins = [...written.services.values(), ...routes, this.#mesh ?? []].flat();
    this.#listeners = new SidecarListeners(model, settings, this.#trustDomains, this.#encoded, this.#sets);
  }

  /** Made when a sidecar of the scope asks for it. */
  #outboundRoutesOf({ spec }: ServedService): Resource {
    const scope = spec.local?.scope;
    const known = this.#outboundRoutes.get(scope ?? "");
    if (known !== undefined) return known;
    const made = this.#sets.from(this.#routeOrigins, outboundRoutes(this.#model, scope));
    this.#outboundRoutes.set(scope ?? "", made);
    return made;
  }

  extensionConfig(policy: string): Resource | undefined {
    return this.#extensionConfigs.get(policy);
  }

  snapshotFor(node: Node): NodeSnapshot {
    const { id, cluster, userAgentName = "", locality } = node;
    if (isProxyless({ userAgentName })) return { snapshot: this.#proxylessSnapshot(locality) };
    const place = this.sidecars.get(id);
    if (place === undefined)
      return { snapshot: undefined, reason: `no endpoint has a sidecar with the node id "${id}"` };
    const reason = whyNotOfService({ id, cluster }, place);
    if (reason !== undefined) return { snapshot: undefined, reason };
    const runsFilters = whyNoFilters(node) === undefined;
    const key = keyOf(id, runsFilters);
    let snapshot = this.#snapshots.get(key);
    if (snapshot === undefined) this.#snapshots.set(key, (snapshot = this.#snapshot(place, runsFilters)));
    return { snapshot };
  }

  originsOf(resource: Resource): readonly UserResource[] {
    const { before, patches } = this.#patches.originOf(resource);
    return [...this.#sets.originsOf(before), ...patches];
  }

  check(): Problem[] {
    if (this.#model.envoyPatches.size > 0) {
      for (const [id, { service }] of this.sidecars) this.snapshotFor({ id, cluster: service.metadata.name });
    }
    return this.#patches.problems();
  }

  secretsOf(nodeId: string): ReadonlySet<string> {
    const place = this.sidecars.get(nodeId);
    if (place === undefined) return none;
    const { collectors } = this.#listeners.of(place);
    const ports = [place, ...place.ports].map(({ service }) => service);
    return ownSecrets(this.#calledBy(place.sidecar, collectors), ports);
  }

  #snapshot(place: SidecarPlace, runsFilters: boolean): Snapshot {
    return this.#patches.apply(this.#made(place, runsFilters), place.service.metadata.name);
  }

  /** What a sidecar is served but for EnvoyPatches. */
  #made(at: SidecarPlace, runsFilters: boolean): Snapshot {
    const { service, endpoint, sidecar } = at;
    const { outboundPort } = sidecar;
    const { policies, collectors } = this.#listeners.of(at);
    const ports: readonly PortPlace[] = [at, ...at.ports];
    const names = ports.map((port) => port.service.metadata.name).join(" ");
    // Sidecars of one Service mostly differ in their listeners and their application only, so all else is made once for all of
    // them. Where a Service prefers the same zone, its endpoints are in another order for clients elsewhere.
    const kind = `${outboundPort === undefined ? "inbound" : "both"} ${names}`;
    const place = endpoint.locality === undefined ? "" : localityName(endpoint.locality);
    const ifOutbound = <T>(items: () => readonly T[]): readonly T[] => (outboundPort === undefined ? [] : items());
    // Without an outbound listener a sidecar reaches its collectors only.
    const called = outboundPort === undefined ? `to ${[...collectors].join(" ")}` : "to all";
    const others = (): readonly ServedService[] => this.#calledBy(sidecar, collectors);
    const before = this.#before?.get(keyOf(sidecar.node, runsFilters));
    const applications = ports.map((port) => `${port.endpoint.address} ${port.endpoint.port}`).join(" ");
    const isOpen = outboundPort !== undefined && this.#mesh?.spec.unknownHosts === "Passthrough";
    const clusters = this.#sets.shared(TypeUrl.cluster, `${called} ${place}`, () => [
      ...others().map((other) => this.#cluster(other, endpoint)),
      ...(isOpen ? [this.#sets.from([this.#mesh], passthroughCluster)] : []),
    ]);
    return orBefore(before, [
      this.#sets.shared(TypeUrl.secret, "", () => []),
      this.#sets.layered(clusters, `${kind} ${place} ${applications}`, () =>
        ports.map((port) => this.#application(port)),
      ),
      this.#sets.shared(TypeUrl.endpoint, `${called} ${place}`, () =>
        others()
          .filter((other) => !usesDns(other))
          .map((other) => this.#loadAssignment(other, endpoint)),
      ),
      this.#sets.updated(TypeUrl.listener, this.#listeners.make(at, runsFilters), before?.sets.get(TypeUrl.listener)),
      runsFilters
        ? this.#sets.shared(TypeUrl.extensionConfig, kind, () =>
            policies.flatMap(({ metadata }) => this.#extensionConfigs.get(metadata.name) ?? []),
          )
        : this.#sets.shared(TypeUrl.extensionConfig, "", () => []),
      this.#sets.shared(TypeUrl.route, kind, () => [
        ...ports.map((port) =>
          this.#sets.from(
            [writtenService(port.service)],
            this.#encoded.get(port.service, "inbound routes", () => inboundRoutes(port.service)),
          ),
        ),
        ...ifOutbound(() => [this.#outboundRoutesOf(service)]),
      ]),
    ]);
  }

  #calledBy({ outboundPort }: Sidecar, collectors: ReadonlySet<string>): readonly ServedService[] {
    return this.#services.filter(({ metadata }) => outboundPort !== undefined || collectors.has(metadata.name));
  }

  #application({ service, endpoint }: PortPlace): Resource {
    const key = `application ${endpoint.address} ${endpoint.port}`;
    return this.#sets.from(
      this.#originsOf(service),
      this.#encoded.get(service, key, () => inboundCluster(service, endpoint)),
    );
  }

  /** The same for all gRPC clients of a place that have no sidecar. */
  #proxylessSnapshot(locality: Locality | undefined): Snapshot {
    // Anyone can say to be anywhere, so only places of the model have a snapshot of their own.
    const said = locality === undefined ? "" : localityName(locality);
    const place = this.#places.has(said) ? said : "";
    const key = `proxyless ${place}`;
    let snapshot = this.#snapshots.get(key);
    if (snapshot === undefined) {
      const client = locality === undefined || place === "" ? undefined : { locality, place };
      this.#snapshots.set(key, (snapshot = proxylessSnapshot(this.#model, this.#sets, client)));
    }
    return snapshot;
  }

  #cluster(service: ServedService, client: Endpoint): Resource {
    const isNear = usesDns(service) && service.spec.trafficDistribution !== undefined;
    return this.#resource(service, "cluster", isNear ? client : undefined, (from) =>
      outboundCluster(service, from, this.#settings, this.#trustDomains),
    );
  }

  #loadAssignment(service: ServedService, client: Endpoint): Resource {
    const isNear = service.spec.trafficDistribution !== undefined;
    return this.#resource(service, "endpoints", isNear ? client : undefined, (from) =>
      outboundEndpoints(service, from),
    );
  }

  /** A resource that may depend on where its client is, encoded once for each such place. */
  #resource(
    service: ServedService,
    what: string,
    client: Endpoint | undefined,
    make: (client: Endpoint | undefined) => Resource,
  ): Resource {
    const place = client?.locality === undefined ? "" : localityName(client.locality);
    return this.#sets.from(
      this.#originsOf(service),
      this.#encoded.get(service, `${what} ${place}`, () => make(client)),
    );
  }

  #originsOf(service: ServedService): UserResource[] {
    return [writtenService(service), this.#mesh ?? []].flat();
  }
}
