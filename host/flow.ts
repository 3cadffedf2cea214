import type { DataAction, HeadersAction, TrailersAction } from "./abi/enums.ts";
import { Body } from "./body.ts";
import { concat } from "./bytes.ts";
import type { HeaderMap } from "./header-map.ts";

/** A filter, as one direction of a stream sees it. */
export interface FlowFilter {
  headers(headers: HeaderMap, endOfStream: boolean): HeadersAction;
  data(chunk: Body, endOfStream: boolean): DataAction;
  trailers(trailers: HeaderMap): TrailersAction;
  /** Of a METADATA frame of HTTP/2, which a filter can look at and no more. */
  metadata(metadata: HeaderMap): void;
}

/** What the filter has let pass so far: what the upstream sees of a request, or the client of a response. */
export interface Passed {
  readonly headers: HeaderMap | undefined;
  readonly body: Uint8Array;
  readonly trailers: HeaderMap | undefined;
  /** The METADATA frames of HTTP/2. */
  readonly metadata: readonly HeaderMap[];
  /** Whether the end of the stream has passed too. */
  readonly ended: boolean;
}

const NOTHING: Passed = { headers: undefined, body: new Uint8Array(), trailers: undefined, metadata: [], ended: false };

/** `stopped`: data still goes to the filter. `stoppedAll`: nothing does until the filter continues. */
type State = "running" | "stopped" | "stoppedAllBuffer" | "stoppedAllWatermark";

/**
 * One direction of an HTTP stream through one filter, as Envoy's filter manager runs it: it calls the filter, keeps what
 * the filter holds back, and passes on what the filter lets go.
 */
export class Flow {
  readonly #filter: FlowFilter;
  readonly #bufferLimit: number;
  readonly #onTooLarge: () => void;
  #state: State = "running";
  #headers: HeaderMap | undefined;
  #trailers: HeaderMap | undefined;
  #buffered: Body | undefined;
  #unseenMetadata: HeaderMap[] = [];
  #ended = false;
  #passed: Passed = NOTHING;
  #aborted = false;

  constructor(filter: FlowFilter, bufferLimit: number, onTooLarge: () => void) {
    this.#filter = filter;
    this.#bufferLimit = bufferLimit;
    this.#onTooLarge = onTooLarge;
  }

  get passed(): Passed {
    return this.#passed;
  }

  /** Whether the headers have arrived. */
  get begun(): boolean {
    return this.#headers !== undefined;
  }

  /** Whether everything has arrived. */
  get ended(): boolean {
    return this.#ended;
  }

  get headers(): HeaderMap | undefined {
    return this.#headers;
  }

  get trailers(): HeaderMap | undefined {
    return this.#trailers;
  }

  /** What the filter holds back of the body. */
  get buffered(): Body | undefined {
    return this.#buffered;
  }

  /** Whether something has arrived that the filter has not let pass. */
  get paused(): boolean {
    return this.#state !== "running" && !this.#aborted;
  }

