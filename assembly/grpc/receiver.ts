import { GrpcStatus } from "../abi/enums";
import { PendingTable } from "../callout/pending";
import { Bytes } from "../bytes";
import { HeaderMap } from "../http/header-map";

/** What the host's gRPC callbacks are handed on to. */
export abstract class GrpcReceiver {
  onInitialMetadata(metadata: HeaderMap): void {}

  onMessage(message: Bytes): void {}

  onTrailingMetadata(metadata: HeaderMap): void {}

  /** The SDK's own: the call is over. */
  ended(status: GrpcStatus, message: string): void {}

  /** The SDK's own: the call was cancelled, for its context is gone. */
  dropped(): void {}

  /** The SDK's own: whether one message is all that comes. */
  get isUnary(): bool {
    return false;
  }
}

/** The gRPC calls and streams that are open. */
// @ts-ignore: decorator
@lazy export const grpcCalls: PendingTable<GrpcReceiver> = new PendingTable<GrpcReceiver>();
