// Rate limits by token buckets that all workers of an Envoy share. README.md describes the configuration.

import {
  Bytes,
  FilterHeadersStatus,
  HttpContext,
  RootContext,
  currentTimeNanoseconds,
  hash64,
  registerRootContext,
} from "proxy-wasm-assemblyscript-sdk";
import { beginRequest } from "../common/request";
import { sharedSeed } from "./bucket-store";
import { RateLimitConfig } from "./config";
import { Limit } from "./limit";
import { Limiter } from "./limiter";
import { Headers, Quota } from "./quota-headers";
import { Refusal } from "./refusal";

class RateLimit extends RootContext {
  limiter: Limiter = new Limiter([], 0);
  headers: Headers = Headers.None;
  private refusal: Refusal = new Refusal(429, "", false, Headers.None);

  onConfigure(configuration: Bytes): bool {
    const config = RateLimitConfig.read(configuration);
    if (config === null) return false;
    this.limiter = new Limiter(config.limits, sharedSeed(hash64(Bytes.utf8(currentTimeNanoseconds().toString()))));
    this.headers = config.headers;
    this.refusal = new Refusal(config.status, config.body, config.json, config.headers);
    // Without headers on responses nothing is to be remembered of a stream.
    this.sharedHttpContext = config.headers == Headers.None ? new RateLimitStream(this) : null;
    return true;
  }

  createHttpContext(): HttpContext | null {
    return new RateLimitStream(this);
  }

  refuse(limit: Limit): void {
    this.refusal.send(limit);
  }
}

class RateLimitStream extends HttpContext {
  /** What the response is to tell. */
  private quota: Quota;

  constructor(private root: RateLimit) {
    super();
    this.quota = new Quota(root.headers);
  }

  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    const root = this.root;
    beginRequest();
    const refusing = root.limiter.decide();
    if (refusing !== null) {
      root.refuse(refusing);
      return FilterHeadersStatus.StopIteration;
    }
    if (root.headers != Headers.None) this.quota.remember(root.limiter.tightest, false);
    return FilterHeadersStatus.Continue;
  }

  onResponseHeaders(endOfStream: bool): FilterHeadersStatus {
    this.quota.setOnResponse();
    return FilterHeadersStatus.Continue;
  }
}

registerRootContext("ratelimit", () => new RateLimit());
