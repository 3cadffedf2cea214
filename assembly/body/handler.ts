import { BufferType, FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from "../abi/enums";
import { Buffer } from "../buffer";
import { HeaderMap, requestHeaders, responseHeaders } from "../http/header-map";
import { HeaderName } from "../http/header-name";

// @ts-ignore: decorator
@lazy export const CONTENT_LENGTH: HeaderName = new HeaderName("content-length");

/**
 * What deals with the body of one message, of a request or of a response. A stream's context makes one as a field and hands three
 * callbacks on to it:
 *
 *     class Stream extends HttpContext {
 *       private body: Shout = new Shout(responseBody);
 *
 *       onResponseHeaders(endOfStream: bool): FilterHeadersStatus {
 *         return this.body.onHeaders(endOfStream);
 *       }
 *
 *       onResponseBody(size: u32, endOfStream: bool): FilterDataStatus {
 *         return this.body.onBody(size, endOfStream);
 *       }
 *
 *       onResponseTrailers(): FilterTrailersStatus {
 *         return this.body.onTrailers();
 *       }
 *     }
 *
 * A message that ends with its headers has no body to deal with: the response to HEAD, 204, 304, most requests by GET. It
 * passes as it is, `content-length` included. Nor can it be given a body: that takes `sendLocalResponse`.
 * A response may also be one that Envoy or a filter made in place of the upstream's.
 * A body with `content-encoding` comes as it is encoded; a filter that wants it plain removes `accept-encoding` from the request.
 */
export abstract class BodyHandler {
  /** @param buffer `requestBody` or `responseBody`. */
  constructor(protected readonly buffer: Buffer) {}

  abstract onHeaders(endOfStream: bool): FilterHeadersStatus;
  abstract onBody(size: u32, endOfStream: bool): FilterDataStatus;
  abstract onTrailers(): FilterTrailersStatus;

  get isRequest(): bool {
    return this.buffer.type == BufferType.HttpRequestBody;
  }

  /** Headers of the message. */
  protected get headers(): HeaderMap {
    return this.isRequest ? requestHeaders : responseHeaders;
  }
}
