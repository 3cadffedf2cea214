import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { ServerCredentials } from "@grpc/grpc-js";
import { handlePlainRequest, handleRequest, routeOf } from "../api/index.ts";
import {
  addClientStatusService,
  addMetricsService,
  Fleet,
  KeptNames,
  NodeStats,
  runningFilters,
} from "../fleet/index.ts";
import { LastGoodStore, type Held, type LastGood } from "../isolate/index.ts";
import { Journal, JournalSource, Resources } from "../journal/index.ts";
import { formatProblem, resourcesOf, type Problem } from "../model/index.ts";
import type { Collector } from "../modules/index.ts";
import {
  MemoryPins,
  ModuleFetcher,
  ModuleStore,
  SignatureChecks,
  StoredPins,
  pathOf,
  type Pins,
} from "../modules/index.ts";
import { Activity, Metrics, watchRequest, type ReloadStage } from "../observe/index.ts";
import { addQuotaService, LeaseService, MemoryLedger, Quotas, type Ledger } from "../quota/index.ts";
import { DurableRolloutStore, MemoryRolloutStore, Rollouts } from "../rollout/index.ts";
import { InsecureAccess, type HttpAccess, type Security } from "../security/index.ts";
import { MergedSource, type Source, type StopWatching } from "../source/index.ts";
import type { Store } from "../store/index.ts";
import type { Translation, TranslationSettings } from "../translate/index.ts";
import { ANY_SERVICE, XdsServer, type Caller, type NodeInfo, type Snapshot } from "../xds/index.ts";
import { changedResources } from "./changes.ts";
import type { LoadedModule } from "./filter-checks.ts";
import { previewOf, type ChangePreview } from "./change-preview.ts";
import type { ControlPlaneOptions } from "./control-plane-options.ts";
import { formatHostPort } from "./host-port.ts";
import { listenOn } from "./listen.ts";
import { logFleet } from "./log-fleet.ts";
import { logHeld } from "./log-held.ts";
import { collectorOf } from "./module-collection.ts";
import { moduleReferences, servedVersions } from "./module-references.ts";
import { Secrets } from "./secrets.ts";
import { preChecks } from "./pre-checks.ts";
import { Pipeline, type Release } from "./pipeline.ts";
import { RoutedTranslation } from "./routed-translation.ts";

/** The host in the addresses of modules. One for all control planes, so that they serve the same bytes. */
const MODULES_AUTHORITY = "modules.meshwright";

