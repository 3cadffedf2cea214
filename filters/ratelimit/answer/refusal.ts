// What a client gets that asks too often.

import { Bytes, HeaderList, JsonWriter, decimal, sendLocalResponseBytes } from "proxy-wasm-assemblyscript-sdk";
import { ResponseConfig } from "../config";
import { ServiceVerdict } from "../fleet/rate-limit-service";
import { Limit } from "../limit";
import { Headers, Quota } from "./quota-headers";

const details: JsonWriter = new JsonWriter();

/** The answer to requests that a limit refuses. */
@final
export class Refusal {
  private body: Uint8Array;
  private quota: Quota;

  constructor(
    private config: ResponseConfig,
    kind: Headers,
  ) {
    this.body = Bytes.utf8(config.body).copy();
    this.quota = new Quota(kind);
  }

  send(limit: Limit): void {
    const config = this.config;
    const seconds = max<u64>(limit.store.secondsUntilRoom, 1);
    const headers = new HeaderList().addAll(config.headers);
    headers.addBytes("retry-after", decimal(seconds));
    this.quota.remember(limit);
    this.quota.addTo(headers);
    let body = Bytes.of(this.body);
    if (config.json) {
      headers.add("content-type", "application/problem+json");
      body = this.problem(limit.name, seconds);
    }
    sendLocalResponseBytes(config.status, body, headers, `ratelimit_${limit.name}`, config.grpcStatus);
  }

  /** Refuses for a service, with what it says to the client. */
  sendForService(verdict: ServiceVerdict, withQuota: bool): void {
    const config = this.config;
    const headers = new HeaderList().addAll(config.headers);
    headers.add("x-envoy-ratelimited", "true");
    headers.addBytes("retry-after", decimal(verdict.secondsUntilRoom));
    if (withQuota) verdict.addQuotaTo(headers);
    verdict.onResponse.addTo(headers);
    let body = Bytes.of(this.body);
    if (verdict.body.length) body = Bytes.of(verdict.body);
    else if (config.json) {
      headers.add("content-type", "application/problem+json");
      body = this.problem("service", verdict.secondsUntilRoom);
    }
    sendLocalResponseBytes(config.status, body, headers, "ratelimit_service", config.grpcStatus);
  }

  private problem(limit: string, seconds: u64): Bytes {
    details.clear().beginObject();
    details.name("title").string(this.config.body);
    details.name("status").integer(this.config.status);
    details.name("limit").string(limit);
    details.name("retryAfter").integer(seconds);
    details.endObject();
    return details.bytes;
  }
}
