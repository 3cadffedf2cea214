import {
  Bytes,
  Config,
  FilterDataStatus,
  FilterHeadersStatus,
  FilterTrailersStatus,
  HeaderList,
  HeaderMap,
  HttpContext,
  LruCache,
  RootContext,
  currentTimeSeconds,
  randomU64,
  registerRootContext,
  requestHeaders,
  responseHeaders,
  sendLocalResponseBytes,
} from "proxy-wasm-assemblyscript-sdk";
import { Answer, KeptBody } from "./answer";
import { freshSeconds, isCacheable } from "./freshness";

/** One cache on each worker, of bounded size. */
class ResponseCache extends RootContext {
  private cache: LruCache<Answer> = new LruCache<Answer>(0, 0);

  onConfigure(configuration: Bytes): bool {
    const config = new Config(configuration);
    const entries = config.root.integerOr("maxEntries", 1, 1_000_000, 1000);
    const bytes = config.root.integerOr("maxBytes", 1024, 1 << 30, 4 << 20);
    // A seed that clients do not know: they choose the keys.
    this.cache = new LruCache<Answer>(<i32>entries, bytes, randomU64());
    return config.accept();
  }

  createHttpContext(): HttpContext | null {
    return new CachedStream(this.cache);
  }
}

class CachedStream extends HttpContext {
  /** Keeps the answer of the upstream; null while there is nothing to keep. */
  private kept: KeptBody | null = null;
  private key: string = "";

  constructor(private cache: LruCache<Answer>) {
    super();
  }

  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    if (!endOfStream || !isCacheable(requestHeaders)) return FilterHeadersStatus.Continue;
    const key = keyOf(requestHeaders);
    if (!key.length) return FilterHeadersStatus.Continue;
    const answer = this.cache.get(Bytes.utf8(key));
    const now = <i64>currentTimeSeconds();
    if (answer === null || now >= answer.until) {
      this.key = key;
      return FilterHeadersStatus.Continue;
    }
    const headers = new HeaderList().add("x-cache", "hit").add("age", (now - answer.since).toString());
    if (answer.type.length) headers.add("content-type", answer.type);
    sendLocalResponseBytes(200, Bytes.of(answer.body), headers, "response_cache.hit");
    return FilterHeadersStatus.StopIteration;
  }

  onResponseHeaders(endOfStream: bool): FilterHeadersStatus {
    // Empty for what is not to be kept, a local response from the cache included.
    if (!this.key.length || endOfStream || responseHeaders.get(":status") != "200") return FilterHeadersStatus.Continue;
    const seconds = freshSeconds(responseHeaders);
    if (seconds == 0) return FilterHeadersStatus.Continue;
    const type = responseHeaders.get("content-type");
    const now = <i64>currentTimeSeconds();
    const kept = new KeptBody(this.cache, this.key, new Answer(type === null ? "" : type, now, now + seconds));
    this.kept = kept;
    return kept.onHeaders(endOfStream);
  }

  onResponseBody(size: u32, endOfStream: bool): FilterDataStatus {
    const kept = this.kept;
    return kept === null ? FilterDataStatus.Continue : kept.onBody(size, endOfStream);
  }

  onResponseTrailers(): FilterTrailersStatus {
    const kept = this.kept;
    return kept === null ? FilterTrailersStatus.Continue : kept.onTrailers();
  }
}

/** Empty for a request without a host, which Envoy refuses by itself. */
function keyOf(request: HeaderMap): string {
  const authority = request.get(":authority");
  const path = request.get(":path");
  return authority === null || path === null ? "" : `${authority} ${path}`;
}

registerRootContext("response-cache", () => new ResponseCache());
