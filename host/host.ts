import { capMemory } from "./abi/memory-cap.ts";
import { inspectModule, MAX_MEMORY_PAGES, type Inspection, type Problem } from "./abi/inspect.ts";
import type { LogLevelName } from "./abi/enums.ts";
import { toBytes, type Bytes } from "./bytes.ts";
import { Clock } from "./clock.ts";
import { ENVOY_FOREIGN_FUNCTIONS, type ForeignFunction } from "./foreign/registry.ts";
import { Log } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { Plugin, startIn, type FailedStage, type FailurePolicy, type Started } from "./plugin.ts";
import { mergeProperties, type PropertyMap } from "./properties.ts";
import { Quota } from "./quota.ts";
import { seededRandom, type Random } from "./random.ts";
import { RootContext } from "./root-context.ts";
import type { Services } from "./services.ts";
import { SharedData } from "./shared-data.ts";
import { SharedQueues } from "./shared-queue.ts";
import { SourceLocations } from "./source-map.ts";
import { Vm } from "./vm.ts";
import { WebAssembly, type CompiledModule } from "./webassembly.ts";

export interface HostOptions {
  /** `vm_id`: the scope of shared data and queues. Default: empty. */
  readonly vmId?: string;
  /** The `configuration` of the virtual machine, not of the plugin. */
  readonly vmConfiguration?: Bytes;
  readonly environment?: Readonly<Record<string, string>>;
  /** Properties of the proxy itself, such as `{ "xds.cluster_name": "a" }`. */
  readonly properties?: PropertyMap;
  readonly clock?: Clock;
  readonly sharedData?: SharedData;
  readonly sharedQueues?: SharedQueues;
  readonly metrics?: Metrics;
  /** A source of random bytes, or the seed of one. */
  readonly random?: Random | number;
  /** Lines below it are dropped. Default: info, as in Envoy. */
  readonly logLevel?: LogLevelName;
  /** More foreign functions, or others in place of Envoy's. */
  readonly foreign?: Readonly<Record<string, ForeignFunction>>;
  /** The clusters that callouts may name. Default: any name is a cluster. */
  readonly clusters?: Iterable<string>;
  /** The names in `capability_restriction_config.allowed_capabilities`. Default: no restriction. */
  readonly capabilities?: Iterable<string>;
  /** Whether each plugin is first tried in a machine of its own, as in Envoy. Default: true. */
  readonly canary?: boolean;
  /**
   * What a trap is: `answer`, the default, is what Envoy does by the plugin's failure policy; `throw` throws a WasmTrap out
   * of the call that led to it.
   */
  readonly traps?: "throw" | "answer";
  /** The text of the module's source map, for the stack of a WasmTrap. */
  readonly sourceMap?: string;
  /** The most memory of the module in pages of 64 KiB. Default: 16384 (1 GiB), as in Envoy. */
  readonly maxMemoryPages?: number;
  /** The most bytes that the host keeps for the module outside of its memory. Default: no limit. */
  readonly quota?: number;
}

export interface PluginOptions {
  readonly name?: string;
  readonly rootId?: string;
  readonly configuration?: Bytes;
  /** Default: FAIL_CLOSED. */
  readonly failurePolicy?: FailurePolicy;
  /** Default: false: StopIteration on headers holds the body back too. */
  readonly allowOnHeadersStopIteration?: boolean;
  /** Default: 1000, as in Envoy. */
  readonly reloadBackoffMs?: number;
  /** Called as the plugin goes from one step of its start to the next. */
  readonly onStage?: (stage: FailedStage) => void;
}

/** Envoy would not load the module. */
export class ModuleError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(`Envoy would not load this module:\n${problems.map(({ message }) => `  ${message}`).join("\n")}`);
    this.problems = problems;
  }
}

/**
 * One worker of a proxy, with one module: it starts plugins of that module, all in one virtual machine. Several hosts with
 * the same SharedData, SharedQueues and Metrics are the workers of one proxy.
 */
export class ProxyWasmHost {
  readonly inspection: Inspection;
  readonly #module: CompiledModule;
  readonly #services: Services;
  readonly #canary: boolean;
  readonly #plugins: Plugin[] = [];
  #vm: Vm | undefined;
  #connections = 0n;
  #closed = false;

  /** Inspects and compiles a module. Throws a ModuleError if Envoy would not load it. */
  static async load(bytes: Uint8Array, options: HostOptions = {}): Promise<ProxyWasmHost> {
    const inspection = inspectModule(bytes);
    if (!inspection.ok) throw new ModuleError(inspection.problems);
    const capped = capMemory(bytes, options.maxMemoryPages ?? MAX_MEMORY_PAGES);
    const { sourceMap } = options;
    const locations =
      sourceMap === undefined ? undefined : new SourceLocations(sourceMap, capped.length - bytes.length);
    return new ProxyWasmHost(inspection, await WebAssembly.compile(Uint8Array.from(capped)), options, locations);
  }

