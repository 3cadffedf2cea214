import type { SourceFile } from "../model/index.ts";
import { ClusterIndex } from "./cluster-index.ts";
import { keyPath, type HolderKind } from "./keyed-objects.ts";
import { placeOf, type ObjectName } from "./names.ts";
import type { CoreService, CustomObject, EndpointSlice, NodePlace, Pod } from "./objects.ts";
import type { RouteKind } from "./kinds.ts";
import { grants, type ReferenceGrant } from "./reference-grants.ts";
import { ownDocument, type DocumentKind, type Surroundings } from "./own-documents.ts";
import { serviceDocument } from "./service-document.ts";
import { servedPorts, type ServedPorts } from "./service-ports.ts";

/** `Kind namespace/name` of what becomes a file. */
type FileKey = `${DocumentKind | "Service"} ${string}`;

/** What is known of a cluster, as files of the model. Only what a change concerns is made anew. */
export class Cluster {
  readonly #owner: string;
  /** In which what names no Services is for the whole mesh. */
  readonly rootNamespace: string | undefined;
  readonly #index = new ClusterIndex();
  readonly #services = new Map<string, CoreService>();
  readonly #pods = new Map<string, Pod>();
  /** Of pods with sidecars, by address. */
  readonly #addresses = new Map<string, string>();
  readonly #nodes = new Map<string, NodePlace>();
  readonly #grants = new Map<string, ReferenceGrant>();
  readonly #settings = new Map<string, CustomObject>();
  readonly #objects = new Map<string, CustomObject>();
  readonly #files = new Map<FileKey, SourceFile>();
  readonly #withoutSidecar = new Map<string, readonly string[]>();
  readonly #dirty = new Set<FileKey>();
  /** Of the object that each file was made of, where it has one. */
  readonly #generations = new Map<FileKey, number>();
  #sorted: readonly SourceFile[] | undefined;
  #made = 0;

  /** @param owner whose files they are, for messages. */
  constructor(owner: string, rootNamespace?: string) {
    this.#owner = owner;
    this.rootNamespace = rootNamespace;
  }

  /** How many files were made until now: a measure of the work that changes are. */
  get made(): number {
    return this.#made;
  }

