import type { Protocol } from "../xds/index.ts";
import type { StreamCounts } from "./activity.ts";

/** How long it took until every sidecar that was connected had answered a change. */
export interface Convergence {
  /** The number of the change. */
  readonly change: number;
  /** Milliseconds since the epoch. */
  readonly appliedAt: number;
  readonly endedAt: number;
  /** Whether a sidecar rejected some of what it is to have. */
  readonly rejected: boolean;
}

/** Changes that are not answered by all, at most: one sidecar that never answers keeps all open that come after. */
const MAX_OPEN = 100;

interface Change {
  readonly number: number;
  readonly appliedAt: number;
  /** Streams that do not have it yet. */
  readonly waiting: Set<OpenStream>;
  rejected: boolean;
}

/** A stream, as far as changes are concerned. */
export interface OpenStream {
  readonly nodeId: string;
  readonly protocol: Protocol;
  /** Whether it was told of the latest change. */
  isFresh: boolean;
  isRejecting: boolean;
}

/**
 * Which streams have answered which change. A stream that has the latest change has those before it, too: what was
 * superseded is never sent. So is a change without connected sidecars answered at once, and that tells nothing.
 */
export class Changes {
  readonly #streams = new Set<OpenStream>();
  /** Those that are not answered by all, the oldest first. */
  #open: Change[] = [];
  #number = 0;
  readonly #converged: (convergence: Convergence) => void;

  constructor(converged: (convergence: Convergence) => void) {
    this.#converged = converged;
  }

  open(nodeId: string, protocol: Protocol): OpenStream {
    const stream = { nodeId, protocol, isFresh: true, isRejecting: false };
    this.#streams.add(stream);
    return stream;
  }

  /** @returns the number of the change. */
  applied(now: number): number {
    const number = ++this.#number;
    if (this.#streams.size > 0)
      this.#open.push({ number, appliedAt: now, waiting: new Set(this.#streams), rejected: false });
    if (this.#open.length > MAX_OPEN) this.#open.shift();
    for (const stream of this.#streams) stream.isFresh = false;
    return number;
  }

  /** The latest change that a stream was told of and does not have yet. */
  dueOf(stream: OpenStream): { readonly number: number; readonly appliedAt: number } | undefined {
    return this.#open.findLast(
      ({ waiting, number }) => waiting.has(stream) && (stream.isFresh || number < this.#number),
    );
  }

  refreshed(stream: OpenStream): void {
    stream.isFresh = true;
  }

  settled(stream: OpenStream, isRejecting: boolean, now: number): void {
    stream.isRejecting = isRejecting;
    // What settles before it is told of a change has settled with what was before.
    if (!stream.isFresh || this.#open.length === 0) return;
    for (const change of this.#open) if (change.waiting.delete(stream)) change.rejected ||= isRejecting;
    this.#close(now);
  }

  closed(stream: OpenStream, now: number): void {
    this.#streams.delete(stream);
    for (const { waiting } of this.#open) waiting.delete(stream);
    this.#close(now);
  }

  counts(): StreamCounts {
    const streams = { delta: 0, sotw: 0 };
    const rejecting = new Set<string>();
    for (const { protocol, isRejecting, nodeId } of this.#streams) {
      streams[protocol]++;
      if (isRejecting) rejecting.add(nodeId);
    }
    const pending = new Set(Array.from(this.#open.at(-1)?.waiting ?? [], ({ nodeId }) => nodeId));
    return { streams, pending: pending.size, rejecting: rejecting.size };
  }

  #close(now: number): void {
    // One that waits for a stream waits for it in all later ones, so those that are answered stand first.
    while (this.#open[0]?.waiting.size === 0) {
      const [{ number: change, appliedAt, rejected }] = this.#open.splice(0, 1) as [Change];
      this.#converged({ change, appliedAt, endedAt: now, rejected });
    }
  }
}
