import { type ServerDuplexStream, status as Code } from "@grpc/grpc-js";

import type { Decoded } from "./decode.ts";
import type { ProxyMemory } from "./delivery.ts";
import type { NodeInfo } from "./node.ts";
import type { ConnectionObserver, Protocol, StreamObserver } from "./observer.ts";
import type { Snapshot, SnapshotSource } from "./snapshot.ts";
import type { Send } from "./response.ts";
import type { Outcome } from "./outcome.ts";
import type { XdsStream } from "./stream.ts";

export type XdsCall = ServerDuplexStream<Buffer, Buffer>;

/** Who calls: by its certificate or metadata it can be told what it may do. */
export type Caller = Pick<XdsCall, "getAuthContext" | "getPeer" | "metadata">;

/** A variant of the protocol: its messages and its state machine. */
export interface Variant<Request extends { readonly typeUrl: string }> {
  readonly protocol: Protocol;
  decode(bytes: Buffer): Decoded<Request>;
  encode(send: Send): Buffer;
  /** @param earlier what the node may have been served before. */
  open(
    memory: ProxyMemory,
    node: NodeInfo,
    report: (outcome: Outcome) => void,
    earlier: () => Iterable<Snapshot>,
  ): XdsStream<Request>;
}

/** What the server lends to each of its streams. */
export interface DriverContext {
  readonly source: SnapshotSource;
  readonly observer: StreamObserver;
  readonly limits: { readonly types: number; readonly names: number };
  now(): number;
  /** The stream named its node. Gives a reason if it may not be served as this node. */
  admit(node: NodeInfo, call: XdsCall): string | undefined;
  opened(driver: StreamDriver): void;
  closed(driver: StreamDriver): void;
  /** A request has come; the stream's turn to {@link StreamDriver.take} it comes. */
  waits(driver: StreamDriver): void;
  /** An error that is not the client's fault. */
  failed(error: unknown): void;
}

/** A stream, whatever its variant. */
export interface StreamDriver {
  readonly nodeId: string;
  /** Looks at what the node is to have now, and sends what changed. */
  refresh(): void;
  /** Reads the request that waits. */
  take(): void;
  /** Ends the stream with a gRPC status. */
  end(code: Code, details: string): void;
}

/** Details travel in a header, whose size and characters are limited; they may quote the client. */
const MAX_DETAILS = 500;

interface Session<Request> {
  readonly node: NodeInfo;
  readonly stream: XdsStream<Request>;
  readonly observer: ConnectionObserver;
}

/**
 * Carries one state machine's messages over one gRPC call.
 *
 * The next response is taken from the machine only when the transport took the one before, so a client that does not
 * read costs one buffer, whatever happens meanwhile.
 */
