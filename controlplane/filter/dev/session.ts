import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { parse } from "yaml";
import { bootstrapJson, createBootstrap, MODULES_CLUSTER } from "../../bootstrap/index.ts";
import { ControlPlane, FaultySourceError, type HostPort } from "../../control/index.ts";
import type { Problem } from "../../model/index.ts";
import { buildWith } from "../build.ts";
import { Compiler } from "../compiler.ts";
import { FilterError } from "../filter-error.ts";
import type { Project } from "../project.ts";
import { Symbolizer } from "../symbolize.ts";
import { Echo } from "./echo.ts";
import type { EnvoyLine } from "./envoy-log.ts";
import { DevEnvoy } from "./envoy.ts";
import { Liveness } from "./live.ts";
import { DEV_NODE, DEV_SERVICE, DevMeshSource } from "./mesh-source.ts";
import { checkFree, freePorts } from "./ports.ts";
import { SourceWatch } from "./watch.ts";

export interface DevOptions {
  readonly project: Project;
  /** The Envoy binary. */
  readonly envoy: string;
  /** Where Envoy takes requests. */
  readonly listener: HostPort;
  /** Where it sends them; a server that echoes them when undefined. An IP address. */
  readonly upstream: HostPort | undefined;
  /** File with the filter's configuration, JSON or YAML; none when undefined. */
  readonly config: string | undefined;
  readonly rootId: string;
  /** From which level on the filter's log lines are shown. */
  readonly logLevel: string;
  readonly show: (event: DevEvent) => void;
}

/** What happens in a session, for the terminal. */
export type DevEvent =
  | { readonly kind: "listening"; readonly url: string; readonly admin: string }
  | { readonly kind: "building" }
  /** The module runs; `ms` since the change was noticed. */
  | { readonly kind: "live"; readonly bytes: number; readonly ms: number }
  | { readonly kind: "refused"; readonly problems: readonly string[]; readonly isServing: boolean }
  | { readonly kind: "envoy"; readonly line: EnvoyLine }
  | { readonly kind: "ended"; readonly reason: string };

/** How often Envoy reports the statistics that prove a module to run. */
const STATS_MS = 100;
/** How long Envoy may take to run a module before that is said to have failed. */
const LIVE_TIMEOUT_MS = 15_000;

/**
 * Keeps a filter running in a real Envoy, rebuilt at each change. The control plane in this process delivers it as to any sidecar, so
 * the listener and its connections stay, and a module that does not build or is refused leaves the one before in place.
 */
export class DevSession {
  readonly #options: DevOptions;
  readonly #folder: string;
  readonly #source = new DevMeshSource();
  #stops: (() => Promise<void>)[] = [];
  #compiler: Compiler | undefined;
  #watch: SourceWatch | undefined;
  #plane: ControlPlane | undefined;
  #live: Liveness | undefined;
  #upstream: HostPort | undefined;
  #symbolizer: Symbolizer | undefined;
  #isStale = false;
  #working: Promise<void> | undefined;
  #isStopped = false;

  private constructor(options: DevOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
  }

  /**
   * Starts everything; the filter is built and served soon after, or its faults shown.
   * @throws FilterError when the address is taken.
   */
  static async start(options: DevOptions): Promise<DevSession> {
    const { project, listener, upstream, config } = options;
    await checkFree(listener.host, listener.port);
    const parent = join(project.root, ".meshwright");
    mkdirSync(parent, { recursive: true });
    const session = new DevSession(options, mkdtempSync(join(parent, "dev-")));
    session.#stops.push(() => rm(session.#folder, { recursive: true, force: true }));
    try {
      session.#compiler = await session.#own(await Compiler.start(project));
      session.#upstream = upstream ?? { host: "127.0.0.1", port: (await session.#own(await Echo.start())).port };
      const extra = config === undefined ? [] : [resolve(config)];
      session.#watch = await session.#own(await SourceWatch.start(project, extra, () => void session.#update()));
    } catch (error) {
      await session.stop();
      throw error;
    }
    void session.#update();
    return session;
  }

