import { readFileSync } from "node:fs";
import { pino, type Logger } from "pino";
import pretty from "pino-pretty";
import {
  checkOptions,
  ControlPlane,
  FaultySourceError,
  type ControlPlaneOptions,
  type HostPort,
  type Shadow,
} from "../control/index.ts";
import { installedEnvoy } from "../envoy-binary/envoy.mjs";
import type { Admission } from "../admission/index.ts";
import type { Kubernetes } from "../kubernetes/index.ts";
import { startTracing, type Tracing } from "../observe/index.ts";
import { openRedisLedger, type Ledger } from "../quota/index.ts";
import { Security } from "../security/index.ts";
import { tryInEnvoy } from "../shadow/index.ts";
import { readKeys } from "../signatures/index.ts";
import { FolderSource, MergedSource, type Source } from "../source/index.ts";
import { openStore, type Store } from "../store/index.ts";
import { readWebhooks, Webhooks } from "../webhooks/index.ts";
import { MODULES_CLUSTER } from "../bootstrap/index.ts";
import { pairOf } from "./bootstrap.ts";

export interface ServeOptions {
  readonly config?: string;
  readonly kubernetes: boolean;
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly admission?: HostPort;
  readonly injectSettings?: string;
  readonly webhookConfiguration: string;
  readonly host: readonly string[];
  readonly state: string;
  readonly xds: HostPort;
  readonly http: HostPort;
  readonly metrics?: HostPort;
  readonly store?: string;
  readonly storeCa?: string;
  readonly storeCert?: string;
  readonly storeKey?: string;
  readonly storeUser?: string;
  readonly maxConnectionAge?: number;
  readonly quotaStore?: string;
  readonly trustDomain?: string;
  readonly authorityCert?: string;
  readonly authorityKey?: string;
  readonly trust?: string;
  readonly revoked?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly workloadLifetime: number;
  readonly webhooks?: string;
  readonly insecure: boolean;
  readonly moduleGrace: number | "never";
  readonly moduleKeys?: string;
  readonly preChecks: "on" | "off";
  readonly shadowEnvoy: string;
  readonly keepStats: readonly string[];
  readonly statsWindow: number;
  readonly logFormat: "json" | "text";
}

/** `meshwright serve`: runs until a signal ends it. */
export async function serve(options: ServeOptions): Promise<void> {
  const log = createLog(options.logFormat);
  const ledger = options.quotaStore === undefined ? undefined : await openLedger(options.quotaStore, log);
  let plane: ControlPlane;
  let admission: Admission | undefined;
  let tracing: Tracing | undefined;
  try {
    tracing = await startTracing(process.env);
    const cluster = options.kubernetes ? await clusterOf(options, log) : undefined;
    const security = options.insecure ? undefined : await openSecurity(options, cluster, log);
    plane = await ControlPlane.start({
      source: sourceOf(options, cluster),
      store: await storeOf(options),
      isStoreShared: options.store !== undefined,
      stateFolder: options.state,
      ...(options.moduleGrace === "never" ? {} : { moduleGraceMs: options.moduleGrace }),
      ...keysOf(options.moduleKeys),
      ...(options.preChecks === "off" ? {} : { preChecks: shadowOf(options.shadowEnvoy, log) }),
      xds: options.xds,
      http: options.http,
      ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
      modulesCluster: MODULES_CLUSTER,
      keepStats: options.keepStats,
      statsWindowMs: options.statsWindow,
      ...(options.maxConnectionAge === undefined ? {} : { maxConnectionAgeMs: options.maxConnectionAge }),
      ...(ledger === undefined ? {} : { ledger }),
      ...(options.webhooks === undefined
        ? {}
        : { webhooks: new Webhooks({ webhooks: readWebhooks(options.webhooks), log }) }),
      ...(security === undefined ? {} : { security }),
      watch: (activity) => tracing?.watch(activity),
      log,
    });
    admission = await openAdmission(options, cluster, security, plane, log);
  } catch (error) {
    if (error instanceof FaultySourceError) {
      process.stderr.write(`${error.message}\nmeshwright: ${options.config ?? options.state} cannot be served\n`);
    } else {
      process.stderr.write(`meshwright: ${error instanceof Error ? error.message : String(error)}\n`);
    }
    process.exit(1);
  }
  let stopping = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      log.info(`${signal}: stopping`);
      void (admission?.close() ?? Promise.resolve())
        .then(() => plane.close())
        .then(() => tracing?.close())
        .then(() => process.exit(0));
    });
  }
}

/** What is served beside the applied resources. */
function sourceOf({ config }: ServeOptions, cluster: Kubernetes | undefined): Source {
  const sources = [...(config === undefined ? [] : [new FolderSource(config)]), ...(cluster ? [cluster.source] : [])];
  const [only, ...more] = sources;
  return only !== undefined && more.length === 0 ? only : new MergedSource(sources);
}

