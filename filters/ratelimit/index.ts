// ratelimit: how often. README.md is its reference.

import {
  Bytes,
  HttpContext,
  RootContext,
  currentTimeNanoseconds,
  hash64,
  registerRootContext,
} from "proxy-wasm-assemblyscript-sdk";
import { RateLimitConfig } from "./config";
import { Limiter } from "./limiter";
import { sharedSeed } from "./scopes/shared-storage";
import { RateLimitStream, Service } from "./stream";

class RateLimit extends RootContext {
  private service: Service | null = null;

  onConfigure(configuration: Bytes): bool {
    const config = RateLimitConfig.read(configuration);
    if (config === null) return false;
    const seed = sharedSeed(hash64(Bytes.utf8(currentTimeNanoseconds().toString())));
    const service = new Service(config, new Limiter(config, seed));
    this.service = service;
    this.sharedHttpContext = service.isStateless ? new RateLimitStream(service) : null;
    return true;
  }

  createHttpContext(): HttpContext | null {
    const service = this.service;
    return service === null ? null : new RateLimitStream(service);
  }
}

registerRootContext("ratelimit", () => new RateLimit());
