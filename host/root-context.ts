import { LoggedStream, type AccessLogEntry } from "./access-log.ts";
import { BufferType, Status, type MapType } from "./abi/enums.ts";
import { ReadOnlyBuffer, type GuestBuffer } from "./body.ts";
import { toBytes, type Bytes } from "./bytes.ts";
import { Callouts } from "./callouts.ts";
import type { Timer } from "./clock.ts";
import { StreamlessContext, type PluginIdentity } from "./context.ts";
import type { HeaderMap } from "./header-map.ts";
import type { Property } from "./properties.ts";
import type { Vm } from "./vm.ts";

/** The context of one plugin in one virtual machine: configuration, ticks, queues, and its calls to others. */
export class RootContext extends StreamlessContext {
  readonly #plugin: PluginIdentity;
  readonly callouts: Callouts = new Callouts(this);

  #logged: LoggedStream | undefined;
  #configuring = false;
  #created = false;
  #callData: GuestBuffer = new ReadOnlyBuffer();
  #tickPeriod = 0;
  #timer: Timer | undefined;
  #shutdown: "no" | "asked" | "waiting" | "done" | "over" = "no";

  constructor(vm: Vm, plugin: PluginIdentity) {
    super(vm, vm.allocateContextId());
    this.#plugin = plugin;
    vm.contexts.set(this.id, this);
  }

  override get plugin(): PluginIdentity {
    return this.#plugin;
  }

  override get root(): this {
    return this;
  }

  /** `proxy_on_context_create` and `proxy_on_vm_start`; false if the module refuses or traps. */
  start(): boolean {
    const { vm } = this;
    const accepted = vm.scope(() => {
      this.#create();
      if (!vm.has("proxy_on_vm_start")) return true;
      return vm.call(this, "proxy_on_vm_start", this.id, vm.services.vmConfiguration.length) !== 0;
    });
    return accepted && !vm.failed;
  }

  /** `proxy_on_configure`; false if the module refuses the configuration or traps. */
  configure(): boolean {
    const { vm } = this;
    if (!vm.has("proxy_on_configure")) return true;
    const size = this.plugin.configuration.length;
    const accepted = vm.scope(() =>
      this.#whileConfiguring(() => vm.call(this, "proxy_on_configure", this.id, size) !== 0),
    );
    return accepted && !vm.failed;
  }

  #create(): void {
    this.#whileConfiguring(() => this.vm.call(this, "proxy_on_context_create", this.id, 0));
    this.#created = true;
  }

  /** The plugin's configuration is there only in `proxy_on_context_create` and in `proxy_on_configure`. */
  #whileConfiguring<T>(run: () => T): T {
    this.#configuring = true;
    try {
      return run();
    } finally {
      this.#configuring = false;
    }
  }

  /** Sets the period of the plugin's one timer, in milliseconds; 0 stops it. */
  setTickPeriod(milliseconds: number): void {
    this.#tickPeriod = milliseconds;
    this.#arm();
  }

  get tickPeriod(): number {
    return this.#tickPeriod;
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = this.#tickPeriod > 0 ? this.vm.services.clock.after(this.#tickPeriod, () => this.#tick()) : undefined;
  }

  #tick(): void {
    this.vm.scope(() => this.vm.call(this, "proxy_on_tick", this.id));
    this.#arm();
  }

  /** `proxy_on_log` of a plugin that is an access logger: it has no streams, and is told of them in its root context. */
  log(entry: AccessLogEntry): void {
    this.#logged = new LoggedStream(entry, this.vm.services.clock.realtime);
    this.vm.scope(() => this.vm.call(this, "proxy_on_log", this.id));
    this.#logged = undefined;
  }

  queueReady(token: number): void {
    this.vm.scope(() => this.vm.call(this, "proxy_on_queue_ready", this.id, token));
  }

  /** Calls the module's foreign function; the argument is in the buffer CallData. */
  callForeign(functionId: number, argument: Bytes): void {
    const bytes = toBytes(argument);
    this.#callData = new ReadOnlyBuffer(bytes);
    this.vm.scope(() => this.vm.call(this, "proxy_on_foreign_function", this.id, functionId, bytes.length));
  }

  /** Ends the plugin: `proxy_on_done`, and `proxy_on_delete` at once or after `proxy_done`. */
  shutdown(): void {
    if (this.#shutdown !== "no") return;
    this.#shutdown = "asked";
    const done = this.vm.scope(
      () => !this.vm.has("proxy_on_done") || this.vm.call(this, "proxy_on_done", this.id) !== 0,
    );
    if (done || this.vm.failed) this.#delete();
    else this.#shutdown = "waiting";
  }

  /** `proxy_done`: the module has ended what it still had to do. */
  done(): Status {
    if (this.#shutdown !== "waiting") return Status.NotFound;
    this.#shutdown = "done";
    this.vm.afterCall(() => this.#delete());
    return Status.Ok;
  }

  get deleted(): boolean {
    return this.#shutdown === "over";
  }

  #delete(): void {
    if (this.deleted) return;
    if (this.#created) this.vm.scope(() => this.vm.call(this, "proxy_on_delete", this.id));
    this.drop();
  }

  /** Forgets the context without a word to the module, as Envoy does with a canary. */
  drop(): void {
    this.#shutdown = "over";
    this.#timer?.cancel();
    this.#tickPeriod = 0;
    this.callouts.cancelAll();
    this.vm.contexts.delete(this.id);
  }

  override readableMap(type: MapType): HeaderMap | undefined {
    return this.#logged?.map(type) ?? this.callouts.map(type);
  }

  override get missingMap(): Status {
    return this.#logged ? Status.NotFound : Status.BadArgument;
  }

  override buffer(type: BufferType): GuestBuffer | undefined {
    switch (type) {
      case BufferType.PluginConfiguration:
        return this.#configuring ? new ReadOnlyBuffer(this.plugin.configuration) : undefined;
      case BufferType.HttpCallResponseBody:
      case BufferType.GrpcReceiveBuffer:
        return this.callouts.buffer(type);
      case BufferType.CallData:
        return this.#callData;
      default:
        return super.buffer(type);
    }
  }

  protected override topLevelProperty(name: string): Property | undefined {
    switch (name) {
      case "plugin_name":
        return this.plugin.name;
      case "plugin_root_id":
        return this.plugin.rootId;
      default:
        return this.#logged?.attribute(name) ?? super.topLevelProperty(name);
    }
  }
}
