// The scope `service`: limits that a service decides on, asked for each request: envoy.service.ratelimit.v3.RateLimitService.

import {
  Bytes,
  Counter,
  GrpcMethod,
  GrpcReply,
  GrpcService,
  GrpcStatus,
  HeaderList,
  HeaderName,
  ProtobufReader,
  ProtobufWriter,
  Status,
  decimal,
  requestHeaders,
  responseHeaders,
} from "proxy-wasm-assemblyscript-sdk";
import { MatchList } from "../../common/match-list";
import { RequestMatch } from "../../common/request-match";
import { LimitConfig } from "../limit-config";
import { ServiceConfig } from "./service-config";
import { toldValue } from "./told-value";
import { readDuration } from "./strategy";

const X_LIMIT: HeaderName = new HeaderName("x-ratelimit-limit");
const X_REMAINING: HeaderName = new HeaderName("x-ratelimit-remaining");
const X_RESET: HeaderName = new HeaderName("x-ratelimit-reset");

/** As the service has it. */
// @ts-ignore: decorator
@inline const OVER_LIMIT: u64 = 2;

/** A header name that a service may set: a token, and no pseudo-header. */
function isHeaderName(name: Bytes): bool {
  if (!name.size) return false;
  for (let i = 0; i < name.size; ++i) {
    const byte = name[i];
    if (byte <= 0x20 || byte >= 0x7f || byte == 0x3a) return false;
  }
  return true;
}

/** Headers that a service sent. */
@final
export class AddedHeaders {
  private names: HeaderName[] = [];
  private values: Uint8Array[] = [];

  /** @param header An `envoy.config.core.v3.HeaderValue`. */
  read(header: Bytes): void {
    let name = Bytes.at(0, 0);
    let value = Bytes.at(0, 0);
    const reader = ProtobufReader.of(header);
    while (reader.next()) {
      if (reader.field == 1) name = reader.content;
      else if (reader.field == 2 || (reader.field == 3 && reader.content.size)) value = reader.content;
    }
    if (reader.malformed || !isHeaderName(name)) return;
    this.names.push(new HeaderName(name.toString()));
    this.values.push(value.copy());
  }

  addToRequest(): void {
    for (let i = 0; i < this.names.length; ++i) requestHeaders.addBytes(this.names[i], Bytes.of(this.values[i]));
  }

  addToResponse(): void {
    for (let i = 0; i < this.names.length; ++i) responseHeaders.addBytes(this.names[i], Bytes.of(this.values[i]));
  }

  addTo(list: HeaderList): void {
    for (let i = 0; i < this.names.length; ++i) list.addBytes(this.names[i].name, Bytes.of(this.values[i]));
  }
}

/** What the service said. */
@final
export class ServiceVerdict {
  isOver: bool = false;
  readonly onRequest: AddedHeaders = new AddedHeaders();
  readonly onResponse: AddedHeaders = new AddedHeaders();
  /** A body for the refusal; empty for none. */
  body: Uint8Array = new Uint8Array(0);
  /** The quota with the least left: how much there is, is left, and seconds until it begins anew. */
  private hasQuota: bool = false;
  private limit: u64 = 0;
  private remaining: u64 = 0;
  private reset: u64 = 0;

  /** @returns Null for what is no `RateLimitResponse` or does not say yes or no. */
  static read(message: Bytes): ServiceVerdict | null {
    const verdict = new ServiceVerdict();
    let code: u64 = 0;
    const reader = ProtobufReader.of(message);
    while (reader.next()) {
      if (reader.field == 1) code = reader.number;
      else if (reader.field == 2) verdict.readStatus(reader.content);
      else if (reader.field == 3) verdict.onResponse.read(reader.content);
      else if (reader.field == 4) verdict.onRequest.read(reader.content);
      else if (reader.field == 5) verdict.body = reader.content.copy();
    }
    if (reader.malformed || (code != 1 && code != OVER_LIMIT)) return null;
    verdict.isOver = code == OVER_LIMIT;
    return verdict;
  }

  /** Seconds until the tightest quota begins anew; at least 1. */
  get secondsUntilRoom(): u64 {
    return max<u64>(this.reset, 1);
  }

  setQuotaOnResponse(): void {
    if (!this.hasQuota) return;
    responseHeaders.setBytes(X_LIMIT, decimal(this.limit));
    responseHeaders.setBytes(X_REMAINING, decimal(this.remaining));
    responseHeaders.setBytes(X_RESET, decimal(this.reset));
  }

