// One direction of a stream through the parts, as Envoy's filter manager runs it through filters.
//
// The bytes of a body that parts hold back stay in the host's buffer, which has at most three runs one after another:
//
//     passed   what all parts let go, and only waits for trailers that a part holds back
//     held     what parts hold back: as in Envoy, one buffer for all of them
//     chunk    what came in the present callback
//
// A part sees the last of them that concerns it, always up to the end of the buffer.

import {
  FilterDataStatus,
  FilterHeadersStatus,
  FilterTrailersStatus,
  BufferType,
  MapType,
  Status,
  StreamType,
} from "../abi/enums";
import { proxy_continue_stream, proxy_get_buffer_status, proxy_get_header_map_pairs } from "../abi/imports";
import { Buffer, requestBody, responseBody } from "../buffer";
import { Bytes } from "../bytes";
import { PartsStream } from "./stream";

// How a part stands, as bits of one byte.
// @ts-ignore: decorator
@inline const STOPPED: u8 = 1;
/** With STOPPED: nothing at all goes to the part until it continues. */
// @ts-ignore: decorator
@inline const STOPPED_ALL: u8 = 2;
/** It has the headers still. */
// @ts-ignore: decorator
@inline const HAS_HEADERS: u8 = 4;
/** It has seen the end of the stream. */
// @ts-ignore: decorator
@inline const ENDED: u8 = 8;
/** It is given the held bytes together with each chunk. */
// @ts-ignore: decorator
@inline const BUFFERING: u8 = 16;

const dataOut: usize = memory.data(4);
const sizeOut: usize = memory.data(4);


@final
export class Chain {
  /** A local response or a reset took the place of what was to come. */
  isAborted: bool = false;
  private begun: bool = false;
  /** By position in this direction. */
  private parts: StaticArray<u8>;
  private headersPassed: bool = true;
  private headersEnd: bool = false;
  private ended: bool = false;
  private hasTrailers: bool = false;
  private trailersPassed: bool = false;
  private passed: u32 = 0;
  private held: u32 = 0;
  private holds: bool = false;
  /** The first position whose part has not let go of what is held, and of the trailers; -1 for none. */
  private heldAt: i32 = -1;
  private trailersAt: i32 = -1;
  private chunk: u32 = 0;
  /** Whether a part looks at what came now; at what is held otherwise. */
  private seesChunk: bool = false;
  /** Whether a part's body callback runs. */
  private isInBody: bool = false;
  private hostIsStopped: bool = false;

  constructor(
    private stream: PartsStream,
    readonly isRequest: bool,
  ) {
    this.parts = new StaticArray<u8>(stream.count);
  }

  /** Whether the headers have come. */
  get hasBegun(): bool {
    return this.begun;
  }

  /** Number of bytes of the host's buffer that come before what the part of an index may see. */
  prefix(index: i32): u32 {
    const seesHeld = this.isInBody ? !this.seesChunk : this.holds && this.heldAt == this.positionOf(index);
    return seesHeld ? this.passed : this.passed + this.held;
  }

  /** Headers came and went as far as a position, whose part answered other than Continue, or intervened. */
  stopAtHeaders(position: i32, status: FilterHeadersStatus, end: bool): FilterHeadersStatus {
    this.begun = true;
    this.headersEnd = end;
    this.ended = end;
    this.headersPassed = false;
    if (this.afterHeaders(position, status)) this.offerHeaders(position + 1, end);
    return this.headersStatus();
  }

  private headersStatus(): FilterHeadersStatus {
    this.stream.runActions(this.isRequest);
    return this.letGo() ? FilterHeadersStatus.Continue : FilterHeadersStatus.StopIteration;
  }

  onBody(size: u32, end: bool): FilterDataStatus {
    if (this.isAborted) return FilterDataStatus.StopIterationNoBuffer;
    this.ended = end;
    const before = this.passed + this.held;
    this.chunk = size > before ? size - before : 0;
    this.offerData(0, true, end);
    this.stream.runActions(this.isRequest);
    if (this.letGo()) return FilterDataStatus.Continue;
    return this.holds || this.passed ? FilterDataStatus.StopIterationAndBuffer : FilterDataStatus.StopIterationNoBuffer;
  }