/** What only Kubernetes needs is read only then: a client of it has more modules than all the rest. */
async function clusterOf({ kubeconfig, namespace }: ServeOptions, log: Logger): Promise<Kubernetes> {
  const { openKubernetes } = await import("../kubernetes/index.ts");
  return openKubernetes({
    log,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(namespace === undefined ? {} : { namespace }),
  });
}

async function openAdmission(
  options: ServeOptions,
  cluster: Kubernetes | undefined,
  security: Security | undefined,
  plane: ControlPlane,
  log: Logger,
): Promise<Admission | undefined> {
  const { admission: listen, injectSettings, kubeconfig, webhookConfiguration } = options;
  if (listen === undefined) return undefined;
  if (cluster === undefined) throw new Error("--admission needs --kubernetes");
  if (security === undefined) throw new Error("--admission cannot be --insecure: an API server calls no webhook so");
  const [{ Admission }, { parseSettings, usualSettings }, { KubernetesApi }] = await Promise.all([
    import("../admission/index.ts"),
    import("../inject/index.ts"),
    import("../kubernetes/index.ts"),
  ]);
  return Admission.start({
    ...{ listen, security, source: cluster.source, plane, log, configurations: webhookConfiguration },
    settings:
      injectSettings === undefined
        ? usualSettings()
        : parseSettings(readFileSync(injectSettings, "utf8"), injectSettings),
    api: KubernetesApi.open(kubeconfig),
  });
}

/** Read once at the start, so that keys which cannot be used are found then, and again for each change. */
function keysOf(folder: string | undefined): Pick<ControlPlaneOptions, "moduleKeys"> {
  if (folder === undefined) return {};
  readKeys(folder);
  return { moduleKeys: () => readKeys(folder) };
}

/** @param which a file, `auto` for what is installed, or `never`. */
function shadowOf(which: string, log: Logger): NonNullable<ControlPlaneOptions["preChecks"]> {
  const binary = which === "never" ? undefined : which === "auto" ? installedEnvoy() : which;
  if (binary === undefined) return {};
  log.info(`new versions of filters are tried in ${binary} before a Rollout brings them to sidecars`);
  const shadow: Shadow = (filters) =>
    tryInEnvoy(
      binary,
      filters.map(({ policy, module }) => {
        const { rootId = "", configuration, vmConfiguration } = checkOptions(policy);
        const texts = { configuration: asText(configuration), vmConfiguration: asText(vmConfiguration) };
        return { name: policy.metadata.name, rootId, module: module.bytes, ...texts };
      }),
    );
  return { shadow };
}

function asText(value: string | Uint8Array | undefined): string | undefined {
  return typeof value === "object" ? Buffer.from(value).toString("utf8") : value;
}

function storeOf({ store, state, storeCa, storeUser, storeCert, storeKey }: ServeOptions): Promise<Store> {
  const pair = pairOf("--store-cert", storeCert, "--store-key", storeKey);
  return openStore({
    folder: state,
    ...(store === undefined ? {} : { url: store }),
    ...(storeCa === undefined ? {} : { ca: storeCa }),
    ...(pair === undefined ? {} : { cert: pair.certificate, key: pair.privateKey }),
    ...(storeUser === undefined ? {} : { user: storeUser }),
  });
}

function openSecurity(options: ServeOptions, cluster: Kubernetes | undefined, log: Logger): Promise<Security> {
  const authority = pairOf("--authority-cert", options.authorityCert, "--authority-key", options.authorityKey);
  const serverCertificate = pairOf("--tls-cert", options.tlsCert, "--tls-key", options.tlsKey);
  return Security.open({
    stateFolder: options.state,
    ...(options.trustDomain === undefined ? {} : { trustDomain: options.trustDomain }),
    ...(authority === undefined ? {} : { authority }),
    ...(options.trust === undefined ? {} : { trust: options.trust }),
    ...(options.revoked === undefined ? {} : { revoked: options.revoked }),
    ...(serverCertificate === undefined ? {} : { serverCertificate }),
    workloadLifetimeMs: options.workloadLifetime,
    hosts: [options.xds.host, options.http.host, ...options.host],
    ...(cluster === undefined ? {} : { sidecarTokens: cluster.tokens }),
    log,
  });
}

/** Starts without the store as well: quotas go by their policy until it is there. */
function openLedger(url: string, log: Logger): Promise<Ledger> {
  return openRedisLedger({
    url,
    onState: (isReady, error) => {
      if (isReady) log.info("connected to the quota store");
      else log.warn(`not connected to the quota store: ${error?.message ?? ""}`);
    },
  });
}

function createLog(format: ServeOptions["logFormat"]): Logger {
  if (format === "json") return pino({ base: null });
  const stream = pretty({ colorize: process.stdout.isTTY, hideObject: true, translateTime: "HH:MM:ss.l", sync: true });
  return pino({ base: null }, stream);
}