  addQuotaTo(list: HeaderList): void {
    if (!this.hasQuota) return;
    list.addBytes(X_LIMIT.name, decimal(this.limit));
    list.addBytes(X_REMAINING.name, decimal(this.remaining));
    list.addBytes(X_RESET.name, decimal(this.reset));
  }

  private readStatus(status: Bytes): void {
    let limit: u64 = 0;
    let remaining: u64 = 0;
    let reset: u64 = 0;
    let hasLimit = false;
    const reader = ProtobufReader.of(status);
    while (reader.next()) {
      if (reader.field == 2) {
        hasLimit = true;
        const current = ProtobufReader.of(reader.content);
        while (current.next()) if (current.field == 1) limit = current.number;
      } else if (reader.field == 3) remaining = reader.number;
      else if (reader.field == 4) reset = (readDuration(reader.content) + 999_999_999) / 1_000_000_000;
    }
    if (!hasLimit || (this.hasQuota && remaining >= this.remaining)) return;
    this.hasQuota = true;
    this.limit = limit;
    this.remaining = remaining;
    this.reset = reset;
  }
}

/** Who waits for the service. */
export interface ServiceListener {
  decided(verdict: ServiceVerdict): void;
  failed(): void;
}


@final
class ServiceReply extends GrpcReply {
  constructor(
    private service: RateLimitService,
    private listener: ServiceListener,
  ) {
    super();
  }

  onMessage(message: Bytes): void {
    const verdict = ServiceVerdict.read(message);
    if (verdict === null) this.listener.failed();
    else this.listener.decided(verdict);
  }

  onFailure(status: GrpcStatus, message: string): void {
    this.listener.failed();
  }
}

/** The limits that a service decides on. */
@final
export class RateLimitService {
  readonly ok: Counter = new Counter("ratelimit.service.ok");
  readonly overLimit: Counter = new Counter("ratelimit.service.over_limit");
  readonly error: Counter = new Counter("ratelimit.service.error");
  private method: GrpcMethod;
  private names: Uint8Array[][] = [];
  private matches: MatchList = new MatchList([]);

  /** @param limits Those of the scope. */
  constructor(
    readonly config: ServiceConfig,
    private limits: LimitConfig[],
  ) {
    const service = "envoy.service.ratelimit.v3.RateLimitService";
    this.method = new GrpcMethod(GrpcService.cluster(config.cluster), service, "ShouldRateLimit").timeout(
      config.timeout,
    );
    const matches: RequestMatch[] = [];
    for (let i = 0; i < limits.length; ++i) {
      matches.push(limits[i].match);
      const names: Uint8Array[] = [];
      for (let k = 0; k < limits[i].names.length; ++k) names.push(Bytes.utf8(limits[i].names[k]).copy());
      this.names.push(names);
    }
    this.matches = new MatchList(matches);
  }

  /**
   * Asks about the current request.
   * @returns `Ok` when the listener will be called, `NotFound` when no limit is for the request, else the service cannot be asked.
   */
  ask(listener: ServiceListener): Status {
    const writer = ProtobufWriter.create(256);
    writer.string(1, this.config.domain);
    let descriptors = 0;
    this.matches.begin();
    for (let i = this.matches.next(); i >= 0; i = this.matches.next()) {
      const limit = this.limits[i];
      if (limit.except.first() >= 0) continue;
      if (limit.skipMissing && lacksValue(limit)) continue;
      this.write(writer, limit, this.names[i]);
      ++descriptors;
    }
    if (!descriptors) return Status.NotFound;
    return this.method.call(new ServiceReply(this, listener), writer.message);
  }

  private write(writer: ProtobufWriter, limit: LimitConfig, names: Uint8Array[]): void {
    const descriptor = writer.beginMessage(2);
    for (let i = 0; i < names.length; ++i) {
      const value = limit.key[i].read();
      const told = value === null ? Bytes.at(0, 0) : toldValue(value, i32.MAX_VALUE);
      // An entry is made as one of a map is: key and value.
      writer.mapEntry(1, Bytes.of(names[i]), told);
    }
    const hits = limit.cost.current;
    if (hits != 1) {
      const addend = writer.beginMessage(3);
      writer.varint(1, hits);
      writer.endMessage(addend);
    }
    writer.endMessage(descriptor);
  }
}

function lacksValue(limit: LimitConfig): bool {
  for (let i = 0; i < limit.key.length; ++i) if (limit.key[i].read() === null) return true;
  return false;
}
