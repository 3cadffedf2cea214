import type { ProxyMemory } from "./delivery.ts";
import type { NodeInfo } from "./node.ts";
import type { TypeStatus } from "./status.ts";
import type { Outcome } from "./stream.ts";

export type Protocol = "sotw" | "delta";

/** A stream that named its node, as seen from outside. */
export interface Connection {
  readonly node: NodeInfo;
  readonly protocol: Protocol;
  /** The client's address. */
  readonly peer: string;
  /** Where the client stands, type by type. */
  status(): readonly TypeStatus[];
}

/** Is told what happens to one connection. */
export interface ConnectionObserver {
  /** The client sent a request. */
  seen(): void;
  answered(outcome: Outcome): void;
  disconnected(): void;
}

/** Is told which streams there are. */
export interface StreamObserver {
  /** What is known of this proxy from earlier streams; shared by the streams of a node. */
  memory(nodeId: string): ProxyMemory;
  connected(connection: Connection): ConnectionObserver;
}
