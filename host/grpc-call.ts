import { toBytes, toText, type Bytes } from "./bytes.ts";
import type { Clock, Timer } from "./clock.ts";
import { HeaderMap, type HeadersInit } from "./header-map.ts";
import { percentEncode } from "./local-reply.ts";

/** A status of gRPC (grpc/grpc, doc/statuscodes.md), as far as Envoy gives it by itself. */
export const GrpcStatus = { Ok: 0, Internal: 13, Unavailable: 14 } as const;

/** What a module asked a gRPC server for. */
export interface GrpcRequest {
  /** `call` has one message each way; `stream` has any number. */
  readonly kind: "call" | "stream";
  readonly cluster: string;
  readonly service: string;
  readonly method: string;
  readonly initialMetadata: HeaderMap;
  /** 0 if there is none. Only of a call. */
  readonly timeoutMs: number;
}

/** What reaches the module of an answer. */
export interface GrpcListener {
  initialMetadata(metadata: HeaderMap): void;
  message(message: Uint8Array): void;
  trailingMetadata(metadata: HeaderMap): void;
  close(status: number, message: string): void;
}

/** How a server ends a call. */
export interface GrpcEnd {
  /** Default: 0, OK. */
  readonly status?: number;
  readonly message?: string;
  readonly trailers?: HeadersInit;
}

/**
 * A gRPC call or stream that a module began. The test plays the server; the clock times a call out. The module hears of a
 * call's one message, or of the status with which it failed; of a stream it hears everything, and its status at the end.
 */
export class GrpcCall {
  readonly token: number;
  readonly kind: GrpcRequest["kind"];
  readonly cluster: string;
  readonly service: string;
  readonly method: string;
  readonly initialMetadata: HeaderMap;
  readonly timeoutMs: number;
  /** What the module has sent so far. */
  readonly messages: Uint8Array[] = [];
  /** Whether the module has sent its last message. */
  ended = false;

  readonly #listener: GrpcListener;
  readonly #timer: Timer | undefined;
  #begun = false;
  #answer: Uint8Array | undefined;
  #over = false;

  constructor(token: number, request: GrpcRequest, clock: Clock, listener: GrpcListener) {
    this.token = token;
    this.kind = request.kind;
    this.cluster = request.cluster;
    this.service = request.service;
    this.method = request.method;
    this.initialMetadata = request.initialMetadata;
    this.timeoutMs = request.timeoutMs;
    this.#listener = listener;
    const timeOut = (): void => this.#end(GrpcStatus.Unavailable, "upstream request timeout{response_timeout}");
    this.#timer = request.timeoutMs > 0 ? clock.after(request.timeoutMs, timeOut) : undefined;
  }

  /** `/service/method`. */
  get path(): string {
    return `/${this.service}/${this.method}`;
  }

  /** Whether the server may still answer. */
  get pending(): boolean {
    return !this.#over;
  }

  /** The messages of the module, read as UTF-8. */
  get messageTexts(): string[] {
    return this.messages.map(toText);
  }

  /** The server sends its initial metadata; without it, that of the answer is empty. */
  sendInitialMetadata(metadata: HeadersInit = {}): void {
    this.#expectPending();
    if (this.#begun) throw new Error(`${this.#name} has its initial metadata already`);
    this.#begun = true;
    if (this.kind === "stream") this.#listener.initialMetadata(new HeaderMap("response", metadata));
  }

  /** The server sends a message. Of several to a call the last one counts. */
  send(message: Bytes): void {
    this.#begin();
    if (this.kind === "stream") this.#listener.message(toBytes(message));
    else this.#answer = toBytes(message);
  }

  /** The server ends the call. */
  end({ status = GrpcStatus.Ok, message = "", trailers = {} }: GrpcEnd = {}): void {
    this.#begin();
    if (this.kind === "stream") this.#listener.trailingMetadata(new HeaderMap("trailers", trailers));
    // Envoy does not decode the message, and adds what it thinks of the response.
    const encoded = percentEncode(toBytes(message));
    this.#end(status, encoded === "" ? "via_upstream" : `${encoded}{via_upstream}`);
  }

  /** The server sends one message and ends the call with OK. */
  reply(message: Bytes): void {
    this.send(message);
    this.end();
  }

  /** What is not a gRPC server answers. */
  answerWithoutGrpc(): void {
    this.#begin();
    if (this.kind === "stream") this.#listener.trailingMetadata(new HeaderMap("trailers"));
    this.#end(GrpcStatus.Internal, "via_upstream");
  }

  /** Drops the call without an answer. */
  cancel(): void {
    this.#over = true;
    this.#timer?.cancel();
  }

  #begin(): void {
    this.#expectPending();
    if (!this.#begun) this.sendInitialMetadata();
  }

  #end(status: number, message: string): void {
    this.cancel();
    if (this.kind === "stream") this.#listener.close(status, message);
    else if (status !== GrpcStatus.Ok) this.#listener.close(status, message);
    else if (this.#answer === undefined) this.#listener.close(GrpcStatus.Internal, "");
    else this.#listener.message(this.#answer);
  }

  #expectPending(): void {
    if (this.#over) throw new Error(`${this.#name} is over already`);
  }

  get #name(): string {
    return `the gRPC ${this.kind} ${this.token} of ${this.path} to ${this.cluster}`;
  }
}
