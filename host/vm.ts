import type { LogLevelName } from "./abi/enums.ts";
import { EXPORTS, type CallbackName, type ExportName } from "./abi/exports.ts";
import { ALLOWED_AT_START, ALLOWED_IN_ALLOCATOR, type EnvImport, type WasiImport } from "./abi/imports.ts";
import { MAX_MEMORY_PAGES } from "./abi/inspect.ts";
import { VmContext, type Context } from "./context.ts";
import { hostImports } from "./hostcalls/index.ts";
import { levelName } from "./log.ts";
import { GuestMemory, InvalidMemoryAccess } from "./memory.ts";
import { MetricIds } from "./metrics.ts";
import { QuotaExceeded } from "./quota.ts";
import type { Services } from "./services.ts";
import { backtrace, WasmTrap } from "./trap.ts";
import { WebAssembly, type CompiledModule, type ImportObject, type Instance, type Memory } from "./webassembly.ts";

/** Thrown into a module that calls what it may not call yet; the module cannot go on after it. */
class RestrictedCallback extends Error {}

/** A host function was called by the module's own start section, before the host knows the module's memory. */
class CalledTooEarly extends Error {}

/**
 * One virtual machine: an instance of a module, its contexts, and the rules by which the two sides call each other. It
 * fails at the first trap, and is not called again after that.
 */
export class Vm {
  readonly services: Services;
  readonly metricIds = new MetricIds();
  readonly contexts = new Map<number, Context>();
  /** Set by `proxy_send_local_response`: what the running callback returns is not looked at. */
  stopIteration = false;

  readonly #instance: Instance | undefined;
  readonly #memory: GuestMemory | undefined;
  readonly #root: Context = new VmContext(this, 0);
  #current: Context = this.#root;
  #effectiveId = 0;
  #allowed: ReadonlySet<EnvImport | WasiImport> | undefined;
  #failure: string | undefined;
  #nextContextId = 1;
  #lastHttpCallId = 0;
  #lastGrpcCallId = 1;
  #lastGrpcStreamId = 2;
  readonly #afterCall: (() => void)[] = [];

