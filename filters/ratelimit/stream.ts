// A request's way through the filter.

import {
  Bytes,
  FilterHeadersStatus,
  HeaderName,
  HttpContext,
  requestHeaders,
  responseHeaders,
} from "proxy-wasm-assemblyscript-sdk";
import { beginRequest } from "../common/request";
import { Headers, Quota } from "./answer/quota-headers";
import { Refusal } from "./answer/refusal";
import { RateLimitConfig } from "./config";
import { Limiter } from "./limiter";
import { Verdict } from "./scopes/store";
import { InFlight, Settlement } from "./settlement";

/** What all streams of a plugin have in common. */
@final
export class Service {
  readonly inFlight: InFlight = new InFlight();
  readonly refusal: Refusal;
  readonly headers: Headers;
  readonly shadowHeader: HeaderName | null;
  readonly settles: bool;

  constructor(
    config: RateLimitConfig,
    readonly limiter: Limiter,
  ) {
    this.refusal = new Refusal(config.response, config.headers);
    this.headers = config.headers;
    this.shadowHeader = config.shadowHeader;
    this.settles = limiter.settles;
    const renewal = limiter.renewal;
    if (renewal) this.inFlight.start(renewal);
  }

  /** Whether nothing is to be remembered of a stream, so that one context can serve all. */
  get isStateless(): bool {
    return this.headers == Headers.None && !this.settles;
  }
}

export class RateLimitStream extends HttpContext {
  /** What the response is to tell. */
  private quota: Quota;
  private settlements: Settlement[] = [];

  constructor(private service: Service) {
    super();
    this.quota = new Quota(service.headers);
  }

  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    const service = this.service;
    beginRequest();
    const refusing = service.limiter.decide();
    if (refusing !== null) {
      service.refusal.send(refusing);
      return FilterHeadersStatus.StopIteration;
    }
    const shadowHeader = service.shadowHeader;
    if (shadowHeader !== null) this.tellUpstream(shadowHeader);
    if (service.headers != Headers.None) this.quota.remember(service.limiter.tightest, false);
    if (service.settles) this.open();
    return FilterHeadersStatus.Continue;
  }

  onResponseHeaders(endOfStream: bool): FilterHeadersStatus {
    const settlements = this.settlements;
    if (settlements.length) {
      const status = responseHeaders.status;
      for (let i = 0; i < settlements.length; ++i) settlements[i].chargeHeaders(status);
    }
    this.quota.setOnResponse();
    return FilterHeadersStatus.Continue;
  }

  /** A stream ends in this way whatever became of it. */
  onDelete(): void {
    const settlements = this.settlements;
    for (let i = 0; i < settlements.length; ++i) {
      settlements[i].chargeBody();
      this.service.inFlight.end(settlements[i]);
    }
  }

  /** A client's copy of the header is never taken over. */
  private tellUpstream(header: HeaderName): void {
    const names = this.service.limiter.shadowRefusals;
    if (names.length) requestHeaders.setBytes(header, Bytes.utf8(names));
    else requestHeaders.removeName(header);
  }

  private open(): void {
    const limits = this.service.limiter.limits;
    for (let i = 0; i < limits.length; ++i) {
      const limit = limits[i];
      if (limit.verdict != Verdict.Allowed) continue;
      if (!limit.rate.isHeld && limit.responseCost === null) continue;
      const settlement = new Settlement(limit);
      if (limit.rate.isHeld) this.service.inFlight.add(settlement);
      this.settlements.push(settlement);
    }
  }
}
