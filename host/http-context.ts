import {
  BufferType,
  MapType,
  Status,
  StreamType,
  type DataAction,
  type HeadersAction,
  type TrailersAction,
} from "./abi/enums.ts";
import { dataAction, headersAction, trailersAction } from "./answers.ts";
import type { CallbackName } from "./abi/exports.ts";
import { ReadOnlyBuffer, type Body, type GuestBuffer } from "./body.ts";
import { Context, type LocalReply, type PluginIdentity } from "./context.ts";
import type { FlowFilter } from "./flow.ts";
import type { HeaderMap } from "./header-map.ts";
import { walk, type Property } from "./properties.ts";
import type { RootContext } from "./root-context.ts";
import type { LogHeaders, StreamHost, StreamPolicy } from "./stream-host.ts";

/** What of one direction a module may touch now. */
interface Side {
  headers: HeaderMap | undefined;
  body: Body | undefined;
  trailers: HeaderMap | undefined;
  /** The module answered the last data with StopIterationAndBuffer, so it is given all data together. */
  buffering: boolean;
}

/** The context of an HTTP stream: calls the module's callbacks and serves what it asks of the stream meanwhile. */
export class HttpContext extends Context {
  readonly #root: RootContext;
  readonly #stream: StreamHost;
  readonly #policy: StreamPolicy;
  readonly #request: Side = { headers: undefined, body: undefined, trailers: undefined, buffering: false };
  readonly #response: Side = { headers: undefined, body: undefined, trailers: undefined, buffering: false };
  #created = false;
  #endOfStream = false;
  #failureReported = false;
  #logged: LogHeaders | undefined;

  constructor(root: RootContext, stream: StreamHost, policy: StreamPolicy) {
    super(root.vm, root.vm.allocateContextId());
    this.#root = root;
    this.#stream = stream;
    this.#policy = policy;
    this.vm.contexts.set(this.id, this);
  }

  override get plugin(): PluginIdentity {
    return this.#root.plugin;
  }

  override get root(): RootContext {
    return this.#root;
  }

  /** The filter of the request. */
  readonly requestFilter: FlowFilter = this.#filterOf(this.#request, "request");

  /** The filter of the response. It is left out once Envoy has answered for a dead module. */
  readonly responseFilter: FlowFilter = this.#filterOf(this.#response, "response");

