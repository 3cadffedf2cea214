// The mesh of bench:scale: its resources as files, its sidecars, and what these are served in encoded form for the peer.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MODULES_CLUSTER } from "../controlplane/bootstrap/index.ts";
import { Pipeline, type Release } from "../controlplane/control/pipeline.ts";
import { ModuleFetcher, ModuleStore } from "../controlplane/modules/index.ts";
import { FolderSource } from "../controlplane/source/index.ts";
import { TypeUrl, type Resource } from "../controlplane/xds/index.ts";
import { root } from "../setup/paths.mjs";

/** How large it is. */
export interface Size {
  readonly sidecars: number;
  readonly services: number;
  /** HTTPRoutes, a Service each. */
  readonly routes: number;
}

const MODULES = ["authz", "ratelimit", "ab-routing"] as const;

/** The resources of a mesh in a folder. Each sidecar stands before an endpoint of one Service. */
export class ScaleMesh {
  readonly folder: string;
  readonly size: Size;

  constructor(folder: string, size: Size) {
    this.folder = folder;
    this.size = size;
  }

  get config(): string {
    return join(this.folder, "config");
  }

  /** The SHA-256 of a module that is served. */
  get module(): string {
    const bytes = readFileSync(join(root, "build", `${MODULES[0]}.wasm`));
    return createHash("sha256").update(bytes).digest("hex");
  }

  get sidecars(): readonly { readonly id: string; readonly cluster: string }[] {
    return Array.from({ length: this.size.sidecars }, (_, index) => this.sidecar(index));
  }

  /** The node id of a sidecar, and the Service that it is of. */
  sidecar(index: number): { readonly id: string; readonly cluster: string } {
    return { id: `sidecar-${String(index)}`, cluster: serviceName(index % this.size.services) };
  }

  /** Writes everything as it is at first. */
  write(): void {
    mkdirSync(this.config, { recursive: true });
    for (const name of MODULES) copyFileSync(join(root, "build", `${name}.wasm`), join(this.folder, `${name}.wasm`));
    for (let service = 0; service < this.size.services; ++service) this.writeService(service, 1);
    for (let route = 0; route < this.size.routes; ++route) this.#writeRoute(route);
    this.writeFilters(1);
  }

  /** @param weight of its endpoints; it only shows in the endpoints that its clients are sent. */
  writeService(service: number, weight: number): void {
    const { sidecars, services } = this.size;
    const endpoints = [];
    for (let index = service; index < sidecars; index += services) {
      const sidecar = { node: this.sidecar(index).id, inboundPort: 15_006, outboundPort: 15_001 };
      endpoints.push({ address: addressOf(index), port: 8080, weight, sidecar });
    }
    if (endpoints.length === 0) endpoints.push({ address: addressOf(service), port: 8080, weight });
    this.#put(`${serviceName(service)}.yaml`, [
      resource("Service", serviceName(service), { port: 80, connectTimeout: "2s", endpoints }),
    ]);
  }

  /** @param limit of the rate limit filter. */
  writeFilters(limit: number): void {
    const targets = Math.min(this.size.services, this.size.sidecars);
    const targetRefs = Array.from({ length: targets }, (_, service) => ({ name: serviceName(service) }));
    const tokenBucket = { maxTokens: 1000, tokensPerFill: 1000 + limit, fillInterval: "1s" };
    const configurations: Record<string, object> = {
      authz: { rules: [{ name: "all", action: "allow", principals: [{ any: true }] }] },
      ratelimit: { limits: [{ name: "clients", tokenBucket, key: [{ clientAddress: {} }] }] },
      "ab-routing": {
        experiments: [
          {
            name: "checkout",
            header: "x-checkout",
            split: {
              key: [{ header: "x-user-id" }],
              variants: [
                { name: "new", weight: 1000 },
                { name: "old", weight: 9000 },
              ],
            },
            default: "old",
          },
        ],
      },
    };
    this.#put(
      "filters.yaml",
      MODULES.flatMap((name, order) => [
        resource("WasmModule", name, { file: `../${name}.wasm` }),
        resource("FilterPolicy", name, { targetRefs, order, module: name, configuration: configurations[name] }),
      ]),
    );
  }

  #writeRoute(route: number): void {
    const service = serviceName(route % this.size.services);
    const spec = {
      parentRefs: [{ group: "meshwright.dev", kind: "Service", name: service }],
      rules: [
        {
          matches: [{ path: { type: "PathPrefix", value: `/route-${String(route)}` } }],
          backendRefs: [{ name: serviceName((route + 1) % this.size.services), port: 80 }],
        },
      ],
    };
    const document = { ...resource("HTTPRoute", `route-${String(route)}`, spec), ...gatewayVersion };
    this.#put(`route-${String(route)}.yaml`, [document]);
  }

  /** As an editor saves: a file is there as a whole or not at all. JSON is YAML, and what people write is read no faster. */
  #put(name: string, documents: readonly object[]): void {
    const scratch = join(this.folder, "scratch");
    writeFileSync(scratch, documents.map((document) => JSON.stringify(document, undefined, 1)).join("\n---\n"));
    renameSync(scratch, join(this.config, name));
  }
}