  /** Ends all that was started. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#isStale = false;
    const stops = this.#stops.reverse();
    this.#stops = [];
    for (const stop of stops) await stop();
    await this.#working;
  }

  async #own<T extends { stop(): Promise<void> }>(part: T): Promise<T> {
    if (this.#isStopped) {
      await part.stop();
      throw new FilterError("stopped");
    }
    this.#stops.push(() => part.stop());
    return part;
  }

  /** Builds and serves, one time after another; changes meanwhile lead to one more time. */
  async #update(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStale = true;
    this.#working ??= (async () => {
      while (this.#isStale) {
        this.#isStale = false;
        try {
          await this.#buildAndServe();
        } catch (error) {
          this.#refuse([error instanceof Error ? error.message : String(error)]);
        }
      }
      this.#working = undefined;
    })();
    await this.#working;
  }

  async #buildAndServe(): Promise<void> {
    const { project, rootId, listener, show } = this.#options;
    const started = performance.now();
    if (this.#compiler === undefined || this.#upstream === undefined) return;
    show({ kind: "building" });
    const out = join(this.#folder, "filter.wasm");
    const built = await buildWith(this.#compiler, project, { debug: true, out });
    if (!built.ok) {
      this.#refuse(built.problems);
      return;
    }
    if (built.sourceMap !== undefined) {
      this.#watch?.add((JSON.parse(built.sourceMap) as { sources: string[] }).sources);
    }
    const configuration = this.#readConfiguration();
    this.#source.set({ rootId, module: out, configuration, upstream: this.#upstream, listener });
    if (!(await this.#serve())) return;
    const symbolizer = built.sourceMap === undefined ? undefined : new Symbolizer(built.module, built.sourceMap);
    // Traps may come from the new module before statistics prove that it runs.
    this.#symbolizer = symbolizer;
    await this.#untilLive();
    if (!this.#isStopped && !this.#isStale) {
      show({ kind: "live", bytes: built.module.length, ms: Math.round(performance.now() - started) });
    }
  }

  #readConfiguration(): unknown {
    const { config } = this.#options;
    if (config === undefined) return undefined;
    try {
      return parse(readFileSync(config, "utf8"));
    } catch (error) {
      throw new FilterError(`${config}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Has the control plane read the resources; false when it refuses them. */
  async #serve(): Promise<boolean> {
    if (this.#plane === undefined) return this.#startPlane();
    await this.#plane.reload();
    const { refused } = this.#plane;
    if (refused.length === 0) return true;
    this.#refuse(refused.map((problem) => this.#told(problem)));
    return false;
  }

  async #startPlane(): Promise<boolean> {
    const [xdsPort = 0, httpPort = 0, adminPort = 0] = await freePorts(3);
    const at = (port: number): HostPort => ({ host: "127.0.0.1", port });
    try {
      const plane = await ControlPlane.start({
        source: this.#source,
        stateFolder: join(this.#folder, "modules"),
        xds: at(xdsPort),
        http: at(httpPort),
        modulesCluster: MODULES_CLUSTER,
        log: pino({ enabled: false }),
      });
      await this.#own({ stop: () => plane.close() });
      this.#plane = plane;
      this.#live = new Liveness(plane, STATS_MS);
    } catch (error) {
      if (!(error instanceof FaultySourceError)) throw error;
      this.#refuse(error.problems.map((problem) => this.#told(problem)));
      return false;
    }
    const bootstrap = createBootstrap({
      node: DEV_NODE,
      service: DEV_SERVICE,
      xds: at(xdsPort),
      http: at(httpPort),
      protocol: "delta",
      admin: at(adminPort),
      statsIntervalMs: STATS_MS,
    });
    const config = join(this.#folder, "bootstrap.json");
    writeFileSync(config, JSON.stringify(bootstrapJson(bootstrap)));
    const { envoy, logLevel, listener, show } = this.#options;
    await this.#own(
      new DevEnvoy({
        binary: envoy,
        config,
        logLevel,
        onLine: (line) => show({ kind: "envoy", line: this.#symbolized(line) }),
        onEnd: (reason) => show({ kind: "ended", reason }),
      }),
    );
    const host = listener.host.includes(":") ? `[${listener.host}]` : listener.host;
    show({
      kind: "listening",
      url: `http://${host}:${String(listener.port)}/`,
      admin: `http://127.0.0.1:${String(adminPort)}/`,
    });
    return true;
  }

  #symbolized(line: EnvoyLine): EnvoyLine {
    if (line.kind !== "trap" || this.#symbolizer === undefined) return line;
    return { ...line, message: this.#symbolizer.line(line.message) };
  }

  /** Waits until Envoy runs what is served, or a later change makes that moot. */
  async #untilLive(): Promise<void> {
    const end = performance.now() + LIVE_TIMEOUT_MS;
    while (!this.#isStopped && !this.#isStale && this.#live?.isLive() === false) {
      if (performance.now() > end) {
        throw new FilterError(["Envoy does not run the new module", ...this.#live.rejections()].join(": "));
      }
      await sleep(20);
    }
  }

  /** A problem in terms of the files that the user has, not of the resources that are made for the occasion. */
  #told({ path, message }: Problem): string {
    const field = /^spec\.configuration\.?(.*)$/.exec(path)?.[1];
    if (field === undefined) return `${path}: ${message}`;
    return [this.#options.config ?? "configuration", field, message].filter((part) => part !== "").join(": ");
  }

  #refuse(problems: readonly string[]): void {
    // What is stopped in the middle of its work fails, and nobody wants to know how.
    if (this.#isStopped) return;
    this.#options.show({ kind: "refused", problems, isServing: this.#plane !== undefined });
  }
}
