// Headers that tell a client its quota.

import { Bytes, HeaderList, HeaderName, decimal, responseHeaders } from "proxy-wasm-assemblyscript-sdk";
import { Limit } from "../limit";
import { Rate } from "../rate";

/** Which headers responses carry. */
export enum Headers {
  /** `x-ratelimit-limit`, `-remaining` and `-reset`. */
  XRateLimit,
  /** `ratelimit-policy` and `ratelimit` (draft-ietf-httpapi-ratelimit-headers-10). */
  RateLimit,
  /** All of them. */
  Both,
  None,
}

/** The kinds as the configuration names them, in their order. */
export const HEADERS: string[] = ["x-ratelimit", "ratelimit", "both", "none"];

const X_LIMIT: HeaderName = new HeaderName("x-ratelimit-limit");
const X_REMAINING: HeaderName = new HeaderName("x-ratelimit-remaining");
const X_RESET: HeaderName = new HeaderName("x-ratelimit-reset");
const POLICY: HeaderName = new HeaderName("ratelimit-policy");
const RATE_LIMIT: HeaderName = new HeaderName("ratelimit");

/** What one limit left of a client's quota when it looked. */
@final
export class Quota {
  /** Null where no limit was for the request. */
  private limit: Limit | null = null;
  private rate: Rate | null = null;
  private remaining: u64 = 0;
  /** In seconds. */
  private reset: u64 = 0;

  constructor(private kind: Headers) {}

  /** @param limit One that has looked at the current request; null to tell of none. */
  remember(limit: Limit | null): void {
    this.limit = limit;
    if (limit === null) return;
    this.rate = limit.rate;
    this.remaining = limit.store.remaining;
    this.reset = limit.store.secondsUntilUnused;
  }

  /** Sets the headers of the response that comes from the upstream. */
  setOnResponse(): void {
    const limit = this.limit;
    const rate = this.rate;
    if (limit === null || rate === null) return;
    if (this.hasOld) {
      responseHeaders.setBytes(X_LIMIT, decimal(rate.quota));
      responseHeaders.setBytes(X_REMAINING, decimal(this.remaining));
      responseHeaders.setBytes(X_RESET, decimal(this.reset));
    }
    if (this.hasNew) {
      responseHeaders.setBytes(POLICY, Bytes.of(rate.policy));
      responseHeaders.setBytes(RATE_LIMIT, this.item(limit));
    }
  }

  /** Adds the headers to those of a refusal. */
  addTo(headers: HeaderList): void {
    const limit = this.limit;
    const rate = this.rate;
    if (limit === null || rate === null) return;
    if (this.hasOld) {
      headers.addBytes(X_LIMIT.name, decimal(rate.quota));
      headers.addBytes(X_REMAINING.name, decimal(this.remaining));
      headers.addBytes(X_RESET.name, decimal(this.reset));
    }
    if (this.hasNew) {
      headers.addBytes(POLICY.name, Bytes.of(rate.policy));
      headers.addBytes(RATE_LIMIT.name, this.item(limit));
    }
  }

  private get hasOld(): bool {
    return this.kind == Headers.XRateLimit || this.kind == Headers.Both;
  }

  private get hasNew(): bool {
    return this.kind == Headers.RateLimit || this.kind == Headers.Both;
  }

  private item(limit: Limit): Bytes {
    return Bytes.utf8(`"${limit.name}";r=${this.remaining};t=${this.reset}`);
  }
}
