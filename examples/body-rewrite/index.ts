import {
  BodyHandler,
  BufferedBody,
  ByteWriter,
  Bytes,
  Config,
  FilterDataStatus,
  FilterHeadersStatus,
  FilterTrailersStatus,
  HeaderName,
  HttpContext,
  RootContext,
  StreamedBody,
  registerRootContext,
  requestHeaders,
  responseBody,
  responseHeaders,
} from "proxy-wasm-assemblyscript-sdk";
import { Replacement } from "./replacement";

const ACCEPT_ENCODING = new HeaderName("accept-encoding");
const CONTENT_TYPE = new HeaderName("content-type");
const MAX_FULL_BODY: u32 = 256 * 1024;
/** Its memory is used again by every body. */
const out = new ByteWriter(16 * 1024);

/** Rewrites a body when all of it is there. */
class FullBody extends BufferedBody {
  constructor(private replacement: Replacement) {
    super(responseBody, MAX_FULL_BODY);
  }

  onComplete(body: Bytes): Bytes | null {
    this.replacement.write(body, true, out.clear());
    return out.bytes;
  }
}

/** Rewrites a body as it passes, and holds nothing of it but what may be the beginning of a hit. */
class PassingBody extends StreamedBody {
  constructor(private replacement: Replacement) {
    super(responseBody);
  }

  onChunk(chunk: Bytes, last: bool): Bytes | null {
    this.keep(this.replacement.write(chunk, last, out.clear()));
    return out.bytes;
  }
}

class BodyRewrite extends RootContext {
  private isStreaming: bool = true;
  private replacement: Replacement = new Replacement("a", "a");

  onConfigure(configuration: Bytes): bool {
    const config = new Config(configuration);
    this.isStreaming = config.root.oneOfOr("mode", ["full", "streaming"], 1) == 1;
    this.replacement = new Replacement(config.root.string("find"), config.root.stringOr("replace", ""));
    return config.accept();
  }

  createHttpContext(): HttpContext | null {
    if (this.isStreaming) return new BodyRewriteStream(new PassingBody(this.replacement));
    return new BodyRewriteStream(new FullBody(this.replacement));
  }
}

class BodyRewriteStream extends HttpContext {
  private isText: bool = false;

  constructor(private body: BodyHandler) {
    super();
  }

  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    // A compressed body could not be read.
    requestHeaders.removeName(ACCEPT_ENCODING);
    return FilterHeadersStatus.Continue;
  }

  onResponseHeaders(endOfStream: bool): FilterHeadersStatus {
    const type = responseHeaders.find(CONTENT_TYPE);
    this.isText = type !== null && type.startsWith("text/");
    return this.isText ? this.body.onHeaders(endOfStream) : FilterHeadersStatus.Continue;
  }

  onResponseBody(size: u32, endOfStream: bool): FilterDataStatus {
    return this.isText ? this.body.onBody(size, endOfStream) : FilterDataStatus.Continue;
  }

  onResponseTrailers(): FilterTrailersStatus {
    return this.isText ? this.body.onTrailers() : FilterTrailersStatus.Continue;
  }
}

registerRootContext("body-rewrite", () => new BodyRewrite());
