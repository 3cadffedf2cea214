import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { handlePlainRequest, handleRequest, routeOf } from "../api/index.ts";
import { addClientStatusService, addMetricsService, Fleet, KeptNames, NodeStats } from "../fleet/index.ts";
import type { CertificateTime } from "../certificates/index.ts";
import type { Held } from "../isolate/index.ts";
import { Journal, JournalSource, Resources } from "../journal/index.ts";
import type { Problem } from "../model/index.ts";
import type { Collector } from "../modules/index.ts";
import {
  MemoryPins,
  ModuleFetcher,
  type ModuleFetcherOptions,
  ModuleStore,
  SignatureChecks,
  StoredPins,
  pathOf,
  type Pins,
} from "../modules/index.ts";
import { Activity, Metrics, watchRequest } from "../observe/index.ts";
import { addQuotaService, MemoryLedger, Quotas, type LeaseService, type Ledger } from "../quota/index.ts";
import { Rollouts } from "../rollout/index.ts";
import { InsecureAccess, type HttpAccess } from "../security/index.ts";
import { MergedSource, type Source, type StopWatching } from "../source/index.ts";
import type { Store } from "../store/index.ts";
import type { Translation, TranslationSettings } from "../translate/index.ts";
import { XdsServer, type Caller, type NodeInfo, type Snapshot } from "../xds/index.ts";
import type { LoadedModule } from "./filter-checks.ts";
import { CertificateEndings, timesOf } from "./certificate-endings.ts";
import { previewOf, type ChangePreview } from "./change-preview.ts";
import type { ControlPlaneOptions } from "./control-plane-options.ts";
import { EarlierTranslations } from "./earlier-translations.ts";
import { FollowedSource } from "./followed-source.ts";
import { leasesOf } from "./leases.ts";
import { rememberLoaded } from "./loaded-modules.ts";
import { logFleet } from "./log-fleet.ts";
import { collectorOf } from "./module-collection.ts";
import { imageOf } from "./load-modules.ts";
import { moduleReferences, servedVersions } from "./module-references.ts";
import { OwnCertificates } from "./own-certificates.ts";
import { Secrets } from "./secrets.ts";
import { preChecks } from "./pre-checks.ts";
import { refusalsOf } from "./refusals.ts";
import { Pipeline, type Release } from "./pipeline.ts";
import { rolloutStoreOf } from "./rollout-store.ts";
import { RoutedTranslation } from "./routed-translation.ts";
import { Servers } from "./servers.ts";
import { SourceTeller } from "./tell-source.ts";

/** The host in the addresses of modules. One for all control planes, so that they serve the same bytes. */
const MODULES_AUTHORITY = "modules.meshwright";

/** A running control plane: follows a source and serves the sidecars of a mesh. */
export class ControlPlane {
  /** What it does, for whoever measures. */
  readonly activity = new Activity();
  readonly metrics: Metrics = new Metrics(this);
  /** The sidecars. */
  readonly fleet = new Fleet();
  /** What sidecars report of themselves. */
  readonly stats: NodeStats;
  /** Divides quotas among the sidecars. */
  readonly leases: LeaseService;
  /** Who may do what over HTTP. */
  readonly access: HttpAccess;
  /** The resources that are applied over the API; undefined when none can be. */
  readonly resources: Resources | undefined;
  /** What changes would do. */
  readonly plans = this;
  readonly #source: Source;
  readonly #ledger: Ledger;
  #quotas = new Quotas([]);
  readonly #options: ControlPlaneOptions;
  readonly #modules: ModuleStore;
  readonly #pins: Pins;
  readonly #fetcher: ModuleFetcher;
  /** Shows the modules, and removes those that nothing refers to. */
  readonly collector: Collector;
  /** One for all translations: a version that a Rollout holds back is made of the same bytes as before. */
  readonly #settings: TranslationSettings;
  readonly #pipeline: Pipeline;
  readonly #followed: FollowedSource;
  readonly #endings: CertificateEndings;
  readonly #earlier = new EarlierTranslations();
  readonly #teller: SourceTeller;
  readonly #secrets: Secrets | undefined;
  readonly #certificates = new OwnCertificates();
  readonly #servers: Servers;
  #rollouts: Rollouts<LoadedModule> | undefined;
  #stopWatching: StopWatching | undefined;

