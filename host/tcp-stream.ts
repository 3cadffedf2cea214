import { CloseType } from "./abi/enums.ts";
import { connectionAttribute, sourceProperties } from "./attributes.ts";
import { Body } from "./body.ts";
import { concat, EMPTY, toBytes, type Bytes } from "./bytes.ts";
import { FilterState } from "./filter-state.ts";
import { mergeProperties, type PropertyMap } from "./properties.ts";
import type { RootContext } from "./root-context.ts";
import { TcpContext, type TcpAction } from "./tcp-context.ts";

/** What one call into a TCP filter came to. */
export interface TcpOutcome {
  /** What the filter answered; NotCalled if it was not asked. */
  readonly action: TcpAction | "NotCalled";
  /** Whether this direction holds something back. */
  readonly paused: boolean;
  /** The bytes that passed the filter because of this call. */
  readonly data: Uint8Array;
}

/** What one end of a connection has got. */
export interface Received {
  readonly data: Uint8Array;
  /** Whether the other end has sent its last byte. */
  readonly ended: boolean;
}

export interface TcpStreamOptions {
  /** The client's address and port. Default: 127.0.0.1:50000. */
  readonly source?: string;
  /** Properties of this connection, over those of the host. */
  readonly properties?: PropertyMap;
}

/** One direction. */
class Direction {
  readonly held = new Body();
  received: Received = { data: EMPTY, ended: false };
  /** The sender has sent its last byte, whether or not that has passed. */
  senderEnded = false;
  stopped = false;

  pass(): Uint8Array {
    this.stopped = false;
    const data = this.held.take();
    this.received = { data: concat(this.received.data, data), ended: this.senderEnded };
    return data;
  }
}

/**
 * One TCP connection on its way through a network filter to an upstream, as Envoy's TCP proxy makes it. The test plays the
 * client (downstream) and the upstream.
 */
export class TcpStream {
  /** What the filter answered to the new connection. */
  readonly action: TcpAction;
  /** Who closed the client's connection; undefined while it is open. */
  closedBy: "local" | "remote" | undefined;

  readonly #context: TcpContext | undefined;
  readonly #filterState = new FilterState();
  readonly #down = new Direction();
  readonly #up = new Direction();
  #connected = false;

  constructor(root: RootContext | undefined, failOpen: boolean, connectionId: bigint, options: TcpStreamOptions) {
    const properties = mergeProperties(sourceProperties(options.source), options.properties ?? {});
    const state = this.#filterState;
    this.#context =
      root &&
      new TcpContext(
        root,
        {
          continueDownstream: () => this.#continue(),
          close: () => this.#close(CloseType.Local),
          fail: () => {
            this.closedBy ??= "local";
          },
          setFilterState: (name, value, readOnly) => state.set(name, value, readOnly),
          filterState: (name) => state.get(name),
          setEnvoyFilterState: (path, value) => state.setEnvoy(path, value),
          attribute: (name) => connectionAttribute(name, connectionId, properties),
        },
        failOpen,
      );
    if (root === undefined && !failOpen) this.closedBy = "local";
    this.action = this.#context?.newConnection() ?? (failOpen ? "Continue" : "StopIteration");
    if (this.action === "Continue") this.#connect();
  }

  /** Whether the filter has let Envoy connect to the upstream; nothing is read from the client before. */
  get connected(): boolean {
    return this.#connected;
  }

  /** What the upstream has got. */
  get upstream(): Received {
    return this.#down.received;
  }

  /** What the client has got. */
  get downstream(): Received {
    return this.#up.received;
  }

  /** A property that the filter set with `proxy_set_property`, read as UTF-8. */
  filterState(name: string): string | undefined {
    return this.#filterState.text(name);
  }

  /** An object that the filter set with the foreign function `set_envoy_filter_state`, read as UTF-8. */
  envoyFilterState(path: string): string | undefined {
    return this.#filterState.envoyText(path);
  }

  /** The client sends. */
  downstreamData(data: Bytes, { endOfStream = false } = {}): TcpOutcome {
    const outcome = this.#offer(this.#down, data, endOfStream, (held) =>
      this.#context?.downstreamData(held, endOfStream),
    );
    if (this.#down.senderEnded) this.#closeIfOver(CloseType.Remote);
    return outcome;
  }

  /** The upstream sends. */
  upstreamData(data: Bytes, { endOfStream = false } = {}): TcpOutcome {
    if (!this.#connected) throw new Error("the filter has not let the connection pass, so there is no upstream");
    const outcome = this.#offer(this.#up, data, endOfStream, (held) => this.#context?.upstreamData(held, endOfStream));
    if (this.#up.senderEnded) this.#closeIfOver(CloseType.Local);
    return outcome;
  }

  /** The connection ends: `remote` if the client breaks it off, `local` if Envoy does because the upstream did. */
  close(by: "local" | "remote" = "remote"): void {
    this.#close(by === "local" ? CloseType.Local : CloseType.Remote);
  }

  #connect(): void {
    if (this.#connected || this.closedBy !== undefined) return;
    this.#connected = true;
    // What has come before is read now.
    const { held, senderEnded } = this.#down;
    if (held.length > 0 || senderEnded)
      this.#ask(this.#down, (data) => this.#context?.downstreamData(data, senderEnded));
  }

  #offer(
    direction: Direction,
    data: Bytes,
    endOfStream: boolean,
    ask: (held: Body) => TcpAction | undefined,
  ): TcpOutcome {
    if (direction.senderEnded) throw new Error("this end of the connection has sent its last byte already");
    if (this.closedBy !== undefined) return { action: "NotCalled", paused: false, data: EMPTY };
    direction.held.moveFrom(new Body(toBytes(data)));
    direction.senderEnded = endOfStream;
    if (!this.#connected) return { action: "NotCalled", paused: true, data: EMPTY };
    return this.#ask(direction, ask);
  }

  #ask(direction: Direction, ask: (held: Body) => TcpAction | undefined): TcpOutcome {
    const before = direction.received.data.length;
    // A filter that asks to continue does so from inside, so it has to be stopped by then.
    direction.stopped = true;
    const action = ask(direction.held) ?? "Continue";
    if (action === "Continue" && this.closedBy === undefined) direction.pass();
    return { action, paused: direction.stopped, data: direction.received.data.slice(before) };
  }

  #continue(): void {
    if (this.closedBy !== undefined) return;
    if (this.#down.stopped) this.#down.pass();
    this.#connect();
  }

  /** Envoy closes when both directions have ended, or when the upstream is done with both. */
  #closeIfOver(type: CloseType): void {
    const [request, response] = [this.#down, this.#up];
    if (!request.senderEnded || !response.senderEnded) return;
    if (response.received.ended) this.#close(type);
    else if (request.received.ended) this.#close(CloseType.Local);
  }

  #close(type: CloseType): void {
    if (this.closedBy !== undefined) return;
    this.closedBy = type === CloseType.Local ? "local" : "remote";
    this.#context?.closed(type);
  }
}
