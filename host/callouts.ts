import { BufferType, MapType, Status } from "./abi/enums.ts";
import { ReadOnlyBuffer, type GuestBuffer } from "./body.ts";
import { GrpcCall, GrpcStatus, type GrpcRequest } from "./grpc-call.ts";
import type { HeaderMap } from "./header-map.ts";
import { HttpCall, type HttpCallRequest, type HttpCallResponse } from "./http-call.ts";
import type { RootContext } from "./root-context.ts";

/** The low two bits of a token say what it stands for. */
const TokenKind = { GrpcCall: 1, GrpcStream: 2 } as const;
const TOKEN_KIND_MASK = 3;

/** What a gRPC callback may look at while it runs. */
interface GrpcReceived {
  readonly initialMetadata?: HeaderMap;
  readonly message?: Uint8Array;
  readonly trailingMetadata?: HeaderMap;
}

/** The HTTP and gRPC calls of one root context, and what it is being told of them. */
export class Callouts {
  readonly #root: RootContext;
  readonly #http = new Map<number, HttpCall>();
  readonly #grpc = new Map<number, { readonly call: GrpcCall; localClosed: boolean }>();
  #response: HttpCallResponse | undefined;
  #received: GrpcReceived = {};
  /** What `proxy_get_status` gives. */
  status: { readonly code: number; readonly message: string } = { code: 0, message: "" };

  constructor(root: RootContext) {
    this.#root = root;
  }

  /** The HTTP calls that wait for an answer. */
  get httpCalls(): readonly HttpCall[] {
    return [...this.#http.values()];
  }

  /** The gRPC calls and streams that the server has not ended. */
  get grpcCalls(): readonly GrpcCall[] {
    return [...this.#grpc.values()].map(({ call }) => call).filter((call) => call.pending);
  }

  /** Begins an HTTP call; the answer comes through the HttpCall. */
  httpCall(request: HttpCallRequest): number {
    const { vm } = this.#root;
    const token = vm.nextHttpCallId();
    const answer = (response: HttpCallResponse | undefined): void => this.#answer(token, response);
    this.#http.set(token, new HttpCall(token, request, vm.services.clock, answer));
    return token;
  }

  #answer(token: number, response: HttpCallResponse | undefined): void {
    if (!this.#http.delete(token)) return;
    const { vm, id } = this.#root;
    vm.scope(() => {
      vm.afterCall(() => {
        this.#response = undefined;
        this.status = { ...this.status, message: "" };
      });
      this.#response = response;
      if (response === undefined) this.status = { code: Status.BrokenConnection, message: "reset" };
      const { headers, body, trailers } = response ?? {};
      const sizes = [headers?.size ?? 0, body?.length ?? 0, trailers?.size ?? 0];
      vm.call(this.#root, "proxy_on_http_call_response", id, token, ...sizes);
    });
  }

  /** Begins a gRPC call or stream. Undefined if its cluster does not exist: Envoy tells the module of that later. */
  grpcCall(request: GrpcRequest, clusterExists: boolean): GrpcCall | undefined {
    const { vm, id } = this.#root;
    const token = request.kind === "call" ? vm.nextGrpcCallId() : vm.nextGrpcStreamId();
    const close = (status: number, message: string): void => this.#closed(token, status, message);
    if (!clusterExists) {
      vm.afterCall(() => close(GrpcStatus.Unavailable, "Cluster not available"));
      return undefined;
    }
    const call = new GrpcCall(token, request, vm.services.clock, {
      close,
      initialMetadata: (initialMetadata) =>
        this.#receive({ initialMetadata }, () =>
          vm.call(this.#root, "proxy_on_grpc_receive_initial_metadata", id, token, initialMetadata.size),
        ),
      message: (message) => {
        if (request.kind === "call") this.#grpc.delete(token);
        this.#receive({ message }, () => vm.call(this.#root, "proxy_on_grpc_receive", id, token, message.length));
      },
      trailingMetadata: (trailingMetadata) =>
        this.#receive({ trailingMetadata }, () =>
          vm.call(this.#root, "proxy_on_grpc_receive_trailing_metadata", id, token, trailingMetadata.size),
        ),
    });
    this.#grpc.set(token, { call, localClosed: false });
    return call;
  }

  #receive(received: GrpcReceived, call: () => void): void {
    this.#received = received;
    this.#root.vm.scope(call);
    this.#received = {};
  }

  #closed(token: number, status: number, message: string): void {
    const { vm, id } = this.#root;
    if (vm.has("proxy_on_grpc_close")) {
      this.status = { code: status, message };
      vm.scope(() => vm.call(this.#root, "proxy_on_grpc_close", id, token, status));
      this.status = { code: status, message: "" };
    }
    // A stream stays until the module has closed it too.
    const entry = this.#grpc.get(token);
    if (entry?.call.kind === "call" || entry?.localClosed === true) this.#grpc.delete(token);
  }

  /** `proxy_grpc_send`. */
  grpcSend(token: number, message: Uint8Array, endOfStream: boolean): Status {
    if ((token & TOKEN_KIND_MASK) !== TokenKind.GrpcStream) return Status.BadArgument;
    const call = this.#grpc.get(token)?.call;
    if (call === undefined) return Status.NotFound;
    if (call.pending && !call.ended) {
      this.#root.vm.services.quota.charge(message.length, "a gRPC message");
      call.messages.push(message);
      call.ended = endOfStream;
    }
    return Status.Ok;
  }

  /** `proxy_grpc_close`: the module sends nothing more. To close a unary call is to cancel it. */
  grpcClose(token: number): Status {
    if ((token & TOKEN_KIND_MASK) !== TokenKind.GrpcStream) return this.grpcCancel(token);
    const entry = this.#grpc.get(token);
    if (entry === undefined) return Status.NotFound;
    if (!entry.call.pending) this.#grpc.delete(token);
    entry.localClosed = true;
    entry.call.ended = true;
    return Status.Ok;
  }

  /** `proxy_grpc_cancel`: the module hears nothing more. */
  grpcCancel(token: number): Status {
    const kind = token & TOKEN_KIND_MASK;
    if (kind !== TokenKind.GrpcCall && kind !== TokenKind.GrpcStream) return Status.BadArgument;
    const entry = this.#grpc.get(token);
    if (entry === undefined) return Status.NotFound;
    entry.call.cancel();
    this.#grpc.delete(token);
    return Status.Ok;
  }

  /** Drops everything that is under way. */
  cancelAll(): void {
    for (const call of this.#http.values()) call.cancel();
    for (const { call } of this.#grpc.values()) call.cancel();
    this.#http.clear();
    this.#grpc.clear();
  }

  map(type: MapType): HeaderMap | undefined {
    switch (type) {
      case MapType.HttpCallResponseHeaders:
        return this.#response?.headers;
      case MapType.HttpCallResponseTrailers:
        return this.#response?.trailers;
      case MapType.GrpcReceiveInitialMetadata:
        return this.#received.initialMetadata;
      case MapType.GrpcReceiveTrailingMetadata:
        return this.#received.trailingMetadata;
      default:
        return undefined;
    }
  }

  buffer(type: typeof BufferType.HttpCallResponseBody | typeof BufferType.GrpcReceiveBuffer): GuestBuffer | undefined {
    if (type === BufferType.GrpcReceiveBuffer) return new ReadOnlyBuffer(this.#received.message);
    return this.#response && new ReadOnlyBuffer(this.#response.body);
  }
}