  #filterOf(side: Side, name: "request" | "response"): FlowFilter {
    const isActive = (): boolean => this.#created && !(name === "response" && this.#failureReported);
    return {
      headers: (headers, endOfStream) => {
        if (name === "request") this.#create();
        if (!isActive()) return "Continue";
        side.headers = headers;
        this.#endOfStream = endOfStream;
        const action = this.#onHeaders(`proxy_on_${name}_headers`, headers, endOfStream);
        if (action === "Continue") side.headers = undefined;
        return action;
      },
      data: (chunk, endOfStream) => {
        if (!isActive()) return "Continue";
        if (side.buffering) this.#stream.hold(name, chunk);
        side.body = chunk;
        this.#endOfStream = endOfStream;
        const size = this.#body(side, name)?.length ?? 0;
        const action = this.#onData(`proxy_on_${name}_body`, size, endOfStream);
        side.buffering = action === "StopIterationAndBuffer";
        if (action === "Continue") side.body = undefined;
        return action;
      },
      trailers: (trailers) => {
        if (!isActive()) return "Continue";
        side.trailers = trailers;
        const action = this.#onTrailers(`proxy_on_${name}_trailers`, trailers);
        if (action === "Continue") side.trailers = undefined;
        return action;
      },
      metadata: (metadata) => {
        if (isActive()) this.#onMetadata(`proxy_on_${name}_metadata`, metadata);
      },
    };
  }

  /** `proxy_on_log`. Envoy logs a stream before it ends it, also one that it refused before any filter saw it. */
  log(headers: LogHeaders): void {
    this.#create();
    this.#logged = headers;
    this.vm.scope(() => this.vm.call(this, "proxy_on_log", this.id));
    this.#logged = undefined;
  }

  /** `proxy_on_done` and `proxy_on_delete`. */
  destroy(): void {
    if (this.#created) {
      this.vm.scope(() => this.vm.call(this, "proxy_on_done", this.id));
      this.vm.scope(() => this.vm.call(this, "proxy_on_delete", this.id));
    }
    this.vm.contexts.delete(this.id);
  }

  #create(): void {
    if (this.#created) return;
    this.vm.scope(() => this.vm.call(this, "proxy_on_context_create", this.id, this.root.id));
    this.#created = true;
  }

  /** What of a body the module may touch: what is held back together with what has come, or that alone. */
  #body(side: Side, name: "request" | "response"): Body | undefined {
    return side.buffering ? this.#stream.held(name) : side.body;
  }

  #onHeaders(name: CallbackName, headers: HeaderMap, endOfStream: boolean): HeadersAction {
    const { allowOnHeadersStopIteration } = this.#policy;
    return this.#ask(name, [headers.size, Number(endOfStream)], "StopAllIterationAndWatermark", (answer) =>
      headersAction(answer, allowOnHeadersStopIteration),
    );
  }

  #onData(name: CallbackName, size: number, endOfStream: boolean): DataAction {
    return this.#ask(name, [size, Number(endOfStream)], "StopIterationNoBuffer", dataAction);
  }

  #onTrailers(name: CallbackName, trailers: HeaderMap): TrailersAction {
    return this.#ask(name, [trailers.size], "StopIteration", trailersAction);
  }

  /** Whatever the module answers, metadata goes on. */
  #onMetadata(name: CallbackName, metadata: HeaderMap): void {
    if (!this.vm.failed) this.vm.scope(() => this.vm.call(this, name, this.id, metadata.size));
  }

  /** Asks the module what to do. A dead module stops the stream, or lets it pass if the plugin fails open. */
  #ask<A extends string>(
    name: CallbackName,
    args: readonly number[],
    stop: A,
    convert: (result: number) => A | "Continue",
  ): A | "Continue" {
    if (this.vm.failed) return this.#failed(stop);
    if (!this.vm.has(name)) return "Continue";
    return this.vm.scope(() => {
      const result = this.vm.call(this, name, this.id, ...args);
      if (this.vm.failed) return this.#failed(stop);
      return this.vm.stopIteration ? stop : convert(result);
    });
  }

  #failed<A extends string>(stop: A): A | "Continue" {
    if (this.#policy.failOpen) return "Continue";
    if (!this.#failureReported) {
      this.#failureReported = true;
      this.#stream.fail();
    }
    return stop;
  }

  override map(type: MapType): HeaderMap | undefined {
    switch (type) {
      case MapType.RequestHeaders:
        return this.#request.headers;
      case MapType.RequestTrailers:
        if (this.#mayAddTrailers(this.#request)) this.#request.trailers = this.#stream.addTrailers("request");
        return this.#request.trailers;
      case MapType.ResponseHeaders:
        return this.#response.headers;
      case MapType.ResponseTrailers:
        if (this.#mayAddTrailers(this.#response)) this.#response.trailers = this.#stream.addTrailers("response");
        return this.#response.trailers;
      default:
        return undefined;
    }
  }

  /** Asking for trailers that are not there, to change them, at the end of a body makes them. */
  #mayAddTrailers(side: Side): boolean {
    return side.trailers === undefined && side.body !== undefined && this.#endOfStream;
  }

  override readableMap(type: MapType): HeaderMap | undefined {
    const logged = this.#logged;
    switch (type) {
      case MapType.RequestHeaders:
        return logged ? logged.request : this.#request.headers;
      case MapType.RequestTrailers:
        return logged ? undefined : this.#request.trailers;
      case MapType.ResponseHeaders:
        return logged ? logged.response : this.#response.headers;
      case MapType.ResponseTrailers:
        return logged ? logged.responseTrailers : this.#response.trailers;
      default:
        return this.root.readableMap(type);
    }
  }

  override get missingMap(): Status {
    return this.#logged ? Status.NotFound : Status.BadArgument;
  }

  override buffer(type: BufferType): GuestBuffer | undefined {
    switch (type) {
      case BufferType.HttpRequestBody:
        return this.#body(this.#request, "request") ?? new ReadOnlyBuffer();
      case BufferType.HttpResponseBody:
        return this.#body(this.#response, "response") ?? new ReadOnlyBuffer();
      case BufferType.HttpCallResponseBody:
      case BufferType.GrpcReceiveBuffer:
        return this.root.buffer(type);
      default:
        return super.buffer(type);
    }
  }

  /** The request headers that properties are read from: those of now, or those of the log. */
  get requestHeaders(): HeaderMap | undefined {
    return this.#request.headers ?? this.#logged?.request;
  }

  get responseHeaders(): HeaderMap | undefined {
    return this.#response.headers ?? this.#logged?.response;
  }

  get responseTrailers(): HeaderMap | undefined {
    return this.#response.trailers ?? this.#logged?.responseTrailers;
  }

  override property(path: readonly string[]): Property | undefined {
    const [first = "", ...rest] = path;
    const value =
      this.#stream.attribute(first, this) ??
      this.topLevelProperty(first) ??
      this.#stream.filterState(first) ??
      // What a test or a tool says that another filter has set.
      walk(this.#stream.attribute("filter_state", this), [`wasm.${first}`]);
    return walk(value, rest);
  }

  protected override topLevelProperty(name: string): Property | undefined {
    return this.root.property([name]);
  }

  override setProperty(path: string, value: Uint8Array): Status {
    return this.#stream.setFilterState(path, value, this.root.declaredProperties.get(path)?.readOnly ?? false);
  }

  override setEnvoyFilterState(path: string, value: Uint8Array): Status {
    return this.#stream.setEnvoyFilterState(path, value);
  }

  override clearRouteCache(): void {
    this.#stream.clearRouteCache();
  }

  override continueStream(type: StreamType): Status {
    switch (type) {
      case StreamType.Request:
        this.vm.afterCall(() => this.#stream.continueRequest());
        break;
      case StreamType.Response:
        this.vm.afterCall(() => {
          if (this.#stream.responseBegun()) this.#stream.continueResponse();
          else this.vm.hazard("the response is continued before it has begun");
        });
        break;
      case StreamType.Downstream:
        return Status.Ok;
      case StreamType.Upstream:
        return Status.Unimplemented;
    }
    // Whichever direction continues, Envoy forgets what it had of the request.
    this.#request.headers = undefined;
    this.#request.body = undefined;
    this.#request.trailers = undefined;
    return Status.Ok;
  }

  override closeStream(type: StreamType): Status {
    if (type === StreamType.Request || type === StreamType.Response) {
      this.vm.afterCall(() => this.#stream.reset("wasm_close_stream"));
    }
    return Status.Ok;
  }

  override sendLocalReply(reply: LocalReply): void {
    this.vm.afterCall(() => this.#stream.sendLocalReply(reply));
  }
}