  /** Nothing goes to the filter any more, because a local response has taken the place of what was to come. */
  abort(): void {
    this.#aborted = true;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  receiveHeaders(headers: HeaderMap, endOfStream: boolean): HeadersAction {
    this.#headers = headers;
    this.#ended = endOfStream;
    const action = this.#filter.headers(headers, endOfStream);
    if (this.#aborted) return action;
    switch (action) {
      case "Continue":
      case "ContinueAndEndStream":
        this.#passHeaders();
        break;
      case "StopIteration":
        this.#state = "stopped";
        break;
      case "StopAllIterationAndBuffer":
        this.#state = "stoppedAllBuffer";
        break;
      case "StopAllIterationAndWatermark":
        this.#state = "stoppedAllWatermark";
        break;
    }
    return action;
  }

  /** Undefined if the filter is not asked. */
  receiveData(chunk: Body, endOfStream: boolean): DataAction | undefined {
    this.#ended = endOfStream;
    if (this.#aborted) return undefined;
    if (this.#stoppedAll) {
      this.buffer(chunk, this.#state === "stoppedAllWatermark");
      return undefined;
    }
    return this.#offerData(chunk);
  }

  /** Undefined if the filter is not asked. */
  receiveTrailers(trailers: HeaderMap): TrailersAction | undefined {
    this.#trailers = trailers;
    this.#ended = true;
    if (this.#aborted || this.#stoppedAll) return undefined;
    return this.#offerTrailers(trailers);
  }

  /** Metadata waits only for headers that are held back. */
  receiveMetadata(metadata: HeaderMap): void {
    if (this.#aborted) return;
    if (this.#stoppedAll) this.#unseenMetadata.push(metadata);
    else this.#offerMetadata(metadata);
  }

  /** Lets go what the filter held back. Does nothing if the filter holds nothing back. */
  continue(): void {
    if (this.#aborted || this.#state === "running") return;
    // A filter that stopped everything has not seen what came since, and sees it now.
    const unseen = this.#stoppedAll;
    this.#state = "running";
    if (this.#passed.headers === undefined) this.#passHeaders();

    for (const metadata of this.#unseenMetadata.splice(0)) this.#offerMetadata(metadata);
    const buffered = this.#buffered;
    if (buffered !== undefined) {
      if (unseen) this.#offerData(buffered);
      else this.#passData(buffered);
    }
    const trailers = this.#trailers;
    if (trailers === undefined || this.aborted) return;
    if (unseen) this.#offerTrailers(trailers);
    else this.#pass({ trailers, ended: true });
  }

  /** Holds a part of the body back. `streaming` data may exceed the limit: Envoy then stops reading instead. */
  buffer(chunk: Body, streaming: boolean): void {
    this.#buffered ??= new Body();
    this.#buffered.moveFrom(chunk);
    if (!streaming && this.#buffered.length > this.#bufferLimit) this.#onTooLarge();
  }

  /** The filter adds trailers to a body that has ended without. */
  addTrailers(trailers: HeaderMap): HeaderMap {
    this.#trailers = trailers;
    return trailers;
  }

  /** What the other side sees is this and nothing else. */
  replace(passed: Passed): void {
    this.#aborted = true;
    this.#passed = passed;
  }

  get #stoppedAll(): boolean {
    return this.#state === "stoppedAllBuffer" || this.#state === "stoppedAllWatermark";
  }

  #offerData(chunk: Body): DataAction {
    const hadTrailers = this.#trailers !== undefined;
    const action = this.#filter.data(chunk, this.#ended && !hadTrailers);
    if (this.#aborted) return action;
    switch (action) {
      case "Continue":
        if (this.#state === "running") {
          this.#passData(chunk);
          // Trailers that the filter has just added are for those after it.
          if (!hadTrailers && this.#trailers !== undefined) this.#pass({ trailers: this.#trailers, ended: true });
        } else {
          this.buffer(chunk, true);
          this.continue();
        }
        break;
      case "StopIterationAndBuffer":
      case "StopIterationAndWatermark":
        this.#state = "stopped";
        this.buffer(chunk, action === "StopIterationAndWatermark");
        break;
      case "StopIterationNoBuffer":
        this.#state = "stopped";
        if (chunk !== this.#buffered) chunk.take();
        // When it continues after the last data, the end of the stream must pass even so.
        if (this.#ended) this.#buffered ??= new Body();
        break;
    }
    return action;
  }

  #offerTrailers(trailers: HeaderMap): TrailersAction {
    const action = this.#filter.trailers(trailers);
    if (this.#aborted) return action;
    if (action === "StopIteration") this.#state = "stopped";
    else if (this.#state === "running") this.#pass({ trailers, ended: true });
    else this.continue();
    return action;
  }

  #offerMetadata(metadata: HeaderMap): void {
    this.#filter.metadata(metadata);
    this.#pass({ metadata: [...this.#passed.metadata, metadata] });
  }

  #passHeaders(): void {
    // What the filter does to the headers from now on comes too late.
    this.#pass({
      headers: this.#headers?.copy(),
      ended: this.#ended && this.#buffered === undefined && this.#trailers === undefined,
    });
  }

  #passData(chunk: Body): void {
    this.#pass({ body: concat(this.#passed.body, chunk.take()), ended: this.#ended && this.#trailers === undefined });
  }

  #pass(part: Partial<Passed>): void {
    this.#passed = { ...this.#passed, ...part };
  }
}
