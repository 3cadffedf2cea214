// A stream of a composed plugin.

import { FilterDataStatus, FilterHeadersStatus, FilterMetadataStatus, FilterTrailersStatus } from "../abi/enums";
import { HttpContext } from "../context";
import { adoptStream } from "../runtime/exports";
import { setCurrentRoot } from "../runtime/scope";
import { takeActions } from "./actions";
import { Chain } from "./chain";
import { Composition } from "./composition";
import { Part } from "./part";
import { interventions } from "./running";

/**
 * The parts' contexts of a stream. Where every part has one that serves all streams, one of these serves all streams too, until a part
 * does other than let headers pass: from then on that stream has its own.
 */
@final
export class PartsStream extends HttpContext {
  private request: Chain | null = null;
  private response: Chain | null = null;
  /** Number of parts that have seen the request: those after them have no part in the stream. */
  private started: i32 = 0;
  private responseHasBegun: bool = false;

  constructor(
    private composition: Composition,
    private parts: StaticArray<Part>,
    private contexts: StaticArray<HttpContext | null>,
    private isShared: bool,
  ) {
    super();
    if (isShared) this.started = parts.length;
  }

  get count(): i32 {
    return this.parts.length;
  }

  /** Whether `StopIteration` of headers lets the body come, as `allow_on_headers_stop_iteration` in Envoy. */
  get stopsHeadersAlone(): bool {
    return this.composition.allowOnHeadersStopIteration;
  }

  /** The context of a part, which becomes the running one; null when the part has nothing to do with the stream. */
  enter(index: i32, beginsRequest: bool): HttpContext | null {
    if (index >= this.started) {
      if (!beginsRequest) return null;
      this.started = index + 1;
    }
    const context = unchecked(this.contexts[index]);
    if (context === null) return null;
    context.id = this.id;
    setCurrentRoot(unchecked(this.parts[index]).root);
    return context;
  }

  /** This stream, as one that has a state of its own. */
  private own(): PartsStream {
    if (!this.isShared) return this;
    const stream = new PartsStream(this.composition, this.parts, this.contexts, false);
    stream.id = this.id;
    stream.started = this.parts.length;
    adoptStream(this.id, this.composition, stream);
    return stream;
  }

  private requestChain(): Chain {
    const chain = this.request;
    if (chain !== null) return chain;
    const fresh = new Chain(this, true);
    this.request = fresh;
    return fresh;
  }

  private responseChain(): Chain {
    const chain = this.response;
    if (chain !== null) return chain;
    const fresh = new Chain(this, false);
    this.response = fresh;
    return fresh;
  }

  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    const before = interventions;
    for (let i = 0; i < this.parts.length; ++i) {
      const context = this.enter(i, true);
      if (context === null) continue;
      const status = context.onRequestHeaders(endOfStream);
      if (status == FilterHeadersStatus.Continue && before == interventions) continue;
      const stream = this.own();
      stream.started = i + 1;
      if (before != interventions) stream.abort();
      return stream.requestChain().stopAtHeaders(i, status, endOfStream);
    }
    return FilterHeadersStatus.Continue;
  }

  onRequestBody(size: u32, endOfStream: bool): FilterDataStatus {
    return this.own().requestChain().onBody(size, endOfStream);
  }

  onRequestTrailers(): FilterTrailersStatus {
    return this.own().requestChain().onTrailers();
  }

  onRequestMetadata(count: u32): FilterMetadataStatus {
    for (let i = 0; i < this.parts.length; ++i) {
      const context = this.enter(i, false);
      if (context !== null) context.onRequestMetadata(count);
    }
    return FilterMetadataStatus.Continue;
  }

  onResponseHeaders(endOfStream: bool): FilterHeadersStatus {
    if (!this.isShared) this.responseHasBegun = true;
    const before = interventions;
    const last = this.parts.length - 1;
    for (let i = last; i >= 0; --i) {
      const context = this.enter(i, false);
      if (context === null) continue;
      const status = context.onResponseHeaders(endOfStream);
      if (status == FilterHeadersStatus.Continue && before == interventions) continue;
      const stream = this.own();
      stream.responseHasBegun = true;
      if (before != interventions) stream.abort();
      return stream.responseChain().stopAtHeaders(last - i, status, endOfStream);
    }
    return FilterHeadersStatus.Continue;
  }

  onResponseBody(size: u32, endOfStream: bool): FilterDataStatus {
    const stream = this.own();
    stream.responseHasBegun = true;
    return stream.responseChain().onBody(size, endOfStream);
  }

  onResponseTrailers(): FilterTrailersStatus {
    const stream = this.own();
    stream.responseHasBegun = true;
    return stream.responseChain().onTrailers();
  }

  onResponseMetadata(count: u32): FilterMetadataStatus {
    for (let i = this.parts.length - 1; i >= 0; --i) {
      const context = this.enter(i, false);
      if (context !== null) context.onResponseMetadata(count);
    }
    return FilterMetadataStatus.Continue;
  }

  onLog(): void {
    for (let i = 0; i < this.parts.length; ++i) {
      const context = this.any(i);
      if (context !== null) context.onLog();
    }
  }

  onDone(): void {
    for (let i = 0; i < this.parts.length; ++i) {
      const context = this.any(i);
      if (context !== null) context.onDone();
    }
  }

  onDelete(): void {
    for (let i = 0; i < this.parts.length; ++i) {
      const context = this.any(i);
      if (context !== null) context.onDelete();
    }
  }

  /** The context of a part, whether it has seen the request or not. */
  private any(index: i32): HttpContext | null {
    const context = unchecked(this.contexts[index]);
    if (context === null) return null;
    context.id = this.id;
    setCurrentRoot(unchecked(this.parts[index]).root);
    return context;
  }

  /** A part asked for a local response or a reset: nothing more of what was under way comes to parts. */
  abort(): void {
    this.requestChain().isAborted = true;
    // A response that had not begun is still to come: the local one.
    if (this.responseHasBegun) this.responseChain().isAborted = true;
  }

  resume(isRequest: bool, index: i32): void {
    const chain = isRequest ? this.request : this.response;
    if (chain !== null) chain.resume(index);
  }

  resumeHost(isRequest: bool): void {
    const chain = isRequest ? this.request : this.response;
    if (chain !== null) chain.resumeHost();
  }

  /** Does what parts asked for in the callback of this stream and direction that runs now. */
  runActions(isRequest: bool): void {
    takeActions(this, isRequest);
  }

  /** See `Chain.prefix`. */
  bodyPrefix(isRequest: bool, index: i32): u32 {
    const chain = isRequest ? this.request : this.response;
    return chain === null ? 0 : chain.prefix(index);
  }
}
