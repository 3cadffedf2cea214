import { BufferType, MapType, Status } from "../abi/enums";
import { Buffer } from "../buffer";
import { Bytes } from "../bytes";
import { HeaderMap } from "../http/header-map";
import { HeaderName } from "../http/header-name";

/**
 * What waits for the answer to an `HttpCall`. Host calls in it act on the stream that sent the call: a request that was held can
 * be continued, changed or answered.
 */
export abstract class HttpCallReply {
  /**
   * An answer came, from the upstream or, in its place, from Envoy itself: 503 when the connection could not be made or broke before
   * an answer, 504 when the timeout has passed.
   */
  abstract onResponse(response: HttpCallResponse): void;

  /** The upstream began to answer and broke off. */
  abstract onFailure(failure: CalloutFailure): void;
}

// @ts-ignore: decorator
@lazy const STATUS: HeaderName = new HeaderName(":status");

/** An answer to an HTTP call; there until the callback returns. */
@final
export class HttpCallResponse {
  readonly headers: HeaderMap = new HeaderMap(MapType.HttpCallResponseHeaders);
  readonly body: Buffer = new Buffer(BufferType.HttpCallResponseBody);
  /** Empty when there are none. */
  readonly trailers: HeaderMap = new HeaderMap(MapType.HttpCallResponseTrailers);

  /** The HTTP status, from 100 to 999; 0 for what is none. */
  get status(): u32 {
    const value = this.headers.find(STATUS);
    return value === null ? 0 : statusOf(value);
  }
}

function statusOf(value: Bytes): u32 {
  if (value.size != 3) return 0;
  let status: u32 = 0;
  for (let i = 0; i < 3; ++i) {
    const digit = <u32>value[i] - 0x30;
    if (digit > 9) return 0;
    status = status * 10 + digit;
  }
  return status < 100 ? 0 : status;
}

/** Why there is no answer. */
@final
export class CalloutFailure {
  constructor(
    /** Envoy: always `Status.BrokenConnection`. */
    readonly status: Status,
    /** Envoy: always `reset`. */
    readonly message: string,
  ) {}
}