  setService(key: string, now: CoreService | undefined, before: CoreService | undefined): void {
    put(this.#services, key, now);
    this.#dirty.add(`Service ${key}`);
    const several = [now, before].some((service) => (service?.ports.length ?? 0) > 1);
    if (several && JSON.stringify(now?.ports) !== JSON.stringify(before?.ports)) this.#soilReferences();
    if (now !== undefined && before?.isHeadless === now.isHeadless) return;
    // To which Service a pod belongs may change with it, and what is for all Services of the namespace.
    for (const other of this.#index.sharingPodsWith(key)) this.#dirty.add(`Service ${other}`);
    const namespace = (now ?? before)?.namespace;
    for (const [id, { metadata, spec }] of this.#objects) {
      const isForAll = spec["targetRefs"] === undefined && /^(EnvoyPatch|Telemetry) /.test(id);
      if (isForAll && metadata.namespace === namespace) this.#dirty.add(id as FileKey);
    }
  }

  setSlice(key: string, now: EndpointSlice | undefined, before: EndpointSlice | undefined): void {
    for (const service of this.#index.setSlice(key, now, before)) this.#dirty.add(`Service ${service}`);
  }

  setPod(key: string, now: Pod | undefined): void {
    const before = this.#pods.get(key);
    put(this.#pods, key, now);
    const addresses = new Set([...(before?.sidecar?.addresses ?? []), ...(now?.sidecar?.addresses ?? [])]);
    for (const address of addresses) {
      if (now?.sidecar?.addresses.includes(address) === true) this.#addresses.set(address, key);
      else if (this.#addresses.get(address) === key) this.#addresses.delete(address);
      for (const service of this.#index.servicesAt(address)) this.#dirty.add(`Service ${service}`);
    }
    for (const service of this.#index.servicesOf(key)) this.#dirty.add(`Service ${service}`);
  }

  setNode(name: string, now: NodePlace | undefined): void {
    put(this.#nodes, name, now);
    for (const service of this.#index.servicesOn(name)) this.#dirty.add(`Service ${service}`);
  }

  setGrant(key: string, now: ReferenceGrant | undefined, before: ReferenceGrant | undefined): void {
    put(this.#grants, key, now);
    if (now !== undefined || before !== undefined) this.#soilReferences();
  }

  /** What Services or grants say of ports and names decides what routes and policies are in the model. */
  #soilReferences(): void {
    for (const id of this.#objects.keys())
      if (/^(HTTPRoute|GRPCRoute|FilterPolicy) /.test(id)) this.#dirty.add(id as FileKey);
  }

  /** Whether a route may name a Service: one of its own namespace, or one whose namespace has granted it. */
  mayName(kind: RouteKind, namespace: string, service: ObjectName): boolean {
    if (namespace === service.namespace) return true;
    return [...this.#grants.values()].some((grant) => grants(grant, kind, namespace, service));
  }

  setSettings(key: string, now: CustomObject | undefined): void {
    if (this.#settings.get(key)?.spec["port"] !== now?.spec["port"]) this.#soilReferences();
    put(this.#settings, key, now);
    this.#dirty.add(`Service ${key}`);
  }

  setObject(kind: DocumentKind, key: string, now: CustomObject | undefined, before: CustomObject | undefined): void {
    put(this.#objects, `${kind} ${key}`, now);
    this.#dirty.add(`${kind} ${key}`);
    // What it says of mutual TLS decides which endpoints every Service has.
    if (kind === "Mesh") for (const service of this.#services.keys()) this.#dirty.add(`Service ${service}`);
    if (kind !== "FilterPolicy") return;
    for (const service of this.#index.setProtector(key, now, before)) this.#dirty.add(`Service ${service}`);
  }

  /** Everything as files, in the order of their paths. */
  files(): readonly SourceFile[] {
    for (const key of this.#dirty) this.#make(key);
    this.#dirty.clear();
    this.#sorted ??= [...this.#files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
    return this.#sorted;
  }

  /** An object of Meshwright's kinds or a route, as the API has it; a MeshService by the name of its Service. */
  object(kind: DocumentKind | "MeshService", { namespace, name }: ObjectName): CustomObject | undefined {
    const key = `${namespace}/${name}`;
    return kind === "MeshService" ? this.#settings.get(key) : this.#objects.get(`${kind} ${key}`);
  }

  *objects(): Generator<{ readonly kind: DocumentKind | "MeshService"; readonly object: CustomObject }> {
    for (const object of this.#settings.values()) yield { kind: "MeshService", object };
    for (const [id, object] of this.#objects) yield { kind: id.slice(0, id.indexOf(" ")) as DocumentKind, object };
  }

  /**
   * The file that an object of this kind would be; without a text where it would be none.
   * A MeshService is a part of its Service's.
   */
  fileWith(
    kind: DocumentKind | "MeshService",
    object: CustomObject,
  ): { readonly path: string; readonly file?: SourceFile } {
    const { namespace = "", name } = object.metadata;
    const key = `${namespace}/${name}`;
    const fileKind = kind === "MeshService" ? "Service" : kind;
    const service = this.#services.get(key);
    const documents =
      kind === "MeshService"
        ? service && this.#document(service, object)?.documents
        : oneOrNone(ownDocument(kind, object, this.#surroundings()));
    const path = placeOf(fileKind, { namespace, name });
    return documents === undefined ? { path } : { path, file: this.#file(fileKind, { namespace, name }, documents) };
  }

  service({ namespace, name }: ObjectName): CoreService | undefined {
    return this.#services.get(`${namespace}/${name}`);
  }

  /** The generation of an object that was in the files last; undefined where it was in none. */
  generationRead(kind: DocumentKind | "MeshService", { namespace, name }: ObjectName): number | undefined {
    return this.#generations.get(`${kind === "MeshService" ? "Service" : kind} ${namespace}/${name}`);
  }

  /** Whether a Service is in the mesh. */
  isServed({ namespace, name }: ObjectName): boolean {
    return this.#files.has(`Service ${namespace}/${name}`);
  }

  /** The pods of a Service that get no requests, since they have no sidecar and a filter or mutual TLS was to stand before them. */
  withoutSidecar({ namespace, name }: ObjectName): readonly string[] {
    return this.#withoutSidecar.get(`${namespace}/${name}`) ?? [];
  }

  #make(key: FileKey): void {
    this.#made++;
    const space = key.indexOf(" ");
    const kind = key.slice(0, space) as DocumentKind | "Service";
    const id = key.slice(space + 1);
    const documents = kind === "Service" ? this.#service(id) : this.#own(kind, id);
    const before = this.#files.get(key);
    const generation = (kind === "Service" ? this.#settings.get(id) : this.#objects.get(key))?.metadata.generation;
    if (generation === undefined) this.#generations.delete(key);
    else this.#generations.set(key, generation);
    if (documents === undefined) {
      if (before !== undefined) this.#sorted = undefined;
      this.#files.delete(key);
      return;
    }
    const text = textOf(documents);
    if (before?.text === text) return;
    const [namespace = "", name = ""] = id.split("/");
    this.#files.set(key, this.#file(kind, { namespace, name }, documents, text));
    this.#sorted = undefined;
  }

  #file(
    kind: DocumentKind | "Service",
    name: ObjectName,
    documents: readonly object[],
    text = textOf(documents),
  ): SourceFile {
    return { path: placeOf(kind, name), text, owner: this.#owner, ...filesOf(kind, documents[0], name.namespace) };
  }

  #own(kind: DocumentKind, id: string): readonly object[] | undefined {
    const object = this.#objects.get(`${kind} ${id}`);
    if (object === undefined) return undefined;
    return oneOrNone(ownDocument(kind, object, this.#surroundings()));
  }

  #surroundings(): Surroundings {
    return {
      rootNamespace: this.rootNamespace,
      servicesOf: (namespace) => this.#servedServicesOf(namespace),
      mayName: (kind, namespace, service) => this.mayName(kind, namespace, service),
      portsOf: (service) => this.#portsOf(service),
    };
  }

  /** Those that are in the model. */
  *#servedServicesOf(namespace: string): Generator<string> {
    for (const service of this.#services.values()) {
      if (service.namespace === namespace && this.#document(service) !== undefined) yield service.name;
    }
  }

  #service(id: string): readonly object[] | undefined {
    const service = this.#services.get(id);
    const made = service && this.#document(service);
    if (made === undefined || made.withoutSidecar.length === 0) this.#withoutSidecar.delete(id);
    else this.#withoutSidecar.set(id, made.withoutSidecar);
    return made?.documents;
  }

  #document(
    service: CoreService,
    settings = this.#settings.get(`${service.namespace}/${service.name}`),
  ): ReturnType<typeof serviceDocument> {
    const id = `${service.namespace}/${service.name}`;
    return serviceDocument({
      service,
      slices: this.#index.slicesOf(id),
      findPod: ({ namespace, name }) => this.#pods.get(`${namespace}/${name}`),
      placeOf: (node) => this.#nodes.get(node),
      isOfSidecar: (address) => this.#addresses.has(address),
      ownerOf: (pod) => this.#ownerOf(pod),
      settings,
      isProtected: (port) => this.#index.isProtected(id, port),
      mtls: this.#defaultMtls(),
    });
  }

  #portsOf({ namespace, name }: ObjectName): ServedPorts | undefined {
    const id = `${namespace}/${name}`;
    const service = this.#services.get(id);
    const { port } = (this.#settings.get(id)?.spec ?? {}) as { port?: number };
    return service && servedPorts(service, port);
  }

  #defaultMtls(): unknown {
    const mesh = this.#objects.get(`Mesh ${this.rootNamespace ?? ""}/default`);
    return (mesh?.spec["services"] as { mtls?: unknown } | undefined)?.mtls;
  }

  /** The Service to which a pod's sidecar belongs: the one that is written there, else the first by name that is not headless. */
  #ownerOf({ namespace, name, sidecar }: Pod): string | undefined {
    if (sidecar?.service !== undefined) return sidecar.service;
    const services = [...this.#index.servicesOf(`${namespace}/${name}`)]
      .map((id) => this.#services.get(id))
      .filter((service) => service !== undefined)
      .sort((a, b) => Number(a.isHeadless) - Number(b.isHeadless) || (a.name < b.name ? -1 : 1));
    return services[0]?.name;
  }
}

/** What a WasmModule names as a file is `CONFIGMAP/KEY` of its namespace, what a Certificate names is `SECRET/KEY`. */
function filesOf(
  kind: string,
  document: object | undefined,
  namespace: string,
): Pick<SourceFile, "assets" | "secrets"> {
  const { spec } = (document ?? { spec: {} }) as { spec: Readonly<Record<string, unknown>> };
  const places = (holder: HolderKind, fields: readonly string[]): Record<string, string> =>
    Object.fromEntries(
      fields
        .map((field) => spec[field])
        .filter((name) => typeof name === "string")
        .map((name) => [name, keyPath(holder, namespace, name)]),
    );
  if (kind === "WasmModule") return { assets: places("ConfigMap", ["file", "schema", "signature"]) };
  if (kind === "Certificate") return { secrets: places("Secret", ["certFile", "keyFile", "caFile"]) };
  return {};
}

/** One file may have several documents. */
function textOf(documents: readonly object[]): string {
  return documents.map((document) => JSON.stringify(document)).join("\n---\n");
}

function oneOrNone(document: object | undefined): readonly object[] | undefined {
  return document === undefined ? undefined : [document];
}

function put<T>(map: Map<string, T>, key: string, value: T | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
