import { BufferType, CloseType, Status, StreamType, type MapType } from "./abi/enums.ts";
import { ReadOnlyBuffer, type Body, type GuestBuffer } from "./body.ts";
import type { CallbackName } from "./abi/exports.ts";
import { Context, type PluginIdentity } from "./context.ts";
import type { HeaderMap } from "./header-map.ts";
import { walk, type Property } from "./properties.ts";
import type { RootContext } from "./root-context.ts";

/** What a TCP callback came to. */
export type TcpAction = "Continue" | "StopIteration";

/** What the context of a TCP connection needs of the connection. */
export interface ConnectionHost {
  continueDownstream(): void;
  /** Closes the connection from this side. */
  close(): void;
  /** The module is dead. */
  fail(): void;
  setFilterState(name: string, value: Uint8Array, readOnly: boolean): Status;
  filterState(name: string): Uint8Array | undefined;
  setEnvoyFilterState(path: string, value: Uint8Array): Status;
  attribute(name: string): Property | undefined;
}

/** The context of a TCP connection: calls the module's callbacks and serves what it asks of the connection meanwhile. */
export class TcpContext extends Context {
  readonly #root: RootContext;
  readonly #connection: ConnectionHost;
  readonly #failOpen: boolean;
  #downstream: Body | undefined;
  #upstream: Body | undefined;
  #created = false;
  #failed = false;

  constructor(root: RootContext, connection: ConnectionHost, failOpen: boolean) {
    super(root.vm, root.vm.allocateContextId());
    this.#root = root;
    this.#connection = connection;
    this.#failOpen = failOpen;
    this.vm.contexts.set(this.id, this);
  }

  override get plugin(): PluginIdentity {
    return this.#root.plugin;
  }

  override get root(): RootContext {
    return this.#root;
  }

  /** `proxy_on_context_create` and `proxy_on_new_connection`. */
  newConnection(): TcpAction {
    this.vm.scope(() => this.vm.call(this, "proxy_on_context_create", this.id, this.root.id));
    this.#created = true;
    return this.#ask("proxy_on_new_connection");
  }

  /** `proxy_on_downstream_data`, with everything that has come and did not pass. */
  downstreamData(data: Body, endOfStream: boolean): TcpAction {
    this.#downstream = data;
    const action = this.#ask("proxy_on_downstream_data", data.length, Number(endOfStream));
    if (action === "Continue") this.#downstream = undefined;
    return action;
  }

  /** `proxy_on_upstream_data`, with everything that has come and did not pass. */
  upstreamData(data: Body, endOfStream: boolean): TcpAction {
    this.#upstream = data;
    const action = this.#ask("proxy_on_upstream_data", data.length, Number(endOfStream));
    if (action === "Continue") this.#upstream = undefined;
    // Envoy takes the end of the data for the end of the connection, and does not know why it ended.
    if (endOfStream) this.#tell("proxy_on_upstream_connection_close", CloseType.Unknown);
    return action;
  }

  /** `proxy_on_downstream_connection_close`, and the end of the context. */
  closed(type: CloseType): void {
    this.#tell("proxy_on_downstream_connection_close", type);
    if (this.#created) {
      this.#tell("proxy_on_done");
      this.#tell("proxy_on_log");
      this.#tell("proxy_on_delete");
    }
    this.vm.contexts.delete(this.id);
  }

  #tell(name: CallbackName, ...args: readonly number[]): void {
    this.vm.scope(() => this.vm.call(this, name, this.id, ...args));
  }

  #ask(name: CallbackName, ...args: readonly number[]): TcpAction {
    if (this.vm.failed) return this.#fail();
    if (!this.vm.has(name)) return "Continue";
    return this.vm.scope(() => {
      const answer = this.vm.call(this, name, this.id, ...args);
      if (this.vm.failed) return this.#fail();
      return answer === 0 ? "Continue" : "StopIteration";
    });
  }

  #fail(): TcpAction {
    if (this.#failOpen) return "Continue";
    if (!this.#failed) {
      this.#failed = true;
      this.#connection.fail();
    }
    return "StopIteration";
  }

  override map(): HeaderMap | undefined {
    return undefined;
  }

  override readableMap(type: MapType): HeaderMap | undefined {
    return this.root.readableMap(type);
  }

  override buffer(type: BufferType): GuestBuffer | undefined {
    switch (type) {
      case BufferType.NetworkDownstreamData:
        return this.#downstream ?? new ReadOnlyBuffer();
      case BufferType.NetworkUpstreamData:
        return this.#upstream ?? new ReadOnlyBuffer();
      case BufferType.HttpCallResponseBody:
      case BufferType.GrpcReceiveBuffer:
        return this.root.buffer(type);
      default:
        return super.buffer(type);
    }
  }

  override property(path: readonly string[]): Property | undefined {
    const [first = "", ...rest] = path;
    const connection = this.#connection;
    return walk(connection.attribute(first) ?? this.root.property([first]) ?? connection.filterState(first), rest);
  }

  override setProperty(path: string, value: Uint8Array): Status {
    return this.#connection.setFilterState(path, value, this.root.declaredProperties.get(path)?.readOnly ?? false);
  }

  override setEnvoyFilterState(path: string, value: Uint8Array): Status {
    return this.#connection.setEnvoyFilterState(path, value);
  }

  override clearRouteCache(): void {
    // A connection has no route that could be chosen again.
  }

  override continueStream(type: StreamType): Status {
    if (type === StreamType.Upstream) return Status.Unimplemented;
    if (type === StreamType.Downstream) this.vm.afterCall(() => this.#connection.continueDownstream());
    return Status.Ok;
  }

  /** There is one connection that a filter can close: the client's. */
  override closeStream(type: StreamType): Status {
    if (type === StreamType.Downstream || type === StreamType.Upstream)
      this.vm.afterCall(() => this.#connection.close());
    return Status.Ok;
  }

  override sendLocalReply(): void {
    // Without HTTP there is no response.
  }
}
