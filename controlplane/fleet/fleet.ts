import { EventEmitter } from "node:events";

import type {
  Connection,
  ConnectionObserver,
  NodeInfo,
  Outcome,
  Protocol,
  StreamObserver,
  TypeStatus,
} from "../xds/index.ts";
import { ProxyMemory } from "../xds/index.ts";

/** What is known of one node, as plain data. Times are milliseconds since the epoch. */
export interface NodeView {
  readonly node: NodeInfo;
  readonly connected: boolean;
  /** When its latest stream began; for a node that is gone, when that stream ended. */
  readonly since: number;
  /** When its last request came. */
  readonly lastSeen: number;
  readonly protocol: Protocol;
  /** Its address. */
  readonly peer: string;
  /** How many streams it has open: one on the aggregated service, or one a type. */
  readonly streams: number;
  /** Where it stands, type by type; for a node that is gone, where it stood. */
  readonly types: readonly TypeStatus[];
}

/** An answer of a node to a response. */
export type NodeOutcome = Outcome & { readonly nodeId: string; readonly time: number };

/** The events of a fleet. `connected` and `disconnected` are about nodes, not about each of their streams. */
export interface FleetEvents {
  connected: [node: NodeInfo];
  disconnected: [node: NodeInfo];
  acked: [outcome: NodeOutcome];
  prewarming: [outcome: NodeOutcome];
  rejected: [outcome: NodeOutcome];
}

export interface FleetOptions {
  /** How long a node that is gone is remembered, in milliseconds. Default: one hour. */
  readonly retentionMs?: number;
  /** How many nodes that are gone are remembered. Default: 10,000. */
  readonly maxGone?: number;
  readonly now?: () => number;
}

interface OpenStream {
  readonly connection: Connection;
  readonly since: number;
  lastSeen: number;
}

interface NodeRecord {
  readonly memory: ProxyMemory;
  /** The latest last. */
  streams: OpenStream[];
  /** What was known when the last stream ended. */
  gone: NodeView | undefined;
}

/**
 * Every node that is or was connected: who it is, what it was sent, what it accepted and what it rejected.
 *
 * Nothing is kept twice: where a node stands is read from the state of its streams when it is asked for.
 */
export class Fleet extends EventEmitter<FleetEvents> implements StreamObserver {
  readonly #records = new Map<string, NodeRecord>();
  /** When nodes went, the first gone first. */
  readonly #goneAt = new Map<string, number>();
  readonly #retentionMs: number;
  readonly #maxGone: number;
  readonly #now: () => number;
  #revision = 0;

  constructor(options: FleetOptions = {}) {
    super();
    this.#retentionMs = options.retentionMs ?? 3_600_000;
    this.#maxGone = options.maxGone ?? 10_000;
    this.#now = options.now ?? Date.now;
  }

  node(id: string): NodeView | undefined {
    this.#forget();
    const record = this.#records.get(id);
    return record && view(record);
  }

  nodes(): NodeView[] {
    this.#forget();
    return Array.from(this.#records.values(), view).filter((node) => node !== undefined);
  }

  /** As long as it stays the same, {@link connectedNodes} gives the same nodes. */
  get revision(): number {
    return this.#revision;
  }

  /** The nodes that have a stream open. */
  connectedNodes(): NodeInfo[] {
    const nodes: NodeInfo[] = [];
    for (const { streams } of this.#records.values()) {
      const latest = streams.at(-1);
      if (latest) nodes.push(latest.connection.node);
    }
    return nodes;
  }

  isConnected(nodeId: string): boolean {
    return (this.#records.get(nodeId)?.streams.length ?? 0) > 0;
  }

  memory(nodeId: string): ProxyMemory {
    return this.#record(nodeId).memory;
  }

  connected(connection: Connection): ConnectionObserver {
    const { node } = connection;
    const record = this.#record(node.id);
    const now = this.#now();
    const stream: OpenStream = { connection, since: now, lastSeen: now };
    record.streams.push(stream);
    ++this.#revision;
    record.gone = undefined;
    this.#goneAt.delete(node.id);
    if (record.streams.length === 1) this.emit("connected", node);
    return {
      seen: () => {
        stream.lastSeen = this.#now();
      },
      answered: (outcome) => {
        this.emit(outcome.kind, { ...outcome, nodeId: node.id, time: this.#now() });
      },
      disconnected: () => this.#close(record, stream),
    };
  }

  #close(record: NodeRecord, stream: OpenStream): void {
    const { node } = stream.connection;
    const last = view(record);
    record.streams = record.streams.filter((open) => open !== stream);
    ++this.#revision;
    if (record.streams.length > 0 || last === undefined) return;
    const now = this.#now();
    record.gone = { ...last, connected: false, since: now, streams: 0 };
    this.#goneAt.set(node.id, now);
    this.#forget();
    this.emit("disconnected", node);
  }

  #record(nodeId: string): NodeRecord {
    let record = this.#records.get(nodeId);
    if (record === undefined) {
      record = { memory: new ProxyMemory(), streams: [], gone: undefined };
      this.#records.set(nodeId, record);
    }
    return record;
  }

  #forget(): void {
    const before = this.#now() - this.#retentionMs;
    for (const [id, at] of this.#goneAt) {
      if (at >= before && this.#goneAt.size <= this.#maxGone) break;
      this.#goneAt.delete(id);
      this.#records.delete(id);
    }
  }
}

function view(record: NodeRecord): NodeView | undefined {
  const latest = record.streams.at(-1);
  if (latest === undefined) return record.gone;
  const { node, protocol, peer } = latest.connection;
  return {
    node,
    connected: true,
    since: latest.since,
    lastSeen: Math.max(...record.streams.map((stream) => stream.lastSeen)),
    protocol,
    peer,
    streams: record.streams.length,
    types: latestTypes(record.streams),
  };
}

/** Each type as the latest stream that asked for it has it: a proxy may open one stream a type. */
function latestTypes(streams: readonly OpenStream[]): TypeStatus[] {
  const types = new Map<string, TypeStatus>();
  for (const { connection } of streams) {
    for (const type of connection.status()) {
      if (type.requested || !types.has(type.typeUrl)) types.set(type.typeUrl, type);
    }
  }
  return [...types.values()];
}
