import type { Logger } from "pino";
import type { Asset, AssetReference, Assets, SourceFile } from "../model/index.ts";
import { Debouncer } from "../source/debounce.ts";
import type { Source, SourceEvent, SourceStatus, StopWatching } from "../source/index.ts";
import type { KubernetesApi } from "./api.ts";
import { Cluster } from "./cluster.ts";
import { KeyedObjectError, KeyedObjects } from "./keyed-objects.ts";
import { keepGrant } from "./reference-grants.ts";
import { coreKinds, grantKind, ownKinds, routeKinds, type KindInCluster } from "./kinds.ts";
import { keepCustom, keepNode, keepPod, keepService, keepSlice, type KubernetesObject } from "./objects.ts";
import { collectionPath } from "./paths.ts";
import { pullCredentials } from "./pull-secrets.ts";
import { Reflector } from "./reflector.ts";
import { ClusterStatus } from "./status/status.ts";
import type { DocumentKind } from "./own-documents.ts";

export interface KubernetesOptions {
  readonly api: KubernetesApi;
  /** The only namespace that is looked at. Default: all. */
  readonly namespace?: string;
  /** In which what names no Services is for the whole mesh. Default: in none. */
  readonly rootNamespace?: string;
  readonly log: Logger;
  /** As those of a folder, in milliseconds. */
  readonly quietMs?: number;
  readonly maxMs?: number;
  /** How long the cluster may take to tell at first what there is, in milliseconds. */
  readonly syncTimeoutMs?: number;
}

/** The resources of a cluster: what is written as custom resources, with the Services, endpoints and pods that there are. */
export class KubernetesSource implements Source {
  readonly name = "the cluster";
  readonly cluster: Cluster;
  readonly #api: KubernetesApi;
  readonly #files: KeyedObjects;
  readonly #reflectors: readonly Reflector<unknown>[];
  readonly #status: ClusterStatus;
  readonly #debouncers = new Set<Debouncer>();
  readonly #quietMs: number;
  readonly #maxMs: number;
  readonly #syncTimeoutMs: number;

  /** Begins to follow the cluster at once. */
  constructor(options: KubernetesOptions) {
    const { api, namespace, rootNamespace, log, quietMs = 50, maxMs = 500, syncTimeoutMs = 60_000 } = options;
    this.#api = api;
    this.#quietMs = quietMs;
    this.#maxMs = maxMs;
    this.#syncTimeoutMs = syncTimeoutMs;
    const cluster = (this.cluster = new Cluster(this.name, rootNamespace));
    this.#status = new ClusterStatus(cluster, api, log);
    this.#files = new KeyedObjects(api, () => this.#changed(), log);
    const follow = <T>(
      kind: KindInCluster,
      keep: (object: KubernetesObject) => T,
      set: (key: string, now: T | undefined, before: T | undefined) => void,
    ): Reflector<T> =>
      new Reflector({
        ...{ api, log, keep },
        path: collectionPath(kind, namespace),
        onChange: (key, now, before) => {
          set(key, now, before);
          this.#changed();
        },
      });
    const grants = follow(grantKind, keepGrant, (key, now, before) => cluster.setGrant(key, now, before));
    // Who may see one namespace only sees no nodes: then regions are not known.
    const nodes = new Reflector({
      ...{ api, log, keep: keepNode, path: collectionPath(coreKinds.Node), onRefused: () => undefined },
      onChange: (name, now) => {
        cluster.setNode(name, now);
        this.#changed();
      },
    });
    const own = Object.entries({ ...ownKinds, ...routeKinds }).map(([kind, place]) =>
      follow(place, keepCustom, (key, now, before) =>
        kind === "MeshService"
          ? cluster.setSettings(key, now)
          : cluster.setObject(kind as DocumentKind, key, now, before),
      ),
    );
    this.#reflectors = [
      follow(coreKinds.Service, keepService, (key, now, before) => cluster.setService(key, now, before)),
      follow(coreKinds.EndpointSlice, keepSlice, (key, now, before) => cluster.setSlice(key, now, before)),
      follow(coreKinds.Pod, keepPod, (key, now) => cluster.setPod(key, now)),
      ...[nodes, grants, ...own],
    ] as readonly Reflector<unknown>[];
  }

  /** How often collections were listed as a whole. */
  get lists(): number {
    return this.#reflectors.reduce((sum, { lists }) => sum + lists, 0);
  }

  /**
   * Waits, the first time, until all was listed.
   * @throws Error when the cluster does not say in time what there is.
   */
  async list(): Promise<readonly SourceFile[]> {
    await this.#synced();
    return this.cluster.files();
  }

  async readAssets(references: readonly AssetReference[]): Promise<Assets> {
    await this.#files.follow(references.map(({ path }) => path));
    const assets = new Map<string, Asset>();
    for (const { path, use } of references) assets.set(path, await this.#asset(path, use));
    return assets;
  }

  read(path: string): Promise<Uint8Array> {
    return this.#files.read(path, "ConfigMap");
  }

  watch(onChange: () => void): Promise<StopWatching> {
    const debouncer = new Debouncer(onChange, this.#quietMs, this.#maxMs);
    this.#debouncers.add(debouncer);
    return Promise.resolve(async () => {
      this.#debouncers.delete(debouncer);
      debouncer.cancel();
      if (this.#debouncers.size === 0) await this.#stop();
    });
  }

  credentials(registry: string, secrets: readonly string[]): Promise<string | undefined> {
    return pullCredentials(this.#api, registry, secrets);
  }

  status(status: SourceStatus | undefined): void {
    if (status === undefined) this.#status.leave();
    else this.#status.tell(status);
  }

  event(event: SourceEvent): void {
    this.#status.event(event);
  }

  async #stop(): Promise<void> {
    await this.#status.stop();
    await Promise.all(this.#reflectors.map((reflector) => reflector.stop()));
    await this.#files.stop();
    this.#api.close();
  }

  async #synced(): Promise<void> {
    if (this.#reflectors.every(({ isSynced }) => isSynced)) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const what = `${this.#api.server} has not told what there is in the cluster`;
      timer = setTimeout(() => reject(new Error(what)), this.#syncTimeoutMs);
    });
    try {
      await Promise.race([Promise.all(this.#reflectors.map(({ synced }) => synced)), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #asset(path: string, use: AssetReference["use"]): Promise<Asset> {
    try {
      const bytes = await this.#files.read(path, use === "pem" ? "Secret" : "ConfigMap");
      return use === "schema" || use === "pem" ? { ok: true, text: Buffer.from(bytes).toString("utf8") } : { ok: true };
    } catch (error) {
      if (!(error instanceof KeyedObjectError)) throw error;
      const { message, missing } = error;
      return { ok: false, reason: message, ...(missing === undefined ? {} : { missing }) };
    }
  }

  #changed(): void {
    for (const debouncer of this.#debouncers) debouncer.trigger();
  }
}
