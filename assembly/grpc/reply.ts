import { GrpcStatus } from "../abi/enums";
import { Bytes } from "../bytes";
import { GrpcReceiver } from "./receiver";

/**
 * What waits for the answer to a unary gRPC call. Exactly one of its methods is called, once, for the stream or root context that
 * made the call, unless that is gone: then the call is cancelled.
 */
export abstract class GrpcReply extends GrpcReceiver {
  /** @param message The response in the format of its service (protocol buffers, mostly); valid until the callback returns. */
  abstract onMessage(message: Bytes): void;

  /**
   * The call failed: the service said so, or there was no connection (`Unavailable`), or the timeout has passed
   * (`DeadlineExceeded` from a service that watches it, else `Unavailable` from Envoy).
   * @param message What the service or Envoy says of it, percent-encoded as on the wire; Envoy adds details in braces. May be empty.
   */
  abstract onFailure(status: GrpcStatus, message: string): void;

  ended(status: GrpcStatus, message: string): void {
    this.onFailure(status, message);
  }

  get isUnary(): bool {
    return true;
  }
}
