import { CloseType, FilterStatus } from "../abi/enums";

/**
 * One TCP connection and the upstream connection that the proxy makes for it. "Downstream" is the side of the client.
 * What belongs to it (callouts, timers, gRPC streams) is dropped when the host lets go of it.
 */
export abstract class TcpContext {
  /** The id that the host gave the connection. */
  id: u32 = 0;

  /** The client has connected. `StopIteration` keeps the proxy from connecting to the upstream. */
  onNewConnection(): FilterStatus {
    return FilterStatus.Continue;
  }

  /**
   * The client sent data, or ended its side.
   * @param size Bytes that `downstreamData` holds.
   * @param endOfStream Whether nothing more will come from the client.
   */
  onDownstreamData(size: u32, endOfStream: bool): FilterStatus {
    return FilterStatus.Continue;
  }

  /** As `onDownstreamData`, for what the upstream sent, in `upstreamData`. */
  onUpstreamData(size: u32, endOfStream: bool): FilterStatus {
    return FilterStatus.Continue;
  }

  /** The connection of the client is closed: by the client (`Remote`), or by the proxy or this filter (`Local`). */
  onDownstreamClose(closeType: CloseType): void {}

  /** The upstream ended its side; Envoy gives `Unknown`. Not called when the client or the filter closed first. */
  onUpstreamClose(closeType: CloseType): void {}

  /** The connection is over. */
  onDone(): void {}

  /** The connection is over and about to be logged; its properties can still be read. */
  onLog(): void {}

  /** The host has let go of the connection. */
  onDelete(): void {}
}
