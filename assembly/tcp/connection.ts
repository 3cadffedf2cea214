// What a filter can do with the current TCP connection.

import { BufferType, Status, StreamType } from "../abi/enums";
import { proxy_close_stream, proxy_continue_stream } from "../abi/imports";
import { Buffer } from "../buffer";
import { forgetHostState } from "../runtime/callback";

/** What came from the client; there in `onDownstreamData`. */
// @ts-ignore: decorator
@lazy export const downstreamData: Buffer = new Buffer(BufferType.NetworkDownstreamData);

/** What came from the upstream; there in `onUpstreamData`. */
// @ts-ignore: decorator
@lazy export const upstreamData: Buffer = new Buffer(BufferType.NetworkUpstreamData);

/** Goes on with a connection that `onNewConnection` or `onDownstreamData` held: what is in `downstreamData` goes to the next filter. */
export function continueDownstream(): Status {
  forgetHostState();
  return proxy_continue_stream(StreamType.Downstream);
}

/**
 * `Status.Unimplemented` in Envoy: what `onUpstreamData` held can go on only when more comes or the upstream ends its side, which calls
 * it again with all of it.
 */
export function continueUpstream(): Status {
  forgetHostState();
  return proxy_continue_stream(StreamType.Upstream);
}

/** Closes the connection of the client, and with it that to the upstream, after what was let through is sent. */
export function closeDownstream(): Status {
  return proxy_close_stream(StreamType.Downstream);
}

/** In Envoy the same as `closeDownstream`. */
export function closeUpstream(): Status {
  return proxy_close_stream(StreamType.Upstream);
}
