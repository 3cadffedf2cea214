// Rate limits by token buckets that all workers of an Envoy share. README.md describes the configuration.

import {
  Bytes,
  FilterHeadersStatus,
  HeaderList,
  HeaderName,
  HttpContext,
  RootContext,
  currentTimeNanoseconds,
  decimal,
  hash64,
  registerRootContext,
  responseHeaders,
  sendLocalResponseBytes,
} from "proxy-wasm-assemblyscript-sdk";
import { beginRequest } from "../common/request";
import { sharedSeed } from "./bucket-store";
import { RateLimitConfig } from "./config";
import { Limit } from "./limit";
import { Limiter } from "./limiter";

const LIMIT: HeaderName = new HeaderName("x-ratelimit-limit");
const REMAINING: HeaderName = new HeaderName("x-ratelimit-remaining");
const RESET: HeaderName = new HeaderName("x-ratelimit-reset");

class RateLimit extends RootContext {
  limiter: Limiter = new Limiter([], 0);
  headers: bool = false;
  private status: u32 = 429;
  private body: Uint8Array = new Uint8Array(0);

  onConfigure(configuration: Bytes): bool {
    const config = RateLimitConfig.read(configuration);
    if (config === null) return false;
    this.limiter = new Limiter(config.limits, sharedSeed(hash64(Bytes.utf8(currentTimeNanoseconds().toString()))));
    this.headers = config.headers;
    this.status = config.status;
    this.body = Bytes.utf8(config.body).copy();
    // Without headers on responses nothing is to be remembered of a stream.
    this.sharedHttpContext = config.headers ? null : new RateLimitStream(this);
    return true;
  }

  createHttpContext(): HttpContext | null {
    return new RateLimitStream(this);
  }

  refuse(limit: Limit): void {
    const bucket = limit.bucket;
    const headers = new HeaderList();
    headers.addBytes("retry-after", decimal(max<u64>(bucket.secondsUntilToken(limit.spent), 1)));
    if (this.headers) {
      headers.addBytes(LIMIT.name, decimal(bucket.maxTokens));
      headers.addBytes(REMAINING.name, decimal(0));
      headers.addBytes(RESET.name, decimal(bucket.secondsUntilFull(limit.spent)));
    }
    sendLocalResponseBytes(this.status, Bytes.of(this.body), headers, `ratelimit_${limit.name}`);
  }
}

class RateLimitStream extends HttpContext {
  /** What the response is to tell; nothing when `limit` is 0. */
  private limit: u64 = 0;
  private remaining: u64 = 0;
  private reset: u64 = 0;

  constructor(private root: RateLimit) {
    super();
  }

  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    const root = this.root;
    beginRequest();
    const refusing = root.limiter.decide();
    if (refusing !== null) {
      root.refuse(refusing);
      return FilterHeadersStatus.StopIteration;
    }
    if (root.headers) this.remember(root.limiter.tightest);
    return FilterHeadersStatus.Continue;
  }

  onResponseHeaders(endOfStream: bool): FilterHeadersStatus {
    if (this.limit) {
      responseHeaders.setBytes(LIMIT, decimal(this.limit));
      responseHeaders.setBytes(REMAINING, decimal(this.remaining));
      responseHeaders.setBytes(RESET, decimal(this.reset));
    }
    return FilterHeadersStatus.Continue;
  }

  private remember(limit: Limit | null): void {
    if (limit === null) return;
    this.limit = limit.bucket.maxTokens;
    this.remaining = limit.bucket.remaining(limit.spent);
    this.reset = limit.bucket.secondsUntilFull(limit.spent);
  }
}

registerRootContext("ratelimit", () => new RateLimit());