  onTrailers(): FilterTrailersStatus {
    if (this.isAborted) return FilterTrailersStatus.StopIteration;
    this.ended = true;
    // The host may show trailers that a part added.
    if (!this.hasTrailers) {
      this.hasTrailers = true;
      this.offerTrailers(0);
    }
    this.stream.runActions(this.isRequest);
    return this.letGo() ? FilterTrailersStatus.Continue : FilterTrailersStatus.StopIteration;
  }

  /** The part of an index continues what it stopped. */
  resume(index: i32): void {
    const position = this.positionOf(index);
    if (this.isAborted || !(unchecked(this.parts[position]) & STOPPED)) return;
    this.seesChunk = false;
    // It may have changed what is held since.
    if (this.holds) this.measure();
    this.continueFrom(position);
  }

  /** After `resume` outside of a callback of this direction: tells the host, when nothing is held any more. */
  resumeHost(): void {
    if (this.isAborted || !this.hostIsStopped || !this.letGo()) return;
    proxy_continue_stream(this.isRequest ? StreamType.HttpRequest : StreamType.HttpResponse);
  }

  /** Whether the host may let go of all that it has. */
  private letGo(): bool {
    const all = this.headersPassed && !this.holds && (!this.hasTrailers || this.trailersPassed) && !this.isAborted;
    this.hostIsStopped = !all;
    if (all) this.passed = 0;
    this.seesChunk = false;
    return all;
  }

  /** @returns Whether they go to the next part. */
  private afterHeaders(position: i32, status: FilterHeadersStatus): bool {
    if (this.isAborted) return false;
    if (status == FilterHeadersStatus.Continue) return true;
    const single = status == FilterHeadersStatus.StopIteration && this.stream.stopsHeadersAlone;
    this.add(position, HAS_HEADERS | STOPPED | (single ? 0 : STOPPED_ALL));
    return false;
  }

  private offerHeaders(from: i32, end: bool): void {
    const isRequest = this.isRequest;
    for (let position = from; position < this.parts.length; ++position) {
      const context = this.stream.enter(this.indexAt(position), isRequest);
      if (context === null) continue;
      const status = isRequest ? context.onRequestHeaders(end) : context.onResponseHeaders(end);
      if (!this.afterHeaders(position, status)) return;
    }
    this.headersPassed = true;
  }

  /** Offers what came, or what is held, to the parts from a position on. */
  private offerData(from: i32, isChunk: bool, end: bool): void {
    const hadTrailers = this.hasTrailers;
    let trailersFrom = -1;
    let position = from;
    for (; position < this.parts.length; ++position) {
      if (this.is(position, STOPPED_ALL)) {
        this.hold(position);
        break;
      }
      if (this.is(position, ENDED)) return;
      const last = end && !this.hasTrailers;
      if (last) this.add(position, ENDED);
      if (this.is(position, BUFFERING)) {
        this.hold(position);
        isChunk = false;
      }
      const status = this.callBody(position, isChunk, last);
      if (this.isAborted) return;
      if (last && !hadTrailers && this.trailersAreThere()) {
        this.hasTrailers = true;
        trailersFrom = position + 1;
      }
      if (status == FilterDataStatus.Continue && !this.is(position, STOPPED)) continue;
      this.afterData(position, status, isChunk);
      break;
    }
    if (position == this.parts.length) this.passData();
    // Trailers that a part added are for those after it.
    if (trailersFrom < 0 || this.isAborted) return;
    if (position >= trailersFrom || !this.is(position, STOPPED)) this.offerTrailers(trailersFrom);
    else this.trailersAt = position;
  }

  /** A part held data back, or lets go what it held. */
  private afterData(position: i32, status: FilterDataStatus, isChunk: bool): void {
    if (status == FilterDataStatus.StopIterationAndBuffer) this.add(position, BUFFERING);
    else this.remove(position, BUFFERING);
    if (status == FilterDataStatus.Continue) {
      this.hold(position);
      return this.continueFrom(position);
    }
    this.add(position, STOPPED);
    if (status != FilterDataStatus.StopIterationNoBuffer) this.hold(position);
    else if (isChunk) this.drop(position);
  }

  private passData(): void {
    this.passed += this.held + this.chunk;
    this.held = 0;
    this.chunk = 0;
    this.holds = false;
  }

