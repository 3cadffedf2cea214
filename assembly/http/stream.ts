// What a filter can do with the current stream.

import { Status, StreamType } from "../abi/enums";
import { proxy_close_stream, proxy_continue_stream, proxy_send_local_response } from "../abi/imports";
import { Bytes } from "../bytes";
import { callForeignFunction } from "../foreign";
import { forgetHostState } from "../runtime/callback";
import { HeaderList } from "./header-list";

/**
 * Answers the request in place of the upstream. Envoy sends it when the callback returns, whose result then no longer counts.
 * @param code HTTP status, 200 to 599.
 * @param body UTF-8 text; empty for none.
 * @param headers Headers beside those that Envoy sets.
 * @param details Reason for the access log (`%RESPONSE_CODE_DETAILS%`); Envoy turns spaces in it into `_`.
 * @param grpcStatus Status for a gRPC request, 0 to 16, or -1 to let Envoy derive it from `code`.
 */
export function sendLocalResponse(
  code: u32,
  body: string = "",
  headers: HeaderList | null = null,
  details: string = "",
  grpcStatus: i32 = -1,
): Status {
  return sendLocalResponseBytes(code, Bytes.utf8(body), headers, details, grpcStatus);
}

/** As `sendLocalResponse`, with a body of any bytes. */
export function sendLocalResponseBytes(
  code: u32,
  body: Bytes,
  headers: HeaderList | null = null,
  details: string = "",
  grpcStatus: i32 = -1,
): Status {
  const why = Bytes.utf8(details);
  const pairs = headers === null ? Bytes.at(0, 0) : headers.encode();
  forgetHostState();
  // @ts-ignore: see `compose/hooks.ts`, as for the others of this file.
  if (isDefined(__intervened)) __intervened();
  return proxy_send_local_response(
    code,
    why.pointer,
    why.size,
    body.pointer,
    body.size,
    pairs.pointer,
    pairs.size,
    grpcStatus,
  );
}

/** Goes on with a request that a callback held; takes effect when the callback returns. */
export function continueRequest(): Status {
  forgetHostState();
  // @ts-ignore
  if (isDefined(__continueStream)) {
    // @ts-ignore
    if (__continueStream(true)) return Status.Ok;
  }
  return proxy_continue_stream(StreamType.HttpRequest);
}

/** Goes on with a response that a callback held; takes effect when the callback returns. */
export function continueResponse(): Status {
  forgetHostState();
  // @ts-ignore
  if (isDefined(__continueStream)) {
    // @ts-ignore
    if (__continueStream(false)) return Status.Ok;
  }
  return proxy_continue_stream(StreamType.HttpResponse);
}

/** Resets the stream. */
export function closeStream(): Status {
  // @ts-ignore
  if (isDefined(__intervened)) __intervened();
  return proxy_close_stream(StreamType.HttpRequest);
}

/**
 * Lets Envoy choose the route again, for a filter that changed what routes match on: filter state, say. For modules of
 * ABI 0.2.1 Envoy does so by itself after a write to the request headers.
 * `Status.NotFound` from a host that is not Envoy.
 */
export function clearRouteCache(): Status {
  return callForeignFunction("clear_route_cache");
}
