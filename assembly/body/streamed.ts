import { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus, Status } from "../abi/enums";
import { Buffer } from "../buffer";
import { Bytes } from "../bytes";
import { closeStream } from "../http/stream";
import { logError } from "../log";
import { BodyHandler, CONTENT_LENGTH } from "./handler";

/**
 * Changes a body as it passes, chunk by chunk. What a chunk ends with and belongs to what comes next, half a word say, is kept
 * back with `keep`.
 *
 *     class Redact extends StreamedBody {
 *       onChunk(chunk: Bytes, last: bool): Bytes | null {
 *         // Whole lines only.
 *         if (!last) this.keep(chunk.size - lastLineEnd(chunk));
 *         return redacted(this.passing(chunk));
 *       }
 *     }
 *
 * Where a body is followed by trailers, that is known only when they are there, and Envoy takes no body any more. Then the last
 * `onChunk` has the kept bytes alone, and has to answer no bytes: if there are some, the stream is reset rather than cut
 * short. With `holdForTrailers` the body is held until its end instead, as by `BufferedBody`; then nothing is lost.
 */
export abstract class StreamedBody extends BodyHandler {
  private rest: StaticArray<u8> = new StaticArray<u8>(0);
  private restSize: i32 = 0;
  private kept: i32 = 0;
  private chunkSize: i32 = 0;
  private isOver: bool = false;

  /**
   * @param maxKept The most bytes that `keep` keeps: a bound on the memory of a stream.
   * @param holdForTrailers Whether to hold the body until its end.
   */
  constructor(
    buffer: Buffer,
    private readonly maxKept: i32 = 16 * 1024,
    private readonly holdForTrailers: bool = false,
  ) {
    super(buffer);
  }

  /**
   * More of the body is there: what was kept, then what came. Answers what goes on, or null for `passing(chunk)` as it is.
   * @param last Whether the body ends here; nothing can be kept then.
   */
  abstract onChunk(chunk: Bytes, last: bool): Bytes | null;

  /**
   * From `onChunk`: leaves the last `count` bytes of the chunk for the next one. False when that is more than may be kept;
   * then nothing is.
   */
  protected keep(count: i32): bool {
    this.kept = count < 0 || count > this.maxKept ? 0 : min(count, this.chunkSize);
    return count <= this.maxKept;
  }

  /** The chunk without what is kept of it. */
  protected passing(chunk: Bytes): Bytes {
    return chunk.slice(0, chunk.size - this.kept);
  }

  onHeaders(endOfStream: bool): FilterHeadersStatus {
    if (endOfStream) this.isOver = true;
    else this.headers.removeName(CONTENT_LENGTH);
    return FilterHeadersStatus.Continue;
  }

  onBody(size: u32, endOfStream: bool): FilterDataStatus {
    if (this.isOver) return FilterDataStatus.Continue;
    if (this.holdForTrailers && !endOfStream) return FilterDataStatus.StopIterationAndBuffer;
    this.isOver = endOfStream;
    const came = this.buffer.read();
    this.pass(came === null ? Bytes.at(0, 0) : came, endOfStream);
    return FilterDataStatus.Continue;
  }

  onTrailers(): FilterTrailersStatus {
    if (this.isOver) return FilterTrailersStatus.Continue;
    this.isOver = true;
    const held = this.holdForTrailers ? this.buffer.read() : null;
    if (this.pass(held === null ? Bytes.at(0, 0) : held, true)) return FilterTrailersStatus.Continue;
    logError("a body that trailers follow was not whole before them: the stream is reset");
    closeStream();
    return FilterTrailersStatus.StopIteration;
  }

  /** Hands a chunk to the author and the answer to the host. False when the host does not take it. */
  private pass(came: Bytes, last: bool): bool {
    const chunk = this.restSize ? this.joined(came) : came;
    this.chunkSize = chunk.size;
    this.kept = 0;
    const answer = this.onChunk(chunk, last);
    if (last) this.kept = 0;
    const passing = answer === null ? this.passing(chunk) : answer;
    this.store(chunk);
    const isAsItCame = passing.pointer == came.pointer && passing.size == came.size;
    if (isAsItCame || (!passing.size && !came.size)) return true;
    return this.buffer.replace(passing) == Status.Ok;
  }

  private joined(came: Bytes): Bytes {
    const chunk = Bytes.allocate(this.restSize + came.size);
    memory.copy(chunk.pointer, changetype<usize>(this.rest), this.restSize);
    memory.copy(chunk.pointer + this.restSize, came.pointer, came.size);
    return chunk;
  }

  private store(chunk: Bytes): void {
    if (this.kept > this.rest.length) this.rest = new StaticArray<u8>(min(this.kept * 2, this.maxKept));
    memory.copy(changetype<usize>(this.rest), chunk.pointer + chunk.size - this.kept, this.kept);
    this.restSize = this.kept;
  }
}
