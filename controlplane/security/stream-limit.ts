import { ServerInterceptingCall, status as Code, type ServerInterceptor } from "@grpc/grpc-js";

/** How many calls one peer may have open at a time. Envoy opens one for ADS, one for its statistics, and one for quotas a worker. */
export const MAX_STREAMS = 1_000;

/** What of a call tells peers apart. */
export type PeerOf = (call: Parameters<ServerInterceptor>[1]) => string | undefined;

/** Counts the open calls of each peer, over all of its connections, so that no peer takes what the others need. */
export class StreamLimit {
  readonly #max: number;
  readonly #peerOf: PeerOf;
  readonly #open = new Map<string, number>();

  /** @param peerOf who calls; undefined for who is not counted. */
  constructor(max: number, peerOf: PeerOf) {
    this.#max = max;
    this.#peerOf = peerOf;
  }

  /** Peers that have open calls. */
  get peers(): number {
    return this.#open.size;
  }

  /** Ends a call that is one too many with RESOURCE_EXHAUSTED, before any service sees it. */
  get interceptor(): ServerInterceptor {
    return (_, call) => {
      let release = (): void => undefined;
      return new ServerInterceptingCall(call, {
        start: (next) => {
          const peer = this.#peerOf(call);
          if (peer === undefined) {
            next();
            return;
          }
          if ((this.#open.get(peer) ?? 0) >= this.#max) {
            const details = `${peer} has ${this.#max} open streams already, which is as many as one peer may have`;
            next({ onReceiveMetadata: () => call.sendStatus({ code: Code.RESOURCE_EXHAUSTED, details }) });
            return;
          }
          this.#count(peer, 1);
          release = () => {
            release = () => undefined;
            this.#count(peer, -1);
          };
          next({ onCancel: () => release() });
        },
        sendStatus: (status, next) => {
          release();
          next(status);
        },
      });
    };
  }

  #count(peer: string, change: 1 | -1): void {
    const count = (this.#open.get(peer) ?? 0) + change;
    if (count === 0) this.#open.delete(peer);
    else this.#open.set(peer, count);
  }
}