const gatewayVersion = { apiVersion: "gateway.networking.k8s.io/v1" };

function resource(kind: string, name: string, spec: object): object {
  return { apiVersion: "meshwright.dev/v1alpha1", kind, metadata: { name }, spec };
}

function serviceName(index: number): string {
  return `service-${String(index)}`;
}

function addressOf(index: number): string {
  return `10.${String(index >> 16)}.${String((index >> 8) & 255)}.${String(index & 255)}`;
}

/** What the sidecars of a mesh are served, made as the control plane makes it. */
export class ServedMesh {
  readonly #mesh: ScaleMesh;
  readonly #pipeline: Pipeline;

  constructor(mesh: ScaleMesh) {
    this.#mesh = mesh;
    const store = new ModuleStore(join(mesh.folder, "modules"));
    const settings = { modulesAuthority: "127.0.0.1:8080", modulesCluster: MODULES_CLUSTER };
    this.#pipeline = new Pipeline(new FolderSource(mesh.config), store, new ModuleFetcher(store), settings);
  }

  async release(): Promise<Release> {
    const result = await this.#pipeline.prepare();
    if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join("\n"));
    return result.release;
  }

  /** Writes what all nodes are served, for the peer. */
  writeResources(file: string, release: Release): void {
    const nodes = [];
    const uses = new Map<Resource, number>();
    for (const id of this.#ids()) {
      const resources = served(release, id);
      for (const one of resources) uses.set(one, (uses.get(one) ?? 0) + 1);
      nodes.push({ id: id.id, resources });
    }
    const isShared = (one: Resource): boolean => uses.get(one) === nodes.length;
    writeFileSync(
      file,
      JSON.stringify({
        shared: [...uses.keys()].filter(isShared).map(encoded),
        nodes: nodes.map(({ id, resources }) => ({
          id,
          own: resources.filter((one) => !isShared(one)).map(encoded),
        })),
      }),
    );
  }

  /** Writes what of the resources that all nodes have differs between two releases, for the peer. */
  writeChange(file: string, before: Release, after: Release): void {
    const [first] = this.#ids();
    if (first === undefined) return;
    const old = new Set(served(before, first).map(({ version }) => version));
    const changed = served(after, first).filter(({ version }) => !old.has(version));
    writeFileSync(file, JSON.stringify({ shared: changed.map(encoded), nodes: [] }));
  }

  /** Writes who the sidecars are, for the program that simulates them. */
  writePlan(file: string, release: Release): void {
    const sidecars = this.#ids().map(({ id, cluster }) => ({
      id,
      cluster,
      routes: [`inbound|${cluster}`, "outbound"],
    }));
    const [first] = this.#ids();
    const names = (typeUrl: string): string[] =>
      first === undefined
        ? []
        : served(release, first)
            .filter((one) => one.typeUrl === typeUrl)
            .map(({ name }) => name);
    writeFileSync(
      file,
      JSON.stringify({ endpoints: names(TypeUrl.endpoint), filters: names(TypeUrl.extensionConfig), sidecars }),
    );
  }

  #ids(): readonly { readonly id: string; readonly cluster: string }[] {
    return this.#mesh.sidecars;
  }
}

function served(release: Release, node: { readonly id: string; readonly cluster: string }): Resource[] {
  const { snapshot } = release.translation.snapshotFor(node);
  return [...(snapshot?.sets.values() ?? [])].flatMap((set) => [...set.resources.values()]);
}

function encoded(resource: Resource): string {
  return Buffer.from(resource.body).toString("base64");
}
