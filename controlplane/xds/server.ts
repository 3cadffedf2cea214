import { Server, type ServerCredentials, type ServerInterceptor, status as Code } from "@grpc/grpc-js";

import { clientSupport } from "./client-support.ts";
import { Connections } from "./connections.ts";
import { decodeDelta, decodeSotw } from "./decode.ts";
import { DEFAULT_DELIVERY, type DeliveryOptions } from "./delivery.ts";
import { type DeltaRequest, DeltaStream } from "./delta.ts";
import {
  CallDriver,
  type Caller,
  type DriverContext,
  type StreamDriver,
  type Variant,
  type XdsCall,
} from "./driver.ts";
import { encodeDelta, encodeSotw } from "./encode.ts";
import type { NodeInfo } from "./node.ts";
import type { Protocol, StreamObserver } from "./observer.ts";
import { Queue } from "./pace.ts";
import { xdsServices } from "./services.ts";
import type { SnapshotSource } from "./snapshot.ts";
import { type SotwRequest, SotwStream } from "./sotw.ts";
import type { StreamOptions } from "./stream.ts";

export interface XdsServerOptions {
  readonly source: SnapshotSource;
  readonly observer: StreamObserver;
  /**
   * Whether a client may be served as this node, judged by its certificate or its metadata.
   * @returns why not, or `undefined` if it may.
   */
  readonly authorize?: (node: NodeInfo, caller: Caller) => string | undefined;
  /** What every call passes before its service sees it, those of services beside xDS too. */
  readonly interceptors?: readonly ServerInterceptor[];
  /** Is told of errors that are no client's fault, such as those a snapshot source throws. */
  readonly onError?: (error: unknown) => void;
  readonly delivery?: Partial<DeliveryOptions>;
  /** How long a change waits for the types before it to be acknowledged. Default: 20 s, above Envoy's own 15 s. */
  readonly orderTimeoutMs?: number;
  /** How long removals wait for a reconnected client to ask for its other types. Default: 1 s. */
  readonly resumeGraceMs?: number;
  /** Bytes of the longest request. Default: 4 MiB. */
  readonly maxRequestBytes?: number;
  /** Names that one stream may subscribe to, over all types. Default: 100,000. */
  readonly maxNames?: number;
  /** Idle connections are probed this often, and dropped after 10 s without an answer. Default: 30 s. */
  readonly keepaliveMs?: number;
  /** After which a client is asked to connect again, give or take a tenth. Default: never. */
  readonly maxConnectionAgeMs?: number;
}

/** An unknown type costs some memory, and no client has a use for many. */
const MAX_TYPES = 64;

/** As long as grpc's own: a client that is busy with its first configuration answers late. */
const KEEPALIVE_TIMEOUT_MS = 20_000;

/** How long the calls of a connection that has aged may go on; streams of xDS do not end by themselves. */
const GRACE_MS = 1_000;

/** Serves xDS over gRPC: the aggregated service and those of single types, each in both variants of the protocol. */
export class XdsServer {
  /** The gRPC server, for services beside xDS; add them before {@link listen}. */
  readonly grpc: Server;
  readonly #context: DriverContext;
  readonly #variants: { readonly sotw: OpenCall; readonly delta: OpenCall };
  readonly #streams = new Set<StreamDriver>();
  readonly #stale = new Queue<StreamDriver>((stream) => stream.refresh());
  /** Thousands that come back at once send all that they have: all other work, such as answers to pings, has its turn between them. */
  readonly #arrived = new Queue<StreamDriver>((stream) => stream.take());
  #connections: Connections | undefined;