export class CallDriver<Request extends { readonly typeUrl: string }> implements StreamDriver {
  readonly #call: XdsCall;
  readonly #variant: Variant<Request>;
  readonly #typeUrl: string | undefined;
  readonly #context: DriverContext;
  #session: Session<Request> | undefined;
  /** Requests whose turn has not come: one, but for what was underway. */
  readonly #arrived: Buffer[] = [];
  #writing = false;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param typeUrl the only type of this call, or `undefined` on the aggregated service. */
  constructor(call: XdsCall, variant: Variant<Request>, typeUrl: string | undefined, context: DriverContext) {
    this.#call = call;
    this.#variant = variant;
    this.#typeUrl = typeUrl;
    this.#context = context;
    call.on("data", (bytes: Buffer) => {
      // No other is read meanwhile, so what a client sends faster than it is answered waits in its connection.
      call.pause();
      this.#arrived.push(bytes);
      context.waits(this);
    });
    call.on("end", () => this.end(Code.OK, "the client closed the stream"));
    call.on("cancelled", () => this.#dispose());
    call.on("close", () => this.#dispose());
  }

  get nodeId(): string {
    return this.#session?.node.id ?? "";
  }

  refresh(): void {
    this.#guard(() => {
      if (this.#session === undefined || this.#ended) return;
      this.#session.stream.serve(this.#context.source.snapshot(this.#session.node));
      this.#session.observer.refreshed?.();
      this.#pump();
    });
  }

  take(): void {
    const bytes = this.#arrived.shift();
    if (bytes !== undefined) this.#guard(() => this.#receive(bytes));
    if (this.#ended) return;
    if (this.#arrived.length > 0) this.#context.waits(this);
    else this.#call.resume();
  }

  end(code: Code, details: string): void {
    if (this.#ended) return;
    this.#dispose();
    if (code === Code.OK) this.#call.end();
    else this.#call.emit("error", { code, details: clip(details) });
  }

  #receive(bytes: Buffer): void {
    if (this.#ended) return;
    let decoded: Decoded<Request>;
    try {
      decoded = this.#variant.decode(bytes);
    } catch (error) {
      this.end(
        Code.INVALID_ARGUMENT,
        `the request cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      );
      return;
    }
    const request = this.#withType(decoded.request);
    if (request === undefined) return;
    if (this.#session !== undefined && decoded.node !== undefined && !isSameNode(this.#session.node, decoded.node)) {
      this.end(Code.INVALID_ARGUMENT, `the node of a stream cannot change: it began as ${this.#session.node.id}`);
      return;
    }
    this.#session ??= this.#open(decoded.node);
    if (this.#session === undefined) return;
    const { stream, observer } = this.#session;
    stream.request(request, this.#context.now());
    observer.seen();
    const { types, names } = stream.size();
    const { limits } = this.#context;
    if (types > limits.types) this.end(Code.RESOURCE_EXHAUSTED, `more than ${limits.types} types on one stream`);
    else if (names > limits.names) this.end(Code.RESOURCE_EXHAUSTED, `more than ${limits.names} names on one stream`);
    else this.#pump();
  }

  /** The request with its type, which a service of one type does not need to be told. */
  #withType(request: Request): Request | undefined {
    const { typeUrl } = request;
    if (this.#typeUrl === undefined) {
      if (typeUrl !== "") return request;
      this.end(Code.INVALID_ARGUMENT, "type_url is required on an aggregated stream");
      return undefined;
    }
    if (typeUrl === this.#typeUrl) return request;
    if (typeUrl === "") return { ...request, typeUrl: this.#typeUrl };
    this.end(Code.INVALID_ARGUMENT, `type_url is ${typeUrl}, but this service serves ${this.#typeUrl}`);
    return undefined;
  }

  #open(node: NodeInfo | undefined): Session<Request> | undefined {
    if (node === undefined || node.id === "") {
      this.end(Code.INVALID_ARGUMENT, "the first request of a stream must name its node: node.id is missing");
      return undefined;
    }
    const refusal = this.#context.admit(node, this.#call);
    if (refusal !== undefined) {
      this.end(Code.PERMISSION_DENIED, refusal);
      return undefined;
    }
    const { observer: fleet, source } = this.#context;
    const snapshot = source.snapshot(node);
    const stream = this.#variant.open(
      fleet.memory(node.id),
      node,
      (outcome) => observer.answered(outcome),
      () => source.earlier?.(node) ?? [],
    );
    stream.serve(snapshot);
    const observer = fleet.connected({
      node,
      protocol: this.#variant.protocol,
      peer: this.#call.getPeer(),
      status: () => stream.status(),
    });
    this.#context.opened(this);
    return { node, stream, observer };
  }

  #pump(): void {
    if (this.#session === undefined || this.#writing || this.#ended) return;
    clearTimeout(this.#timer);
    const { stream, observer } = this.#session;
    const now = this.#context.now();
    const send = stream.next(now);
    if (send !== undefined) {
      this.#writing = true;
      this.#call.write(this.#variant.encode(send), () => {
        this.#writing = false;
        this.#guard(() => this.#pump());
      });
      return;
    }
    if (stream.standing !== "unsettled") observer.settled?.(stream.standing === "rejecting");
    if (stream.wakeAt !== undefined) {
      this.#timer = setTimeout(() => this.#guard(() => this.#pump()), Math.max(0, stream.wakeAt - now));
    }
  }

  /** A fault of the server ends this stream, and no other. */
  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#context.failed(error);
      this.end(Code.INTERNAL, "the control plane failed to serve this node");
    }
  }

  #dispose(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#session?.stream.close();
    this.#session?.observer.disconnected();
    this.#context.closed(this);
  }
}

/** Only what says who the client is: the rest may be repeated in part, or change, as Envoy's dynamic parameters do. */
function isSameNode(first: NodeInfo, again: NodeInfo): boolean {
  return first.id === again.id && first.cluster === again.cluster;
}

function clip(details: string): string {
  // A surrogate pair that was cut in two becomes a replacement character.
  return Buffer.from(details.slice(0, MAX_DETAILS)).toString();
}
