import { BufferType, MapType, Status } from "./abi/enums.ts";
import { ReadOnlyBuffer, type GuestBuffer } from "./body.ts";
import { toBytes, type Bytes } from "./bytes.ts";
import type { Timer } from "./clock.ts";
import { StreamlessContext, type PluginIdentity } from "./context.ts";
import type { HeaderMap } from "./header-map.ts";
import { HttpCall, type HttpCallRequest, type HttpCallResponse } from "./http-call.ts";
import type { Property } from "./properties.ts";
import type { Vm } from "./vm.ts";

/** The context of one plugin in one virtual machine: configuration, ticks, callouts, queues. */
export class RootContext extends StreamlessContext {
  readonly #plugin: PluginIdentity;
  /** Callouts that wait for an answer, by token. */
  readonly httpCalls = new Map<number, HttpCall>();
  /** What `proxy_get_status` gives. */
  status: { readonly code: number; readonly message: string } = { code: 0, message: "" };

  #configuring = false;
  #created = false;
  #callData: GuestBuffer = new ReadOnlyBuffer();
  #response: HttpCallResponse | undefined;
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

  /** Begins a callout; the answer comes through the HttpCall. */
  httpCall(request: HttpCallRequest): number {
    const token = this.vm.nextHttpCallId();
    this.httpCalls.set(
      token,
      new HttpCall(token, request, this.vm.services.clock, (response) => this.#answer(token, response)),
    );
    return token;
  }

  #answer(token: number, response: HttpCallResponse | undefined): void {
    if (!this.httpCalls.delete(token)) return;
    this.vm.scope(() => {
      this.vm.afterCall(() => {
        this.#response = undefined;
        this.status = { ...this.status, message: "" };
      });
      this.#response = response;
      if (response === undefined) this.status = { code: Status.BrokenConnection, message: "reset" };
      const { headers, body, trailers } = response ?? {};
      const sizes = [headers?.size ?? 0, body?.length ?? 0, trailers?.size ?? 0];
      this.vm.call(this, "proxy_on_http_call_response", this.id, token, ...sizes);
    });
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
    for (const call of this.httpCalls.values()) call.cancel();
    this.httpCalls.clear();
    this.vm.contexts.delete(this.id);
  }

  /** The answer that `proxy_on_http_call_response` is being told of. */
  get httpCallResponse(): HttpCallResponse | undefined {
    return this.#response;
  }

  override readableMap(type: MapType): HeaderMap | undefined {
    switch (type) {
      case MapType.HttpCallResponseHeaders:
        return this.#response?.headers;
      case MapType.HttpCallResponseTrailers:
        return this.#response?.trailers;
      default:
        return undefined;
    }
  }

  override buffer(type: BufferType): GuestBuffer | undefined {
    switch (type) {
      case BufferType.PluginConfiguration:
        return this.#configuring ? new ReadOnlyBuffer(this.plugin.configuration) : undefined;
      case BufferType.HttpCallResponseBody:
        return this.#response && new ReadOnlyBuffer(this.#response.body);
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
        return super.topLevelProperty(name);
    }
  }
}
