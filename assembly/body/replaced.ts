import { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from "../abi/enums";
import { Buffer } from "../buffer";
import { Bytes } from "../bytes";
import { BodyHandler, CONTENT_LENGTH } from "./handler";

/** Puts another body in place of the one that comes, of which nothing is held. */
@final
export class ReplacedBody extends BodyHandler {
  private isPut: bool = false;

  /** @param body What goes on. It is read when the first bytes come, and can serve all streams. */
  constructor(
    buffer: Buffer,
    private readonly body: Uint8Array,
  ) {
    super(buffer);
  }

  onHeaders(endOfStream: bool): FilterHeadersStatus {
    if (!endOfStream) this.headers.removeName(CONTENT_LENGTH);
    return FilterHeadersStatus.Continue;
  }

  onBody(size: u32, endOfStream: bool): FilterDataStatus {
    this.buffer.replace(this.isPut ? Bytes.at(0, 0) : Bytes.of(this.body));
    this.isPut = true;
    return FilterDataStatus.Continue;
  }

  onTrailers(): FilterTrailersStatus {
    return FilterTrailersStatus.Continue;
  }
}