  constructor(options: XdsServerOptions) {
    this.grpc = new Server({
      "grpc.max_receive_message_length": options.maxRequestBytes ?? 4 * 1024 * 1024,
      "grpc.max_send_message_length": -1,
      "grpc.keepalive_time_ms": options.keepaliveMs ?? 30_000,
      "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
      "grpc.keepalive_permit_without_calls": 1,
      // Nobody is served what it would count of each connection, stream and message.
      "grpc.enable_channelz": 0,
      ...(options.maxConnectionAgeMs === undefined
        ? {}
        : { "grpc.max_connection_age_ms": options.maxConnectionAgeMs, "grpc.max_connection_age_grace_ms": GRACE_MS }),
      interceptors: [...(options.interceptors ?? [])],
    });
    this.#context = {
      source: options.source,
      observer: options.observer,
      limits: { types: MAX_TYPES, names: options.maxNames ?? 100_000 },
      now: Date.now,
      admit: (node, call) => options.authorize?.(node, call),
      opened: (driver) => {
        this.#streams.add(driver);
      },
      closed: (driver) => {
        this.#streams.delete(driver);
        this.#stale.delete(driver);
        this.#arrived.delete(driver);
      },
      waits: (driver) => {
        this.#arrived.add([driver]);
      },
      failed: (error) => options.onError?.(error),
    };
    this.#variants = openCalls(this.#context, streamOptions(options));
    for (const { definition, implementation } of xdsServices(
      (protocol: Protocol, typeUrl) => (call: XdsCall) => this.#variants[protocol](call, typeUrl),
    )) {
      this.grpc.addService(definition, implementation);
    }
  }

  /**
   * Starts to serve.
   *
   * @param address such as `127.0.0.1:18000`; port 0 takes any free one.
   * @returns the port.
   */
  async listen(address: string, credentials: ServerCredentials): Promise<number> {
    const connections = new Connections(this.grpc.createConnectionInjector(credentials));
    try {
      const port = await connections.listen(address);
      this.#connections = connections;
      return port;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`cannot listen on ${address}: ${why}`, { cause: error });
    }
  }

  /** The connections that there are; undefined before {@link listen}. */
  get connections(): Pick<Connections, "since" | "end"> | undefined {
    return this.#connections;
  }

  /**
   * The snapshots of these nodes may have changed; of all nodes if none are named. Streams look again a little later,
   * some at a time, so that requests are answered in between. What changes meanwhile is sent once.
   */
  update(nodeIds?: Iterable<string>): void {
    const named = nodeIds && new Set(nodeIds);
    this.#stale.add(named ? [...this.#streams].filter(({ nodeId }) => named.has(nodeId)) : this.#streams);
  }

  /** Ends all streams, so that clients turn to another replica, and then the server; after `graceMs` by force. */
  async close(graceMs = 1_000): Promise<void> {
    for (const stream of [...this.#streams]) stream.end(Code.UNAVAILABLE, "the control plane is shutting down");
    this.#connections?.close();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.grpc.forceShutdown();
        // The callback of `tryShutdown` can stay away then, as where a connection has gone over to another replica.
        resolve();
      }, graceMs);
      this.grpc.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

type OpenCall = (call: XdsCall, typeUrl: string | undefined) => void;

function openCalls(context: DriverContext, options: StreamOptions): Record<Protocol, OpenCall> {
  const sotw: Variant<SotwRequest> = {
    protocol: "sotw",
    decode: decodeSotw,
    encode: encodeSotw,
    open: (memory, node, report, earlier) =>
      new SotwStream(options, memory, clientSupport("sotw", node), report, earlier),
  };
  const delta: Variant<DeltaRequest> = {
    protocol: "delta",
    decode: decodeDelta,
    encode: encodeDelta,
    open: (memory, node, report) => new DeltaStream(options, memory, clientSupport("delta", node), report),
  };
  return {
    sotw: (call, typeUrl) => {
      new CallDriver(call, sotw, typeUrl, context);
    },
    delta: (call, typeUrl) => {
      new CallDriver(call, delta, typeUrl, context);
    },
  };
}

function streamOptions(options: XdsServerOptions): StreamOptions {
  return {
    delivery: { ...DEFAULT_DELIVERY, firstAttempt: randomFirstAttempt(), ...options.delivery },
    orderTimeoutMs: options.orderTimeoutMs ?? 20_000,
    unrelatedTimeoutMs: 1_000,
    resumeGraceMs: options.resumeGraceMs ?? 1_000,
  };
}

/** Leaves room for the attempts of a process between those of others. */
function randomFirstAttempt(): number {
  return 1 + 100 * Math.floor(Math.random() * 1_000_000);
}
