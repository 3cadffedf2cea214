import type { DataAction, HeadersAction, TrailersAction } from "./abi/enums.ts";
import type { HeaderMap } from "./header-map.ts";
import type { PropertyMap } from "./properties.ts";

/** A response that the filter (or Envoy for it) gave instead of the upstream. */
export interface LocalResponse {
  readonly status: number;
  /** The response code details, as in the access log. */
  readonly details: string;
  readonly body: string;
  readonly bodyBytes: Uint8Array;
  /** What the filter added; what the client gets is in `stream.response.headers`. */
  readonly headers: HeaderMap;
  readonly grpcStatus: number | undefined;
}

/** What a whole message came to. */
export interface Settled {
  /** Whether this direction now waits for the filter to continue it. */
  readonly paused: boolean;
  /** The local response, if there is one by now. */
  readonly localResponse: LocalResponse | undefined;
}

/** What one call into the filter came to. */
export interface Outcome<Action extends string> extends Settled {
  /** What the filter answered; NotCalled if the stream was paused or over. */
  readonly action: Action | "NotCalled";
}

export interface HeadersOutcome extends Outcome<HeadersAction> {
  /** The headers as the filter left them. */
  readonly headers: HeaderMap;
}

export interface BodyOutcome extends Outcome<DataAction> {
  /** The bytes that passed the filter because of this call, with what it had held back before. */
  readonly body: Uint8Array;
}

export interface TrailersOutcome extends Outcome<TrailersAction> {
  /** The trailers as the filter left them. */
  readonly trailers: HeaderMap;
}

export interface HttpStreamOptions {
  /** The client's address and port. Default: 127.0.0.1:50000. */
  readonly source?: string;
  /** Properties of this stream, over those of the host and of the stream itself; e.g. `{ "connection.mtls": true }`. */
  readonly properties?: PropertyMap;
  /** The most bytes of a body that Envoy holds back for a filter in each direction. */
  readonly bufferLimit?: number;
}
