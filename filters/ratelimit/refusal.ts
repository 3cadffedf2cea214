// What a client gets that asks too often.

import { Bytes, HeaderList, JsonWriter, decimal, sendLocalResponseBytes } from "proxy-wasm-assemblyscript-sdk";
import { Limit } from "./limit";
import { Headers, Quota } from "./quota-headers";

const details: JsonWriter = new JsonWriter();

/** The answer to requests that a limit refuses. */
@final
export class Refusal {
  private body: Uint8Array;
  private quota: Quota;

  /** @param json Whether the text comes as problem details (RFC 9457). */
  constructor(
    private status: u32,
    private text: string,
    private json: bool,
    kind: Headers,
  ) {
    this.body = Bytes.utf8(text).copy();
    this.quota = new Quota(kind);
  }

  send(limit: Limit): void {
    const seconds = max<u64>(limit.secondsUntilRoom, 1);
    const headers = new HeaderList();
    headers.addBytes("retry-after", decimal(seconds));
    this.quota.remember(limit, true);
    this.quota.addTo(headers);
    let body = Bytes.of(this.body);
    if (this.json) {
      headers.add("content-type", "application/problem+json");
      body = this.problem(limit.name, seconds);
    }
    sendLocalResponseBytes(this.status, body, headers, `ratelimit_${limit.name}`);
  }

  private problem(limit: string, seconds: u64): Bytes {
    details.clear().beginObject();
    details.name("title").string(this.text);
    details.name("status").integer(this.status);
    details.name("limit").string(limit);
    details.name("retryAfter").integer(seconds);
    details.endObject();
    return details.bytes;
  }
}
