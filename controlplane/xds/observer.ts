import type { ProxyMemory } from "./delivery.ts";
import type { NodeInfo } from "./node.ts";
import type { TypeStatus } from "./status.ts";
import type { Outcome } from "./outcome.ts";

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
  /** The stream has looked at what its node is to have now; what changed is sent from here on. */
  refreshed?(): void;
  /**
   * There is nothing more to send, and nothing unanswered: the client has what its node is to have, as far as it asked.
   *
   * @param isRejecting whether it lacks something since it rejected it.
   */
  settled?(isRejecting: boolean): void;
  disconnected(): void;
}

/** Is told which streams there are. */
export interface StreamObserver {
  /** What is known of this proxy from earlier streams; shared by the streams of a node. */
  memory(nodeId: string): ProxyMemory;
  connected(connection: Connection): ConnectionObserver;
}
