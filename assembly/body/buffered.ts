import { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus, Status } from "../abi/enums";
import { Buffer } from "../buffer";
import { Bytes } from "../bytes";
import { continueRequest, continueResponse, sendLocalResponse } from "../http/stream";
import { logWarn } from "../log";
import { BodyHandler, CONTENT_LENGTH } from "./handler";

enum State {
  Collecting,
  /** `onComplete` took place, and asked for time. */
  Held,
  /** Nothing more is to be done. */
  Over,
}

/**
 * Holds a body until all of it is there.
 *
 *     class Shout extends BufferedBody {
 *       constructor(buffer: Buffer) {
 *         super(buffer, 64 * 1024);
 *       }
 *
 *       onComplete(body: Bytes): Bytes | null {
 *         return Bytes.utf8(body.toString().toUpperCase());
 *       }
 *     }
 *
 * Envoy holds the bytes, within its own limit (`per_connection_buffer_limit_bytes`, 1 MiB unless set), past which it answers 413
 * or 500 by itself. A limit below that makes the filter decide.
 */
export abstract class BufferedBody extends BodyHandler {
  /**
   * Whether the headers wait for the body, so that the new length can be announced and the answer to a too large response is a
   * whole one. Needs `allow_on_headers_stop_iteration: true` in the plugin's configuration in Envoy: without that, Envoy keeps
   * the body back as well, and the stream stands still. Set it in the constructor.
   */
  protected holdHeaders: bool = false;

  private state: State = State.Collecting;
  private hasTrailers: bool = false;

  /**
   * @param limit The most bytes that the body may have.
   * @param readOnly Whether `onComplete` leaves the body as it is; `content-length` then stays.
   */
  constructor(
    buffer: Buffer,
    private readonly limit: u32,
    private readonly readOnly: bool = false,
  ) {
    super(buffer);
  }

  /**
   * All of the body is there. Answers what goes on in its place, or null to let it go on as it is.
   * Not called for a message that ends with its headers. After trailers without a body, the body is empty and stays so.
   */
  abstract onComplete(body: Bytes): Bytes | null;

  /**
   * The body has more than `limit` bytes: known from `content-length` before the body comes, or when that many have come.
   * True lets it pass as it is. False stops it, after `sendLocalResponse` or `closeStream`; as it stands, a request is
   * answered with 413. A response gives way to a 500, if Envoy has not sent its headers yet; else the stream is reset.
   */
  onTooLarge(): bool {
    if (this.isRequest) sendLocalResponse(413, "Payload Too Large", null, "request_body_over_limit");
    else sendLocalResponse(500, "Internal Server Error", null, "response_body_over_limit");
    return false;
  }

  /** From `onComplete`: holds the message on, with what it answers still in place, until `resume`. For a callout, say. */
  protected hold(): void {
    this.state = State.Held;
  }

  /**
   * Goes on with a message that `hold` holds, from any callback with the stream's context in effect.
   * @param body What goes on in place of the body, or null to leave it.
   */
  resume(body: Bytes | null = null): Status {
    if (this.state != State.Held) return Status.BadArgument;
    this.state = State.Over;
    if (body !== null) this.replace(body);
    return this.isRequest ? continueRequest() : continueResponse();
  }

  onHeaders(endOfStream: bool): FilterHeadersStatus {
    if (this.state != State.Collecting) return FilterHeadersStatus.Continue;
    if (endOfStream) {
      this.state = State.Over;
      return FilterHeadersStatus.Continue;
    }
    const length = this.headers.find(CONTENT_LENGTH);
    if (length !== null && isMore(length, this.limit)) {
      this.state = State.Over;
      return this.onTooLarge() ? FilterHeadersStatus.Continue : FilterHeadersStatus.StopIteration;
    }
    if (this.holdHeaders) return FilterHeadersStatus.StopIteration;
    // Once the body is there, the headers are gone: without a length, the end of the body says how long it is.
    if (!this.readOnly && length !== null) this.headers.removeName(CONTENT_LENGTH);
    return FilterHeadersStatus.Continue;
  }

  onBody(size: u32, endOfStream: bool): FilterDataStatus {
    if (this.state == State.Held) return FilterDataStatus.StopIterationAndBuffer;
    if (this.state == State.Over) return FilterDataStatus.Continue;
    if (size > this.limit) {
      this.state = State.Over;
      return this.onTooLarge() ? FilterDataStatus.Continue : FilterDataStatus.StopIterationNoBuffer;
    }
    if (!endOfStream) return FilterDataStatus.StopIterationAndBuffer;
    return this.complete() ? FilterDataStatus.Continue : FilterDataStatus.StopIterationAndBuffer;
  }

  onTrailers(): FilterTrailersStatus {
    if (this.state == State.Held) return FilterTrailersStatus.StopIteration;
    if (this.state == State.Over) return FilterTrailersStatus.Continue;
    this.hasTrailers = true;
    return this.complete() ? FilterTrailersStatus.Continue : FilterTrailersStatus.StopIteration;
  }

  /** Whether the message goes on now. */
  private complete(): bool {
    this.state = State.Over;
    const body = this.buffer.read();
    const changed = this.onComplete(body === null ? Bytes.at(0, 0) : body);
    if (changed !== null) this.replace(changed);
    // `onComplete` may have set it anew.
    return this.state != <State>State.Held;
  }

  private replace(body: Bytes): void {
    if (this.readOnly) return;
    if (this.buffer.replace(body) != Status.Ok) {
      logWarn("the body could not be replaced: the message has none");
      return;
    }
    if (!this.holdHeaders) return;
    if (this.hasTrailers) this.headers.removeName(CONTENT_LENGTH);
    else this.headers.setBytes(CONTENT_LENGTH, Bytes.utf8(body.size.toString()));
  }
}

/** Whether digits tell a number above `limit`; false for what is no number, which Envoy refuses before filters see it. */
function isMore(digits: Bytes, limit: u32): bool {
  let value: u64 = 0;
  for (let i = 0; i < digits.size; ++i) {
    const digit = <u32>load<u8>(digits.pointer + i) - 0x30;
    if (digit > 9) return false;
    value = value * 10 + digit;
    if (value > limit) return true;
  }
  return false;
}