  private constructor(options: ControlPlaneOptions, journal: Journal | undefined) {
    this.#options = options;
    options.watch?.(this.activity);
    this.stats = new NodeStats({
      names: KeptNames.default(options.keepStats),
      ...(options.statsWindowMs === undefined ? {} : { windowMs: options.statsWindowMs }),
    });
    this.#modules = new ModuleStore(options.stateFolder);
    this.#pins = options.store === undefined ? new MemoryPins() : new StoredPins(options.store);
    this.#fetcher = new ModuleFetcher(this.#modules, {
      pins: this.#pins,
      onFetched: () => void this.reload(),
      ...credentialsOf(options.source),
      ...(options.moduleRetryMs === undefined ? {} : { retryMs: options.moduleRetryMs }),
    });
    this.collector = collectorOf(options, this.#modules, () =>
      moduleReferences({
        read: this.#pipeline.read,
        served: this.rollouts.contents,
        fleet: this.fleet,
        catalog: this.#modules.catalog,
        journal,
        pins: this.#pins,
        revisions: options.moduleRevisions ?? 100,
        versionsInReach: () => this.rollouts.versionsInReach(),
      }),
    );
    const { source } = options;
    this.#source = journal === undefined ? source : new MergedSource([source, new JournalSource(journal)]);
    this.resources =
      journal && new Resources(journal, (candidate) => this.#check(new MergedSource([source, candidate])));
    this.#settings = {
      modulesAuthority: MODULES_AUTHORITY,
      modulesCluster: options.modulesCluster,
      ...(options.security?.authority === undefined ? {} : { trustDomain: options.security.trustDomain }),
    };
    this.#pipeline = new Pipeline(this.#source, this.#modules, this.#fetcher, this.#settings, {
      isEncrypted: options.security !== undefined,
      ...(options.moduleKeys === undefined
        ? {}
        : { signatures: new SignatureChecks(this.#modules, this.#fetcher, options.moduleKeys) }),
    });
    this.#followed = new FollowedSource({
      pipeline: this.#pipeline,
      activity: this.activity,
      options,
      findModule: (sha256) => this.#findModule(sha256),
      adopt: (release) => this.#certificates.take(release.certificates, () => this.rollouts.adopt(release)),
      onAdopted: ({ model }) => (this.#quotas = new Quotas(model.quotas.values())),
      onRead: () => this.#teller.changed(),
    });
    this.#teller = new SourceTeller(source, () => ({
      leads: this.#rollouts?.leads ?? false,
      followed: this.#followed,
      release: this.release,
      views: this.#rollouts?.views ?? [],
      fleet: this.fleet,
      stats: this.stats,
    }));
    this.#secrets =
      options.security?.authority &&
      new Secrets(options.security, (nodes) => this.#servers.xds.update(nodes), options.log);
    const { security } = options;
    const authorize =
      security &&
      refusalsOf(security, options.log, (node) => this.#rollouts?.base?.translation.sidecars.get(node)?.service);
    this.access = security?.access ?? new InsecureAccess([options.http.host, MODULES_AUTHORITY]);
    const xds = new XdsServer({
      source: { snapshot: (node) => this.snapshotFor(node), earlier: (node) => this.#earlier.snapshots(node) },
      observer: this.activity.watchStreams(this.fleet),
      ...(authorize === undefined ? {} : { authorize }),
      ...(options.maxConnectionAgeMs === undefined ? {} : { maxConnectionAgeMs: options.maxConnectionAgeMs }),
      interceptors: security?.interceptors ?? [],
      onError: (error) => options.log.error({ err: error }, "internal error while serving a stream"),
    });
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      watchRequest(this.activity, routeOf(pathOf(request)), request, response);
      handleRequest(this, request, response);
    };
    const plainHttp =
      options.metrics && createServer((request, response) => handlePlainRequest(this, request, response));
    this.#servers = new Servers(xds, security?.httpsServer(answer) ?? createServer(answer), plainHttp);
    addMetricsService(xds.grpc, this.stats, authorize === undefined ? {} : { authorize });
    const maySeeAll = security && { authorize: (caller: Caller) => security.admission.refusalToSeeAll(caller) };
    addClientStatusService(xds.grpc, this.fleet, maySeeAll);
    this.#ledger = options.ledger ?? new MemoryLedger();
    this.leases = leasesOf(this.#ledger, () => this.#quotas, this.metrics, options.log);
    addQuotaService(xds.grpc, this.leases, security && ((caller) => security.admission.sidecarOf(caller)));
    logFleet(this.fleet, options.log);
    this.#endings = new CertificateEndings({
      times: () => this.certificateTimes,
      // What has ended is faulty, and is reported as that.
      onEnded: () => void this.reload(),
      log: options.log,
    });
  }

  /**
   * Starts to serve once the source was read.
   * @throws FaultySourceError when what the source holds cannot be served, and nothing can be applied to mend it.
   * @throws StoreUnavailableError
   */
  static async start(options: ControlPlaneOptions): Promise<ControlPlane> {
    const plane = new ControlPlane(options, options.store && (await Journal.open(options.store)));
    // Watched before it is read, so that a change in between leads to another reading.
    plane.#stopWatching = await plane.#source.watch(() => void plane.reload());
    try {
      plane.#rollouts = await plane.#openRollouts();
      await plane.#reloadUntilTaken();
      if (plane.#followed.desired === undefined) {
        const applied = await plane.resources?.journal.state();
        // A source that is told what is wrong with it says so to whoever can mend it.
        const isTold = options.source.status !== undefined;
        plane.#followed.refuseToStart(isTold || (applied !== undefined && applied.resources.size > 0));
      }
      await plane.#servers.listen(options);
      plane.collector.start();
      plane.#endings.watch();
    } catch (error) {
      await plane.close();
      throw error;
    }
    return plane;
  }

  /** Modules by their hash. */
  get modules(): ModuleStore {
    return this.#modules;
  }

  get moduleKeeping(): {
    readonly collector: Collector;
    readonly unpin: (image: string) => Promise<string | undefined>;
  } {
    return { collector: this.collector, unpin: (image) => this.#unpin(image) };
  }

  /** What survives the control plane. */
  get store(): Store | undefined {
    return this.#options.store;
  }

  /** What is served now: to most; the translation has what each node is served. */
  get release(): Release | undefined {
    const base = this.#rollouts?.base;
    if (base === undefined) return undefined;
    const of = (node: string): Translation | undefined => this.#translationFor(node);
    return {
      ...base,
      certificates: this.#certificates.materials,
      translation: new RoutedTranslation(base.translation, of, () => this.rollouts.translations),
    };
  }

  /** What the source says, and was taken over: Rollouts may hold back some of it. */
  get wanted(): Release | undefined {
    return this.#followed.desired;
  }

  /** Brings changes to the sidecars wave by wave. */
  get rollouts(): Rollouts<LoadedModule> {
    if (this.#rollouts === undefined) throw new Error("the control plane has not started");
    return this.#rollouts;
  }

  /** When what is served now was taken over. */
  get appliedAt(): Date | undefined {
    return this.#followed.appliedAt;
  }

  /** What is wrong with the source; {@link held} is what is served in its place. */
  get refused(): readonly Problem[] {
    return this.#followed.refused;
  }

  /** What is served in place of what is faulty. */
  get held(): Held {
    return this.#followed.held;
  }

  /** From when until when all certificates in use are good. */
  get certificateTimes(): readonly CertificateTime[] {
    const { security } = this.#options;
    return [
      ...(security === undefined ? [] : timesOf(security)),
      ...(this.#secrets?.times() ?? []),
      ...this.#certificates.times(),
    ];
  }

  /** Reads the source again, one time after another; changes while it reads lead to one more reading. */
  async reload(): Promise<void> {
    await this.#followed.reload();
  }

  /**
   * What would come of a change of what is served. Changes nothing, but that modules are kept.
   * @param change makes of the source as it is one as it would be.
   */
  async preview(change: (present: Source) => Promise<Source>): Promise<ChangePreview> {
    const result = await this.#pipeline.prepare(await change(this.#source));
    if (!result.ok) return result;
    const before = this.#followed.desired && {
      content: this.#followed.desired,
      translationFor: this.#translationFor.bind(this),
    };
    return previewOf(before, result.release, await this.rollouts.preview(result.release), this.#settings);
  }

  async close(): Promise<void> {
    this.#teller.stop();
    this.#endings.stop();
    this.#earlier.stop();
    await this.#stopWatching?.();
    this.#fetcher.close();
    await this.#followed.settled();
    await this.collector.stop();
    await this.#rollouts?.close();
    await this.#servers.close();
    await this.#ledger.close();
    this.#secrets?.stop();
    this.#options.webhooks?.close();
    this.#options.security?.close();
    await this.#followed.close();
    await this.#options.store?.close();
  }

  /** What would be wrong after a change, beside what is wrong already. */
  async check(change: (present: Source) => Source): Promise<readonly Problem[]> {
    return this.#check(change(this.#source));
  }

  /** What is wrong with a source that may come to be served. */
  async #check(candidate: Source): Promise<readonly Problem[]> {
    const { problems, release } = await this.#followed.check(candidate);
    return release === undefined ? problems : this.rollouts.check(release);
  }

  /** Forgets which module an image was found to hold. @returns why not. */
  async #unpin(image: string): Promise<string | undefined> {
    const user = [...(this.#followed.desired?.model.wasmModules.values() ?? [])].find(
      ({ spec }) => imageOf(spec) === image,
    );
    if (user !== undefined) return `WasmModule ${user.metadata.name} names ${image}`;
    return (await this.#pins.remove(image)) ? undefined : `no module is pinned for ${image}`;
  }

  #findModule(sha256: string): LoadedModule | undefined {
    const bytes = this.#modules.get(sha256);
    return bytes && { sha256, size: bytes.length, bytes };
  }

  #translationFor(nodeId: string): Translation | undefined {
    return this.#rollouts?.translationFor(nodeId);
  }

  /** Where several control planes share a store, what is new to this one may have to be written by the one that leads. */
  async #reloadUntilTaken(): Promise<void> {
    for (;;) {
      const ready = this.rollouts.ready();
      await this.reload();
      if (!this.#followed.waits) return;
      await ready;
    }
  }

  async #openRollouts(): Promise<Rollouts<LoadedModule>> {
    const { rolloutTickMs, log } = this.#options;
    return Rollouts.open({
      ...(await rolloutStoreOf(this.#options, this.#modules)),
      onReady: () => void this.reload(),
      fleet: this.fleet,
      stats: this.stats,
      ...(this.#options.preChecks === undefined ? {} : { preCheck: preChecks(this.#options.preChecks.shadow, log) }),
      settings: this.#settings,
      findModule: (sha256) => this.#findModule(sha256),
      prepare: (content) => this.#secrets?.keep(content) ?? Promise.resolve(),
      beforeChange: (nodes) => rememberLoaded(this, (node) => this.#translationFor(node), nodes),
      onServed: (nodes) => {
        this.#modules.catalog.addServed(servedVersions(this.rollouts.contents));
        this.#earlier.replace(this.rollouts.translations);
        this.#servers.xds.update(nodes);
      },
      onEvents: (run, events) => {
        this.#options.webhooks?.send(run, events);
        this.#teller.rolloutEvents(run.rollout, events);
      },
      log,
      ...(rolloutTickMs === undefined ? {} : { tickMs: rolloutTickMs }),
    });
  }

  /** What a node would be served now, its secrets included; undefined where it is served nothing. */
  snapshotFor(node: NodeInfo): Snapshot | undefined {
    const translation = this.#translationFor(node.id);
    const snapshot = translation?.snapshotFor(node).snapshot;
    if (translation === undefined || snapshot === undefined) return undefined;
    const own = this.#secrets?.addTo(snapshot, node.id) ?? snapshot;
    return this.#certificates.addTo(own, node.id, translation);
  }
}

/** What a source has for registries. */
function credentialsOf(source: Source): Pick<ModuleFetcherOptions, "credentials"> {
  return source.credentials === undefined ? {} : { credentials: source.credentials.bind(source) };
}
