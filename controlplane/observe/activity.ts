import { EventEmitter } from "node:events";
import type { Connection, ConnectionObserver, NodeInfo, Outcome, Protocol, StreamObserver } from "../xds/index.ts";
import { Changes, type Convergence } from "./changes.ts";

/** What comes of a reading of the source. `refused`: it has faults. `failed`: it could not be read. */
export type ReloadResult = "applied" | "unchanged" | "refused" | "failed";

/** The parts of a reading, in their order. */
export type ReloadStage = "read" | "modules" | "check" | "translate";

/** One reading of the source. Times are milliseconds since the epoch. */
export interface Reload {
  readonly result: ReloadResult;
  readonly startedAt: number;
  readonly endedAt: number;
  /** When each part that was reached began. */
  readonly stages: readonly { readonly stage: ReloadStage; readonly startedAt: number }[];
  /** The resources that differ from what was served, where it is applied. */
  readonly changes: readonly string[];
  /** The number of the change that it is, where it is applied. */
  readonly change: number | undefined;
}

/** A response to a sidecar, and its answer. Times are milliseconds since the epoch. */
export type Push = Outcome & {
  readonly node: NodeInfo;
  readonly answeredAt: number;
  /** The change that it belongs to: the latest, if the sidecar did not have all of that yet. */
  readonly change: { readonly number: number; readonly appliedAt: number } | undefined;
};

/** A request to the HTTP server. */
export interface HttpRequest {
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly durationMs: number;
  /** Of a body that says how long it is. */
  readonly bytes: number;
}

export interface ActivityEvents {
  reload: [reload: Reload];
  push: [push: Push];
  /** All sidecars that were connected when a change was applied have answered it, or are gone. */
  converged: [convergence: Convergence];
  request: [request: HttpRequest];
}

/** What the streams are at a moment. */
export interface StreamCounts {
  readonly streams: Readonly<Record<Protocol, number>>;
  /** Sidecars that are connected and do not have all of the latest change yet. */
  readonly pending: number;
  /** Sidecars that are connected and lack something since they rejected it. */
  readonly rejecting: number;
}

/** What a control plane does, as it does it: told to whoever measures. */
export class Activity extends EventEmitter<ActivityEvents> {
  readonly #now: () => number;
  readonly #changes: Changes;

  constructor(now: () => number = Date.now) {
    super();
    this.#now = now;
    this.#changes = new Changes((convergence) => this.emit("converged", convergence));
  }

  /** A reading of the source begins. */
  startReload(): RunningReload {
    const startedAt = this.#now();
    const stages: { stage: ReloadStage; startedAt: number }[] = [];
    return {
      stage: (stage) => stages.push({ stage, startedAt: this.#now() }),
      end: (result, changes = []) => {
        const endedAt = this.#now();
        const change = result === "applied" ? this.#changes.applied(endedAt) : undefined;
        this.emit("reload", { result, startedAt, endedAt, stages, changes, change });
      },
    };
  }

  /** Tells both this and `observer` of streams. */
  watchStreams(observer: StreamObserver): StreamObserver {
    return {
      memory: (nodeId) => observer.memory(nodeId),
      connected: (connection) => this.#watch(connection, observer.connected(connection)),
    };
  }

  counts(): StreamCounts {
    return this.#changes.counts();
  }

  #watch(connection: Connection, inner: ConnectionObserver): ConnectionObserver {
    const { node, protocol } = connection;
    const stream = this.#changes.open(node.id, protocol);
    return {
      seen: () => inner.seen(),
      answered: (outcome) => {
        inner.answered(outcome);
        if (outcome.resources.length > 0)
          this.emit("push", { ...outcome, node, answeredAt: this.#now(), change: this.#changes.dueOf(stream) });
      },
      refreshed: () => {
        inner.refreshed?.();
        this.#changes.refreshed(stream);
      },
      settled: (isRejecting) => {
        inner.settled?.(isRejecting);
        this.#changes.settled(stream, isRejecting, this.#now());
      },
      disconnected: () => {
        inner.disconnected();
        this.#changes.closed(stream, this.#now());
      },
    };
  }
}

export interface RunningReload {
  stage(stage: ReloadStage): void;
  /** Has to be called before sidecars are served what is new. */
  end(result: ReloadResult, changes?: readonly string[]): void;
}