  /** A host with the same module, which is not compiled again, and the same most of memory. */
  another(options: Omit<HostOptions, "sourceMap" | "maxMemoryPages"> = {}): ProxyWasmHost {
    const { locations, memoryPages = MAX_MEMORY_PAGES } = this.#services;
    return new ProxyWasmHost(this.inspection, this.#module, { ...options, maxMemoryPages: memoryPages }, locations);
  }

  private constructor(
    inspection: Inspection,
    module: CompiledModule,
    options: HostOptions,
    locations: SourceLocations | undefined,
  ) {
    const { random = 1 } = options;
    this.inspection = inspection;
    this.#module = module;
    this.#canary = options.canary ?? true;
    this.#services = {
      vmId: options.vmId ?? "",
      vmConfiguration: toBytes(options.vmConfiguration ?? ""),
      environment: new Map(Object.entries(options.environment ?? {})),
      properties: mergeProperties(options.properties ?? {}),
      clock: options.clock ?? new Clock(),
      random: typeof random === "number" ? seededRandom(random) : random,
      log: new Log(options.logLevel),
      metrics: options.metrics ?? new Metrics(),
      sharedData: options.sharedData ?? new SharedData(),
      sharedQueues: options.sharedQueues ?? new SharedQueues(),
      foreign: new Map(Object.entries({ ...ENVOY_FOREIGN_FUNCTIONS, ...options.foreign })),
      clusters: options.clusters && new Set(options.clusters),
      capabilities: options.capabilities && new Set(options.capabilities),
      traps: options.traps ?? "answer",
      locations,
      quota: new Quota(options.quota),
      memoryPages: options.maxMemoryPages ?? MAX_MEMORY_PAGES,
    };
    this.#services.sharedData.retain(this.#services.vmId);
  }

  get clock(): Clock {
    return this.#services.clock;
  }

  get metrics(): Metrics {
    return this.#services.metrics;
  }

  get sharedData(): SharedData {
    return this.#services.sharedData;
  }

  get sharedQueues(): SharedQueues {
    return this.#services.sharedQueues;
  }

  /** Everything logged so far. Its `level` may be changed at any time. */
  get log(): Log {
    return this.#services.log;
  }

  /** The plugins that were started, in order. */
  get plugins(): readonly Plugin[] {
    return this.#plugins;
  }

  /** Starts and configures a plugin. It never throws for what the module does: look at the plugin's `ok`. */
  startPlugin(options: PluginOptions = {}): Plugin {
    if (this.#closed) throw new Error("the host was closed already");
    const identity = {
      name: options.name ?? "",
      rootId: options.rootId ?? "",
      configuration: toBytes(options.configuration ?? ""),
    };
    const onStage = options.onStage ?? ((): void => undefined);
    const logStart = this.log.lines.length;
    const policy = {
      failurePolicy: options.failurePolicy ?? "FAIL_CLOSED",
      allowOnHeadersStopIteration: options.allowOnHeadersStopIteration ?? false,
      reloadBackoffMs: options.reloadBackoffMs ?? 1000,
    };
    const makeRoot = (vm: Vm): RootContext => new RootContext(vm, identity);
    const start = (): Started => {
      onStage("start");
      return startIn(this.#machine(), makeRoot, onStage);
    };
    const tried = this.#canary ? this.#try(makeRoot, onStage) : undefined;
    const plugin = new Plugin(identity, tried !== undefined && !tried.ok ? tried : start(), policy, {
      log: this.log,
      logStart,
      reload: start,
      now: () => this.clock.realtime,
      nextConnection: () => ++this.#connections,
    });
    this.#plugins.push(plugin);
    return plugin;
  }

  /** Ends all plugins. The last host of a `vm_id` takes its shared data with it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const plugin of this.#plugins) plugin.close();
    this.sharedData.release(this.#services.vmId);
  }

  /** The machine of all plugins; a dead one is replaced. */
  #machine(): Vm {
    if (this.#vm === undefined || this.#vm.failed) this.#vm = new Vm(this.#module, this.#services);
    return this.#vm;
  }

  /** A canary: a plugin in a machine of its own that is dropped at once. Its side effects outside of the machine stay. */
  #try(makeRoot: (vm: Vm) => RootContext, onStage: (stage: FailedStage) => void): Started {
    onStage("start");
    const started = startIn(new Vm(this.#module, this.#services), makeRoot, onStage);
    if (started.ok) started.root.drop();
    return started;
  }
}
