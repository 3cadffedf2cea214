// A request's way through the filter.

import {
  Bytes,
  FilterHeadersStatus,
  HeaderName,
  HttpContext,
  Status,
  continueRequest,
  requestHeaders,
  responseHeaders,
  sendLocalResponse,
} from "proxy-wasm-assemblyscript-sdk";
import { beginRequest } from "../common/request";
import { Headers, Quota } from "./answer/quota-headers";
import { Refusal } from "./answer/refusal";
import { RateLimitConfig } from "./config";
import { RateLimitService, ServiceListener, ServiceVerdict } from "./fleet/rate-limit-service";
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
  /** Whether something is to be done for a request after its limits let it pass. */
  readonly settles: bool;
  /** Decides on limits that no worker decides alone. */
  remote: RateLimitService | null = null;

  constructor(
    config: RateLimitConfig,
    readonly limiter: Limiter,
  ) {
    this.refusal = new Refusal(config.response, config.headers);
    this.headers = config.headers;
    this.shadowHeader = config.shadowHeader;
    const service = config.service;
    this.settles = limiter.settles || service !== null;
    if (service !== null) this.remote = new RateLimitService(service, config.serviceLimits);
    const renewal = limiter.renewal;
    if (renewal) this.inFlight.start(renewal);
  }

  /** Whether nothing is to be remembered of a stream, so that one context can serve all. */
  get isStateless(): bool {
    return this.headers == Headers.None && !this.settles;
  }
}

export class RateLimitStream extends HttpContext implements ServiceListener {
  /** What the response is to tell. */
  private quota: Quota;
  private settlements: Settlement[] = [];
  /** What the service said that the request waited for. */
  private verdict: ServiceVerdict | null = null;

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
    if (service.headers != Headers.None) this.quota.remember(service.limiter.tightest);
    if (service.settles) this.open();
    const remote = service.remote;
    if (remote !== null && !service.limiter.isExempt) return this.ask(remote);
    service.limiter.countAllowed();
    return FilterHeadersStatus.Continue;
  }

  /** The service has answered. */
  decided(verdict: ServiceVerdict): void {
    const service = this.service;
    const remote = service.remote as RateLimitService;
    if (verdict.isOver) {
      remote.overLimit.increment();
      this.takeBack();
      service.refusal.sendForService(verdict, service.headers != Headers.None);
      return;
    }
    remote.ok.increment();
    this.keep();
    this.verdict = verdict;
    verdict.onRequest.addToRequest();
    continueRequest();
  }

  /** The service gave no answer. */
  failed(): void {
    const remote = this.service.remote as RateLimitService;
    remote.error.increment();
    if (remote.config.denies) {
      this.refuseForError(remote);
      return;
    }
    this.keep();
    continueRequest();
  }

  onResponseHeaders(endOfStream: bool): FilterHeadersStatus {
    const settlements = this.settlements;
    if (settlements.length) {
      const status = responseHeaders.status;
      for (let i = 0; i < settlements.length; ++i) settlements[i].chargeHeaders(status);
    }
    this.quota.setOnResponse();
    const verdict = this.verdict;
    if (verdict !== null) {
      if (this.service.headers != Headers.None) verdict.setQuotaOnResponse();
      verdict.onResponse.addToResponse();
    }
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

  private ask(remote: RateLimitService): FilterHeadersStatus {
    const status = remote.ask(this);
    if (status == Status.Ok) return FilterHeadersStatus.StopAllIterationAndWatermark;
    if (status != Status.NotFound) {
      remote.error.increment();
      if (remote.config.denies) {
        this.refuseForError(remote);
        return FilterHeadersStatus.StopIteration;
      }
    }
    this.keep();
    return FilterHeadersStatus.Continue;
  }

  /** The request passes: what it was charged stays. */
  private keep(): void {
    const settlements = this.settlements;
    for (let i = 0; i < settlements.length; ++i) settlements[i].countAllowed();
  }

  /** The service refuses: no limit keeps what it charged, none charges the refusal, and none tells of its quota. */
  private takeBack(): void {
    const settlements = this.settlements;
    for (let i = 0; i < settlements.length; ++i) {
      if (!this.service.inFlight.end(settlements[i])) settlements[i].giveBack();
    }
    this.settlements = [];
    this.quota.remember(null);
  }

  private refuseForError(remote: RateLimitService): void {
    this.takeBack();
    sendLocalResponse(remote.config.errorStatus, "", null, "ratelimit_service_error");
  }

  /** A client's copy of the header is never taken over. */
  private tellUpstream(header: HeaderName): void {
    const names = this.service.limiter.shadowRefusals;
    if (names.length) requestHeaders.setBytes(header, Bytes.utf8(names));
    else requestHeaders.removeName(header);
  }

  private open(): void {
    const limiter = this.service.limiter;
    const isUndecided = this.service.remote !== null;
    for (let i = 0; i < limiter.currentCount; ++i) {
      const limit = limiter.current[i];
      if (limit.verdict != Verdict.Allowed) continue;
      if (!limit.rate.isHeld && limit.responseCost === null && !isUndecided) continue;
      const settlement = new Settlement(limit);
      if (limit.rate.isHeld) this.service.inFlight.add(settlement);
      this.settlements.push(settlement);
    }
  }
}