  private callBody(position: i32, isChunk: bool, last: bool): FilterDataStatus {
    const context = this.stream.enter(this.indexAt(position), this.isRequest);
    if (context === null) return FilterDataStatus.Continue;
    this.seesChunk = isChunk;
    this.isInBody = true;
    const size = isChunk ? this.chunk : this.held;
    const changes = bodyChanges;
    const status = this.isRequest ? context.onRequestBody(size, last) : context.onResponseBody(size, last);
    if (changes != bodyChanges) this.measure();
    this.isInBody = false;
    return status;
  }

  /** A part changed the buffer: what it saw has another size now. */
  private measure(): void {
    const type = this.isRequest ? BufferType.HttpRequestBody : BufferType.HttpResponseBody;
    const there = proxy_get_buffer_status(type, sizeOut, dataOut) == Status.Ok;
    const total = there ? load<u32>(sizeOut) : 0;
    const before = this.seesChunk ? this.passed + this.held : this.passed;
    const size = total > before ? total - before : 0;
    if (this.seesChunk) this.chunk = size;
    else if (this.holds || size) {
      this.held = size;
      this.holds = true;
    }
  }

  private offerTrailers(from: i32): void {
    this.seesChunk = false;
    const isRequest = this.isRequest;
    for (let position = from; position < this.parts.length; ++position) {
      if (this.is(position, STOPPED_ALL)) {
        this.trailersAt = position;
        return;
      }
      const context = this.stream.enter(this.indexAt(position), isRequest);
      this.add(position, ENDED);
      this.trailersAt = position;
      if (context !== null) {
        const changes = bodyChanges;
        const status = isRequest ? context.onRequestTrailers() : context.onResponseTrailers();
        if (changes != bodyChanges) this.measure();
        if (this.isAborted) return;
        if (status != FilterTrailersStatus.Continue) return this.add(position, STOPPED);
      }
      if (this.is(position, STOPPED)) return this.continueFrom(position);
    }
    this.trailersAt = -1;
    this.trailersPassed = true;
  }

  private continueFrom(position: i32): void {
    const from = this.is(position, STOPPED_ALL) ? position : position + 1;
    const hadHeaders = this.is(position, HAS_HEADERS);
    this.remove(position, STOPPED | STOPPED_ALL | HAS_HEADERS);
    const hadTrailers = this.hasTrailers;
    const hasData = this.holds && this.heldAt == position;
    const hasTrailers = this.trailersAt == position;
    if (hasData) this.heldAt = this.parts.length;
    if (hadHeaders) this.offerHeaders(position + 1, this.ended && !this.holds && !hadTrailers);
    if (hasData && !this.isAborted) this.offerData(from, false, this.ended && !hadTrailers);
    if (hasTrailers && !this.isAborted) this.offerTrailers(from);
  }

  private hold(position: i32): void {
    this.heldAt = this.holds ? min(this.heldAt, position) : position;
    this.holds = true;
    this.held += this.chunk;
    this.chunk = 0;
    this.seesChunk = false;
  }

  /** Takes what came out of the buffer. */
  private drop(position: i32): void {
    this.seesChunk = true;
    this.isInBody = true;
    if (this.chunk) this.buffer.replace(Bytes.at(0, 0));
    this.isInBody = false;
    this.chunk = 0;
    this.seesChunk = false;
    // The end of the stream has to pass even so.
    if (this.ended && !this.hasTrailers) this.hold(position);
  }

  /** A part may add trailers to a body that ends without; the host has them then. */
  private trailersAreThere(): bool {
    const type = this.isRequest ? MapType.HttpRequestTrailers : MapType.HttpResponseTrailers;
    // Not by their size: asking for that would add them.
    return proxy_get_header_map_pairs(type, dataOut, sizeOut) == Status.Ok && load<u32>(sizeOut) > 4;
  }

  private get buffer(): Buffer {
    return this.isRequest ? requestBody : responseBody;
  }

  private positionOf(index: i32): i32 {
    return this.indexAt(index);
  }

  /** Position and index are each other's mirror image. */
  private indexAt(position: i32): i32 {
    return this.isRequest ? position : this.parts.length - 1 - position;
  }

  private is(position: i32, bits: u8): bool {
    return (unchecked(this.parts[position]) & bits) != 0;
  }

  private add(position: i32, bits: u8): void {
    unchecked((this.parts[position] |= bits));
  }

  private remove(position: i32, bits: u8): void {
    unchecked((this.parts[position] &= ~bits));
  }
}

/** How often bodies were changed. */
let bodyChanges: u32 = 0;

export function bodyChanged(): void {
  ++bodyChanges;
}
