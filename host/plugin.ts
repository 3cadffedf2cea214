import type { AccessLogEntry } from "./access-log.ts";
import { toText } from "./bytes.ts";
import type { PluginIdentity } from "./context.ts";
import type { GrpcCall } from "./grpc-call.ts";
import type { HttpCall } from "./http-call.ts";
import { HttpStream } from "./http-stream.ts";
import { formatLog, type Log, type LogLine } from "./log.ts";
import type { HttpStreamOptions } from "./outcomes.ts";
import type { RootContext } from "./root-context.ts";
import { TcpStream, type TcpStreamOptions } from "./tcp-stream.ts";
import type { Vm } from "./vm.ts";

/** What happens to traffic when the module has trapped, as in Envoy's `failure_policy`. */
export type FailurePolicy = "FAIL_CLOSED" | "FAIL_OPEN" | "FAIL_RELOAD";

/** At which step a plugin did not come up. `trap` is a callback that did not return. */
export type FailedStage = "start" | "vm_start" | "configure" | "trap";

export interface PluginFailure {
  readonly stage: FailedStage;
  /** What happened; the module's own reason is in the log. */
  readonly message: string;
}

/** What Envoy does with a plugin once it is up. */
export interface PluginPolicy {
  readonly failurePolicy: FailurePolicy;
  readonly allowOnHeadersStopIteration: boolean;
  /** The shortest time in milliseconds from one machine to the next under FAIL_RELOAD. */
  readonly reloadBackoffMs: number;
}

export type Started =
  { readonly ok: true; readonly root: RootContext } | { readonly ok: false; readonly failure: PluginFailure };

/** Starts a plugin in a machine: `proxy_on_context_create`, `proxy_on_vm_start`, `proxy_on_configure`. */
export function startIn(vm: Vm, makeRoot: (vm: Vm) => RootContext, onStage: (stage: FailedStage) => void): Started {
  if (vm.failure !== undefined) return { ok: false, failure: { stage: "start", message: vm.failure } };
  onStage("vm_start");
  const root = makeRoot(vm);
  if (!root.start()) return refused(vm, "vm_start", "proxy_on_vm_start returned false");
  onStage("configure");
  if (!root.configure()) return refused(vm, "configure", "proxy_on_configure returned false");
  return { ok: true, root };
}

function refused(vm: Vm, stage: FailedStage, message: string): Started {
  return { ok: false, failure: vm.failure === undefined ? { stage, message } : { stage: "trap", message: vm.failure } };
}

/** One configured use of a module. Look at `ok` before making streams. */
export class Plugin {
  readonly identity: PluginIdentity;
  readonly #log: Log;
  readonly #logStart: number;
  readonly #policy: PluginPolicy;
  readonly #reload: () => Started;
  readonly #now: () => bigint;
  readonly #nextConnection: () => bigint;
  #started: Started;
  #loadedAt: bigint;

  constructor(
    identity: PluginIdentity,
    started: Started,
    policy: PluginPolicy,
    host: { log: Log; logStart: number; reload: () => Started; now: () => bigint; nextConnection: () => bigint },
  ) {
    this.identity = identity;
    this.#started = started;
    this.#policy = policy;
    this.#log = host.log;
    this.#logStart = host.logStart;
    this.#reload = host.reload;
    this.#now = host.now;
    this.#nextConnection = host.nextConnection;
    this.#loadedAt = host.now();
  }

  get name(): string {
    return this.identity.name;
  }

  get rootId(): string {
    return this.identity.rootId;
  }

  get configuration(): string {
    return toText(this.identity.configuration);
  }

  /** Whether the module took the configuration. */
  get ok(): boolean {
    return this.#started.ok;
  }

  /** Why it did not. */
  get failure(): PluginFailure | undefined {
    return this.#started.ok ? undefined : this.#started.failure;
  }

  /** Everything logged since this plugin was begun, with its canary. */
  get log(): readonly LogLine[] {
    return this.#log.lines.slice(this.#logStart);
  }

  /** Why the plugin is not up, in one text: the host's reason and the module's log. */
  get reason(): string {
    return [this.failure?.message ?? "", formatLog(this.log)].filter((part) => part !== "").join("\n");
  }

  /** The machine's trap, if it had one. */
  get trap(): string | undefined {
    return this.#started.ok ? this.#started.root.vm.failure : undefined;
  }

  /** Bytes of linear memory that the machine has; 0 if it is not up. */
  get memorySize(): number {
    return this.#started.ok ? this.#started.root.vm.memory.size : 0;
  }

  /** The HTTP calls that wait for an answer. */
  get httpCalls(): readonly HttpCall[] {
    return this.#started.ok ? this.#started.root.callouts.httpCalls : [];
  }

  /** The gRPC calls and streams that wait for their server. */
  get grpcCalls(): readonly GrpcCall[] {
    return this.#started.ok ? this.#started.root.callouts.grpcCalls : [];
  }

  /** The period of the plugin's tick in milliseconds; 0 if it has none. */
  get tickPeriod(): number {
    return this.#started.ok ? this.#started.root.tickPeriod : 0;
  }

  /** Calls `proxy_on_foreign_function`. */
  callForeign(functionId: number, argument: string | Uint8Array): void {
    this.#root().callForeign(functionId, argument);
  }

  /** A client begins a request. */
  newHttpStream(options: HttpStreamOptions = {}): HttpStream {
    const { allowOnHeadersStopIteration } = this.#policy;
    const policy = { failOpen: this.#failsOpen, allowOnHeadersStopIteration };
    return new HttpStream(this.#livingRoot(), policy, this.#now(), this.#nextConnection(), options);
  }

  /** A client connects, where the module is a network filter. */
  newTcpStream(options: TcpStreamOptions = {}): TcpStream {
    return new TcpStream(this.#livingRoot(), this.#failsOpen, this.#nextConnection(), options);
  }

  /** A stream ends of which the plugin is told as an access logger. */
  logStream(entry: AccessLogEntry): void {
    this.#livingRoot()?.log(entry);
  }

  get #failsOpen(): boolean {
    return this.#policy.failurePolicy === "FAIL_OPEN";
  }

  /** Undefined if the machine is dead, and is not replaced. */
  #livingRoot(): RootContext | undefined {
    this.#root();
    this.#reloadIfDead();
    return this.#started.ok && !this.#started.root.vm.failed ? this.#started.root : undefined;
  }

  /** Ends the plugin. Returns false while the module still has to call `proxy_done`. */
  close(): boolean {
    if (!this.#started.ok) return true;
    this.#started.root.shutdown();
    return this.#started.root.deleted;
  }

  #root(): RootContext {
    if (!this.#started.ok) throw new Error(`the plugin ${this.name || this.rootId} is not up: ${this.reason}`);
    return this.#started.root;
  }

  #reloadIfDead(): void {
    if (this.trap === undefined || this.#policy.failurePolicy !== "FAIL_RELOAD") return;
    if (this.#now() - this.#loadedAt < BigInt(this.#policy.reloadBackoffMs) * 1_000_000n) return;
    this.#loadedAt = this.#now();
    const started = this.#reload();
    if (started.ok) this.#started = started;
  }
}