/** The source is faulty, and there is nothing earlier to serve. */
export class FaultySourceError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.problems = problems;
  }
}

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
  readonly #secrets: Secrets | undefined;
  readonly #xds: XdsServer;
  readonly #http: Server;
  #rollouts: Rollouts<LoadedModule> | undefined;
  /** What the source says, and was taken over. */
  #desired: Release | undefined;
  /** Of {@link ControlPlaneOptions.metrics}. */
  readonly #plainHttp: Server | undefined;
  #appliedAt: Date | undefined;
  #refused: readonly Problem[] = [];
  #held: Held = { kept: [], leftOut: [] };
  readonly #lastGood: LastGoodStore | undefined;
  #reloading: Promise<void> | undefined;
  /** Why the source could not be read at its last reading. */
  #unread: Error | undefined;
  #isStale = false;
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
    this.#lastGood = options.store && new LastGoodStore(options.store, (error) => this.#notKept(error));
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
      isShared: options.isStoreShared === true,
      ...(options.moduleKeys === undefined
        ? {}
        : { signatures: new SignatureChecks(this.#modules, this.#fetcher, options.moduleKeys) }),
    });
    this.#secrets =
      options.security?.authority && new Secrets(options.security, (nodes) => this.#xds.update(nodes), options.log);
    const { security } = options;
    const authorize = security && ((node: NodeInfo, caller: Caller) => this.#refusal(security, node, caller));
    this.access = security?.access ?? new InsecureAccess([options.http.host, MODULES_AUTHORITY]);
    this.#xds = new XdsServer({
      source: { snapshot: (node) => this.snapshotFor(node) },
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
    this.#http = security?.httpsServer(answer) ?? createServer(answer);
    this.#plainHttp =
      options.metrics && createServer((request, response) => handlePlainRequest(this, request, response));
    addMetricsService(this.#xds.grpc, this.stats, authorize === undefined ? {} : { authorize });
    const maySeeAll = security && { authorize: (caller: Caller) => security.admission.refusalToSeeAll(caller) };
    addClientStatusService(this.#xds.grpc, this.fleet, maySeeAll);
    this.#ledger = options.ledger ?? new MemoryLedger();
    this.leases = new LeaseService({
      ledger: this.#ledger,
      quotas: () => this.#quotas,
      onDecision: (decision) => this.metrics.quotaDecision(decision),
      onLedger: (error) => {
        this.metrics.quotaStore(error === undefined);
        if (error === undefined) options.log.info("the counts of quotas are reached again");
        else
          options.log.error(
            { err: error },
            `quotas go by onLoss, since their counts are not reached: ${error.message}`,
          );
      },
    });
    addQuotaService(this.#xds.grpc, this.leases, security && ((caller) => security.admission.sidecarOf(caller)));
    logFleet(this.fleet, options.log);
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
      await plane.reload();
      if (plane.#desired === undefined) await plane.#refuseToStart();
      await plane.#listen();
      plane.collector.start();
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
    return { ...base, translation: new RoutedTranslation(base.translation, of, () => this.rollouts.translations) };
  }

  /** What the source says, and was taken over: Rollouts may hold back some of it. */
  get wanted(): Release | undefined {
    return this.#desired;
  }

  /** Brings changes to the sidecars wave by wave. */
  get rollouts(): Rollouts<LoadedModule> {
    if (this.#rollouts === undefined) throw new Error("the control plane has not started");
    return this.#rollouts;
  }

  /** When what is served now was taken over. */
  get appliedAt(): Date | undefined {
    return this.#appliedAt;
  }

  /** What is wrong with the source; {@link held} is what is served in its place. */
  get refused(): readonly Problem[] {
    return this.#refused;
  }

  /** What is served in place of what is faulty. */
  get held(): Held {
    return this.#held;
  }

  /** Reads the source again, one time after another; changes while it reads lead to one more reading. */
  async reload(): Promise<void> {
    this.#isStale = true;
    this.#reloading ??= this.#reloadWhileStale();
    await this.#reloading;
  }

  /**
   * What would come of a change of what is served. Changes nothing, but that modules are kept.
   * @param change makes of the source as it is one as it would be.
   */
  async preview(change: (present: Source) => Promise<Source>): Promise<ChangePreview> {
    const result = await this.#pipeline.prepare(await change(this.#source));
    if (!result.ok) return result;
    const before = this.#desired && { content: this.#desired, translationFor: this.#translationFor.bind(this) };
    return previewOf(before, result.release, await this.rollouts.preview(result.release), this.#settings);
  }

  async close(): Promise<void> {
    await this.#stopWatching?.();
    this.#fetcher.close();
    await this.#reloading;
    await this.collector.stop();
    await this.#rollouts?.close();
    for (const server of [this.#http, this.#plainHttp]) {
      server?.close();
      server?.closeAllConnections();
    }
    await this.#xds.close();
    await this.#ledger.close();
    this.#secrets?.stop();
    this.#options.webhooks?.close();
    this.#options.security?.close();
    await this.#lastGood?.close();
    await this.#options.store?.close();
  }

  /** What is wrong with a source that may come to be served. */
  async #check(candidate: Source): Promise<readonly Problem[]> {
    const known = new Set(this.#refused.map(formatProblem));
    const result = await this.#pipeline.prepareAround(() => this.#findLast(), candidate);
    if (!result.ok) return result.problems;
    // What was faulty before the change hinders no change, as long as it stays the only fault and takes nothing else with it.
    const heldBefore = new Set([...this.#held.kept, ...this.#held.leftOut].map(({ resource }) => resource));
    const taken = [...result.held.kept, ...result.held.leftOut].filter(({ resource }) => !heldBefore.has(resource));
    const isNew = taken.length > 0 || result.problems.some((problem) => !known.has(formatProblem(problem)));
    if (isNew) return [...result.problems, ...taken.flatMap(({ fault }) => fault ?? [])];
    return this.rollouts.check(result.release);
  }

  /** Forgets which module an image was found to hold. @returns why not. */
  async #unpin(image: string): Promise<string | undefined> {
    const user = [...(this.#desired?.model.wasmModules.values() ?? [])].find(({ spec }) => spec.image === image);
    if (user !== undefined) return `WasmModule ${user.metadata.name} names ${image}`;
    return (await this.#pins.remove(image)) ? undefined : `no module is pinned for ${image}`;
  }

  /** Applied resources with a fault, as another version of this program may find in them, are mended over the API. */
  async #refuseToStart(): Promise<void> {
    const { log } = this.#options;
    if (this.#unread !== undefined) throw this.#unread;
    const applied = await this.resources?.journal.state();
    if (applied === undefined || applied.resources.size === 0) throw new FaultySourceError(this.#refused);
    for (const problem of this.#refused) log.error({ problem }, `refused: ${formatProblem(problem)}`);
    log.warn("nothing is served until the applied resources, or those of the folder, are mended");
  }

  async #reloadWhileStale(): Promise<void> {
    // Begins after its promise is kept, so that a change that the reading itself brings about starts no second loop.
    await Promise.resolve();
    while (this.#isStale) {
      this.#isStale = false;
      await this.#reload();
    }
    this.#reloading = undefined;
  }

  async #reload(): Promise<void> {
    const { log } = this.#options;
    const reload = this.activity.startReload();
    try {
      this.#unread = undefined;
      const begin = (stage: ReloadStage): void => reload.stage(stage);
      const result = await this.#pipeline.prepareAround(() => this.#findLast(), undefined, begin);
      const isFirst = this.#desired === undefined;
      if (!result.ok || (isFirst && result.problems.length > 0 && result.release.model.services.size === 0)) {
        reload.end("refused");
        this.#refuse(result.problems);
        return;
      }
      const changes = changedResources(this.#desired, result.release);
      const wasRefused = this.#refused.length > 0;
      if (changes.length === 0 && !isFirst) {
        this.#hold(result.held, result.problems);
        reload.end(result.problems.length === 0 ? "unchanged" : "refused");
        if (wasRefused && result.problems.length === 0) log.info("the source is good again, and as it is served");
        return;
      }
      const problems = await this.rollouts.adopt(result.release);
      if (problems.length > 0) {
        reload.end("refused");
        this.#refuse(problems);
        return;
      }
      this.#hold(result.held, result.problems);
      this.#desired = result.release;
      this.#lastGood?.keep(result.release.model, result.release.modules);
      this.#appliedAt = new Date();
      this.#quotas = new Quotas(result.release.model.quotas.values());
      if (changes.length === 0) log.warn("there are no resources yet, so sidecars are served nothing until there are");
      else log.info({ changes }, `serving ${isFirst ? `${String(changes.length)} resources` : changes.join(", ")}`);
      reload.end("applied", changes);
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      this.#unread = failure;
      reload.end("failed");
      if (this.#desired === undefined) return;
      const what = "the source could not be read, and what was served before is still served";
      log.error({ err: failure }, `${what}: ${failure.message}`);
    }
  }

  /**
   * What statistics prove to run is in a sidecar's code cache, so that its next answer about that module is about the
   * filter's configuration alone. Looked at before a change is sent, which makes the statistics out of date.
   */
  #rememberLoaded(nodes?: Iterable<string>): void {
    const now = Date.now();
    const views = nodes === undefined ? this.fleet.nodes() : Array.from(nodes, (node) => this.fleet.node(node));
    for (const view of views) {
      if (view === undefined) continue;
      const { id } = view.node;
      for (const [policy, state] of runningFilters(view, this.stats.of(id), now)) {
        const module = this.#translationFor(id)?.extensionConfig(policy, id)?.staged?.module;
        if (state === "loaded" && module !== undefined) this.fleet.memory(id).addModule(module, now);
      }
    }
  }

  /** What was good last: what is served, or was served before this process. */
  async #findLast(): Promise<LastGood<LoadedModule>> {
    if (this.#desired !== undefined) {
      const { model, modules } = this.#desired;
      return { resources: resourcesOf(model), modules };
    }
    if (this.#lastGood === undefined) return { resources: [], modules: new Map() };
    return this.#pipeline.trusted(await this.#lastGood.read((sha256) => this.#findModule(sha256)));
  }

  #findModule(sha256: string): LoadedModule | undefined {
    const bytes = this.#modules.get(sha256);
    return bytes && { sha256, size: bytes.length, bytes };
  }

  #hold(held: Held, problems: readonly Problem[]): void {
    logHeld(held, problems, this.#options.log);
    this.#held = held;
    this.#refused = problems;
  }

  #notKept(error: Error): void {
    const what = "what is good now is not kept for a start with a faulty source";
    this.#options.log.warn({ err: error }, `${what}: ${error.message}`);
  }

  #refuse(problems: readonly Problem[]): void {
    const { log } = this.#options;
    this.#refused = problems;
    if (this.#desired === undefined) return;
    for (const problem of problems) log.error({ problem }, `refused: ${formatProblem(problem)}`);
    log.warn("the change is refused; what was served before is still served");
  }

  #translationFor(nodeId: string): Translation | undefined {
    return this.#rollouts?.translationFor(nodeId);
  }

  #openRollouts(): Promise<Rollouts<LoadedModule>> {
    const { store, rolloutTickMs, log } = this.#options;
    return Rollouts.open({
      store: store === undefined ? new MemoryRolloutStore() : new DurableRolloutStore(store),
      fleet: this.fleet,
      stats: this.stats,
      ...(this.#options.preChecks === undefined ? {} : { preCheck: preChecks(this.#options.preChecks.shadow, log) }),
      settings: this.#settings,
      findModule: (sha256) => this.#findModule(sha256),
      prepare: (content) => this.#secrets?.keep(content) ?? Promise.resolve(),
      beforeChange: (nodes) => this.#rememberLoaded(nodes),
      onServed: (nodes) => {
        this.#modules.catalog.addServed(servedVersions(this.rollouts.contents));
        this.#xds.update(nodes);
      },
      onEvents: (run, events) => this.#options.webhooks?.send(run, events),
      log,
      ...(rolloutTickMs === undefined ? {} : { tickMs: rolloutTickMs }),
    });
  }

  /** What a node would be served now, its secrets included; undefined where it is served nothing. */
  snapshotFor(node: NodeInfo): Snapshot | undefined {
    const translation = this.#translationFor(node.id);
    const snapshot = translation?.snapshotFor(node).snapshot;
    const service = translation?.sidecars.get(node.id)?.service.metadata.name ?? node.cluster;
    return snapshot && (this.#secrets?.addTo(snapshot, node.id, service) ?? snapshot);
  }

  /** Why a caller may not be served as a node. */
  #refusal(security: Security, node: NodeInfo, caller: Caller): string | undefined {
    const refusal = security.admission.refusal(node, caller) ?? this.#contradiction(node);
    if (refusal !== undefined) this.#options.log.warn({ node: node.id, peer: caller.getPeer() }, `refused: ${refusal}`);
    return refusal;
  }

  /** A node that no Service knows may come, and is shown in the status; the node of another Service may not. */
  #contradiction(node: NodeInfo): string | undefined {
    const place = this.#rollouts?.base?.translation.sidecars.get(node.id);
    if (place === undefined || [place.service.metadata.name, ANY_SERVICE].includes(node.cluster)) return undefined;
    return `the node "${node.id}" is a sidecar of Service ${place.service.metadata.name}, not of ${node.cluster}`;
  }

  async #listen(): Promise<void> {
    const { xds, http, metrics, log, security } = this.#options;
    await listenOn(this.#http, http);
    if (this.#plainHttp && metrics) await listenOn(this.#plainHttp, metrics);
    await this.#xds.listen(formatHostPort(xds), security?.grpcCredentials() ?? ServerCredentials.createInsecure());
    if (this.#xds.connections !== undefined) security?.watchConnections(this.#xds.connections);
    const [how, scheme] = security === undefined ? ["without encryption, HTTP", "HTTP"] : ["with mutual TLS", "HTTPS"];
    if (metrics) log.info(`metrics and health on ${formatHostPort(metrics)}, HTTP, to everybody`);
    log.info(`xDS on ${formatHostPort(xds)}, ${scheme} on ${formatHostPort(http)}, ${how}`);
    if (security === undefined) log.warn("--insecure: whoever reaches these ports may do everything");
  }
}