  /** Instantiates the module and runs `_initialize` and `main`, else `_start`. Look at `failure` afterwards. */
  constructor(module: CompiledModule, services: Services) {
    this.services = services;
    this.contexts.set(0, this.#root);
    const imports = hostImports(this, module);
    const imported = createMemories(module, imports, services.memoryPages ?? MAX_MEMORY_PAGES);
    try {
      this.#instance = new WebAssembly.Instance(module, imports);
    } catch (error) {
      this.#fail(`Failed to create new Wasm instance: ${messageOf(error)}`);
      return;
    }
    const exported = Object.values(this.#instance.exports).find((item) => item instanceof WebAssembly.Memory);
    const memory = exported ?? imported;
    if (memory === undefined) {
      this.#fail("Failed to load Wasm module: it has no memory");
      return;
    }
    this.#memory = new GuestMemory(memory);
    this.#start();
  }

  /** Why this machine is dead; undefined while it is not. */
  get failure(): string | undefined {
    return this.#failure;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  get memory(): GuestMemory {
    if (this.#memory === undefined) {
      throw new CalledTooEarly(
        "a host function was called from the module's start section, before its memory is known",
      );
    }
    return this.#memory;
  }

  /** The context that a host function acts on: the one set by `proxy_set_effective_context`, else the one called. */
  get context(): Context {
    return this.contexts.get(this.#effectiveId === 0 ? this.#current.id : this.#effectiveId) ?? this.#current;
  }

  /** The context whose callback runs, whichever one is effective. */
  get runningContext(): Context {
    return this.#current;
  }

  setEffectiveContext(id: number): void {
    this.#effectiveId = id;
  }

  allocateContextId(): number {
    return this.#nextContextId++;
  }

  /** The token of a new HTTP call; the low two bits of a token say what it stands for. */
  nextHttpCallId(): number {
    return (this.#lastHttpCallId += 4);
  }

  nextGrpcCallId(): number {
    return (this.#lastGrpcCallId += 4);
  }

  nextGrpcStreamId(): number {
    return (this.#lastGrpcStreamId += 4);
  }

  clusterExists(name: string): boolean {
    return this.services.clusters?.has(name) ?? true;
  }

  /** Whether the module exports a callback, and may be called there. */
  has(name: CallbackName): boolean {
    return this.#exported(name) !== undefined && this.#capable(name);
  }

  /** Calls a callback of the module if it has it and the machine lives. A trap gives 0, like the empty result. */
  call(context: Context, name: CallbackName, ...args: readonly number[]): number {
    return this.has(name) ? this.#invoke(context, name, args) : 0;
  }

  /**
   * Runs one call into the module with what Envoy does after it: the actions that host functions deferred, such as
   * continuing a stream or sending a local response.
   */
  scope<T>(run: () => T): T {
    try {
      return run();
    } finally {
      this.stopIteration = false;
      for (let action = this.#afterCall.shift(); action !== undefined; action = this.#afterCall.shift()) action();
    }
  }

  /** Defers an action until the running callback has returned. */
  afterCall(action: () => void): void {
    this.#afterCall.push(action);
  }

  /** Copies data into memory that the module allocates, and tells the module where it is. No data is no allocation. */
  give(data: Uint8Array, pointerPointer: number, sizePointer: number): void {
    const pointer = data.length === 0 ? 0 : this.allocate(data);
    this.memory.writeU32(pointerPointer, pointer);
    this.memory.writeU32(sizePointer, data.length);
  }

  /** Copies data into memory that the module allocates. An allocator that fails is like memory that is not there. */
  allocate(data: Uint8Array): number {
    const before = this.#allowed;
    this.#allowed = ALLOWED_IN_ALLOCATOR;
    const name = this.#exported("malloc") === undefined ? "proxy_on_memory_allocate" : "malloc";
    const pointer = this.#invoke(this.#root, name, [data.length]);
    this.#allowed = before;
    if (pointer === 0 && data.length > 0) {
      throw new InvalidMemoryAccess(`the module's ${name} gave no memory for ${data.length} bytes`);
    }
    this.memory.write(pointer, data);
    return pointer;
  }

  /** Checks that the module may call a host function now. */
  enter(name: EnvImport | WasiImport): void {
    if (this.#allowed === undefined || this.#allowed.has(name)) return;
    const error = new RestrictedCallback(`restricted_callback: ${name} is not available here`);
    // A module could catch what is thrown through it; Envoy's trap it could not.
    this.#failure ??= error.message;
    throw error;
  }

  /** Writes a line about the module. */
  report(level: LogLevelName, message: string): void {
    this.services.log.write({ level, message, source: "host", plugin: this.context.plugin?.name ?? "" });
  }

  /** The module does what makes Envoy crash. This host goes on, but not without a word. */
  hazard(message: string): void {
    this.report("critical", `Envoy crashes here: ${message}`);
    if (this.services.traps === "throw") throw new Error(`Envoy crashes here: ${message}`);
  }

  /** Writes a line for the module. */
  logLine(level: number, message: string): void {
    this.services.quota.charge(message.length, "a log line");
    const line = {
      level: levelName(level),
      message,
      source: "module",
      plugin: this.context.plugin?.name ?? "",
    } as const;
    this.services.log.write(line);
  }

  #start(): void {
    this.#allowed = ALLOWED_AT_START;
    if (this.#exported("_initialize") !== undefined) {
      this.#invoke(this.#root, "_initialize", []);
      if (this.#exported("main") !== undefined) this.#invoke(this.#root, "main", [0, 0]);
      else if (this.#exported("__main_void") !== undefined) this.#invoke(this.#root, "__main_void", []);
    } else if (this.#exported("_start") !== undefined) {
      this.#invoke(this.#root, "_start", []);
    }
    this.#allowed = undefined;
  }

  #invoke(context: Context, name: ExportName, args: readonly number[]): number {
    const callee = this.#exported(name);
    if (callee === undefined || this.failed) return 0;
    const [current, effectiveId] = [this.#current, this.#effectiveId];
    [this.#current, this.#effectiveId] = [context, 0];
    try {
      const result: unknown = callee(...args);
      return EXPORTS[name].results.length > 0 ? Number(result) >>> 0 : 0;
    } catch (error) {
      if (!isTrap(error)) throw error;
      this.#fail(`Function: ${name} failed: Uncaught ${describe(error)}${backtrace(error)}`);
      this.#throw(name, error);
      return 0;
    } finally {
      [this.#current, this.#effectiveId] = [current, effectiveId];
    }
  }

  /** Where traps are for the test, and not for the proxy to answer. */
  #throw(name: ExportName, error: Error): void {
    const { traps, log, locations } = this.services;
    if (traps !== "throw") return;
    const said = log.lines.findLast(
      ({ source, level }) => source === "module" && (level === "error" || level === "critical"),
    );
    throw new WasmTrap(name, error, said?.message, locations);
  }

  #exported(name: ExportName): ((...args: readonly number[]) => unknown) | undefined {
    const item = this.#instance?.exports[name];
    return typeof item === "function" ? (item as (...args: readonly number[]) => unknown) : undefined;
  }

  #capable(name: string): boolean {
    const { capabilities } = this.services;
    return capabilities === undefined || capabilities.has(name);
  }

  #fail(message: string): void {
    this.report("error", message);
    this.#failure = message;
  }
}

/** A module may import its memory and table; the host then makes them. */
function createMemories(module: CompiledModule, imports: ImportObject, maximum: number): Memory | undefined {
  let memory: Memory | undefined;
  for (const item of WebAssembly.Module.imports(module)) {
    const space = (imports[item.module] ??= {});
    if (item.kind === "memory") space[item.name] = memory = new WebAssembly.Memory({ initial: 1, maximum });
    if (item.kind === "table") space[item.name] = new WebAssembly.Table({ element: "anyfunc", initial: 0 });
  }
  return memory;
}

/** What ends the module, as opposed to a defect of the host or of a test's own foreign function. */
function isTrap(error: unknown): error is Error {
  return (
    error instanceof WebAssembly.RuntimeError ||
    error instanceof RestrictedCallback ||
    error instanceof CalledTooEarly ||
    error instanceof QuotaExceeded ||
    (error instanceof RangeError && /call stack/.test(error.message)) ||
    (typeof WebAssembly.Exception === "function" && error instanceof WebAssembly.Exception)
  );
}

function describe(error: Error): string {
  const fromEngine = [WebAssembly.RuntimeError, RangeError].some((type) => error instanceof type);
  return `${fromEngine ? error.name : "Error"}: ${messageOf(error)}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
