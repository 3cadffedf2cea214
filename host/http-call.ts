import { toBytes, toText, type Bytes } from "./bytes.ts";
import type { Clock, Timer } from "./clock.ts";
import { HeaderMap, type HeadersInit } from "./header-map.ts";

/** What a module asked an upstream for. */
export interface HttpCallRequest {
  readonly cluster: string;
  readonly headers: HeaderMap;
  readonly body: Uint8Array;
  readonly trailers: HeaderMap;
  /** 0 if there is none. */
  readonly timeoutMs: number;
}

export interface HttpCallResponse {
  readonly headers: HeaderMap;
  readonly body: Uint8Array;
  readonly trailers: HeaderMap | undefined;
}

/** A callout that waits for its answer. The test answers it; the clock times it out. */
export class HttpCall {
  readonly token: number;
  readonly cluster: string;
  readonly headers: HeaderMap;
  readonly body: Uint8Array;
  readonly trailers: HeaderMap;
  readonly timeoutMs: number;
  readonly #answer: (response: HttpCallResponse | undefined) => void;
  readonly #timeout: Timer | undefined;
  #over = false;

  constructor(
    token: number,
    request: HttpCallRequest,
    clock: Clock,
    answer: (response: HttpCallResponse | undefined) => void,
  ) {
    this.token = token;
    this.cluster = request.cluster;
    this.headers = request.headers;
    this.body = request.body;
    this.trailers = request.trailers;
    this.timeoutMs = request.timeoutMs;
    this.#answer = answer;
    // Envoy answers a callout that takes too long itself, so to the module a time-out is a response like another.
    this.#timeout = request.timeoutMs > 0 ? clock.after(request.timeoutMs, () => this.respond(TIMED_OUT)) : undefined;
  }

  get bodyText(): string {
    return toText(this.body);
  }

  /** Whether no answer has come yet. */
  get pending(): boolean {
    return !this.#over;
  }

  /** The upstream answers. `:status` is 200 if the headers do not have it. */
  respond(response: { headers?: HeadersInit; body?: Bytes; trailers?: HeadersInit }): void {
    const headers = new HeaderMap("response", response.headers);
    if (!headers.has(":status")) headers.add(":status", "200");
    const trailers = response.trailers && new HeaderMap("trailers", response.trailers);
    this.#end({ headers, body: toBytes(response.body ?? ""), trailers });
  }

  /** The connection breaks: the module is told of a response with no headers, and `proxy_get_status` says why. */
  fail(): void {
    this.#end(undefined);
  }

  /** Drops the call without an answer. */
  cancel(): void {
    this.#over = true;
    this.#timeout?.cancel();
  }

  #end(response: HttpCallResponse | undefined): void {
    if (this.#over) throw new Error(`the HTTP call ${this.token} to ${this.cluster} is over already`);
    this.cancel();
    this.#answer(response);
  }
}

const TIMED_OUT = {
  headers: [
    [":status", "504"],
    ["content-length", "24"],
    ["content-type", "text/plain"],
  ] as [string, string][],
  body: "upstream request timeout",
};
