import { GrpcStatus, Status } from "../abi/enums";
import { proxy_grpc_cancel, proxy_grpc_close, proxy_grpc_send } from "../abi/imports";
import { Bytes } from "../bytes";
import { HeaderMap } from "../http/header-map";
import { GrpcReceiver, grpcCalls } from "./receiver";

/**
 * One gRPC stream, opened by `GrpcMethod.open`: messages in one direction or in both. It belongs to the stream or root context
 * that opened it: its callbacks act on that, and it is cancelled when that is gone.
 */
export abstract class GrpcStream extends GrpcReceiver {
  /** The host's name of the stream; 0 while it is not open. */
  private token: u32 = 0;
  private halfClosed: bool = false;

  /** The metadata that the service sends first. */
  onInitialMetadata(metadata: HeaderMap): void {}

  /** @param message One message of the service, valid until the callback returns. */
  onMessage(message: Bytes): void {}

  /** The metadata that the service sends last, `grpc-status` among it. */
  onTrailingMetadata(metadata: HeaderMap): void {}

  /** The stream is over. Not called after `cancel`. */
  onClose(status: GrpcStatus, message: string): void {}

  /** Whether the stream can receive. */
  get isOpen(): bool {
    return this.token != 0;
  }

  /**
   * Sends a message. The host keeps what it cannot send yet.
   * @param endOfStream Whether it is the last one.
   * @returns `Status.BadArgument` when this side of the stream is closed.
   */
  send(message: Bytes, endOfStream: bool = false): Status {
    if (!this.token || this.halfClosed) return Status.BadArgument;
    const status = proxy_grpc_send(this.token, message.pointer, message.size, u32(endOfStream));
    // The host does not count this as closing, and would keep the stream after its end.
    if (status == Status.Ok && endOfStream) this.halfClosed = true;
    return status;
  }

  /** Says that no more messages will come; the service may go on to answer. */
  close(): Status {
    if (!this.token || this.halfClosed) return Status.BadArgument;
    this.halfClosed = true;
    return proxy_grpc_close(this.token);
  }

  /** Resets the stream. No callback follows. */
  cancel(): Status {
    const token = this.token;
    if (!token) return Status.BadArgument;
    this.token = 0;
    grpcCalls.take(token);
    return proxy_grpc_cancel(token);
  }

  /** For `GrpcMethod.open`. */
  opened(token: u32): void {
    this.token = token;
    this.halfClosed = false;
  }

  dropped(): void {
    this.token = 0;
  }

  ended(status: GrpcStatus, message: string): void {
    this.token = 0;
    this.onClose(status, message);
  }
}
