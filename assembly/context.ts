// The classes that a filter extends.

import { FilterDataStatus, FilterHeadersStatus, FilterMetadataStatus, FilterTrailersStatus, Status } from "./abi/enums";
import { proxy_done, proxy_set_effective_context } from "./abi/imports";
import { Bytes } from "./bytes";
import { SharedQueue } from "./queue";
import { forgetHostState } from "./runtime/callback";
import { setEffective } from "./runtime/scope";
import { TcpContext } from "./tcp/context";

/**
 * One configured plugin in one VM. Envoy makes one on each worker, and others to try a configuration out; the parts of a
 * process share nothing but shared data, queues and metrics.
 * Only callbacks that a class overrides are exported, so a callback that is left alone costs nothing.
 */
export abstract class RootContext {
  /** The id that the host gave this context. */
  id: u32 = 0;

  /**
   * A context that serves every stream of this plugin. Set it (in the constructor or in `onConfigure`) when the filter keeps
   * no state of a stream: nothing is then made for a request. `contextId()` tells the current stream.
   */
  sharedHttpContext: HttpContext | null = null;

  /**
   * The VM starts; `configuration` is the `configuration` of Envoy's `vm_config`. False refuses the VM.
   */
  onVmStart(configuration: Bytes): bool {
    return true;
  }

  /**
   * The plugin is configured. False refuses the configuration: Envoy rejects the update and keeps what it had.
   * Log the reason, naming the field.
   */
  onConfigure(configuration: Bytes): bool {
    return true;
  }

  /** The period of `setTickPeriod` has passed. */
  onTick(): void {}

  /**
   * A message came into a shared queue that this context registered. Take all there are: one call may stand for several,
   * and another worker that registered the queue may have been faster.
   */
  onQueueReady(queue: SharedQueue): void {}

  /**
   * A request or connection is over and to be logged, where this plugin is an access logger (`envoy.access_loggers.wasm`).
   * Its headers, trailers and properties can be read; there is no context of its own for it.
   */
  onLog(): void {}

  /** The host calls this module by a function of its own; `callData` holds the argument. */
  onForeignFunction(functionId: u32, size: u32): void {}

  /** The plugin goes. False keeps it until `pluginDone()`. */
  onDone(): bool {
    return true;
  }

  /** The host has let go of this context. */
  onDelete(): void {}

  /** The context of a new HTTP stream, unless `sharedHttpContext` is set. Null lets the stream pass this filter by. */
  createHttpContext(): HttpContext | null {
    return null;
  }

  /**
   * The context of a new TCP connection, where this plugin is a network filter (`envoy.filters.network.wasm`). Null lets the
   * connection pass this filter by.
   * The host does not say of a new context whether it is an HTTP stream or a connection: a plugin that is used as both is
   * asked for an HTTP context for a connection too.
   */
  createTcpContext(): TcpContext | null {
    return null;
  }
}

/**
 * One HTTP stream. Callbacks come in the order of the stream; any but `onDelete` may be missing, for instance when a client
 * goes away or Envoy answers by itself.
 */
export abstract class HttpContext {
  /** The id that the host gave the stream; of a shared context, the one it serves just now. */
  id: u32 = 0;

  /** @param endOfStream Whether the request ends with its headers. */
  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    return FilterHeadersStatus.Continue;
  }

  /**
   * @param size Bytes that `requestBody` holds: what came, or all so far while the filter buffers.
   * @param endOfStream Whether this is the last of it, with no trailers to come.
   */
  onRequestBody(size: u32, endOfStream: bool): FilterDataStatus {
    return FilterDataStatus.Continue;
  }

  /** Not called for a request without trailers. */
  onRequestTrailers(): FilterTrailersStatus {
    return FilterTrailersStatus.Continue;
  }

  /**
   * HTTP/2 METADATA frames came with the request. Their content cannot be read.
   * @param count Number of entries.
   */
  onRequestMetadata(count: u32): FilterMetadataStatus {
    return FilterMetadataStatus.Continue;
  }

  /** @param endOfStream Whether the response ends with its headers. */
  onResponseHeaders(endOfStream: bool): FilterHeadersStatus {
    return FilterHeadersStatus.Continue;
  }

  /** As `onRequestBody`, for `responseBody`. */
  onResponseBody(size: u32, endOfStream: bool): FilterDataStatus {
    return FilterDataStatus.Continue;
  }

  /** Not called for a response without trailers. */
  onResponseTrailers(): FilterTrailersStatus {
    return FilterTrailersStatus.Continue;
  }

  /** As `onRequestMetadata`, of the response. */
  onResponseMetadata(count: u32): FilterMetadataStatus {
    return FilterMetadataStatus.Continue;
  }

  /** The stream is over and about to be logged; its headers can still be read. */
  onLog(): void {}

  /** The stream is over. */
  onDone(): void {}

  /** The host has let go of the stream. */
  onDelete(): void {}
}

/** Lets the current root context go, after its `onDone` answered false. `Status.NotFound` when it was not asked to go. */
export function pluginDone(): Status {
  // @ts-ignore: see `compose/hooks.ts`.
  if (isDefined(__pluginDone)) return __pluginDone();
  return proxy_done();
}

/**
 * Makes host calls act on another context of this VM, until the callback returns: a stream that was held, say, from its
 * root's `onTick`. `Status.BadArgument` when that context is gone.
 */
export function setEffectiveContext(context: u32): Status {
  forgetHostState();
  const status = proxy_set_effective_context(context);
  if (status == Status.Ok) setEffective(context);
  return status;
}
