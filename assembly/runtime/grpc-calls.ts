// What comes back from gRPC calls. The transform adds this file to modules that have a `GrpcReply` or a `GrpcStream`.

import { BufferType, GrpcStatus, MapType } from "../abi/enums";
import { proxy_grpc_cancel } from "../abi/imports";
import { Buffer } from "../buffer";
import { Bytes } from "../bytes";
import { calloutMessage } from "../callout/status";
import { grpcCalls } from "../grpc/receiver";
import { HeaderMap } from "../http/header-map";
import { enterCallback, leaveCallback } from "./callback";

const received: Buffer = new Buffer(BufferType.GrpcReceiveBuffer);
const initialMetadata: HeaderMap = new HeaderMap(MapType.GrpcReceiveInitialMetadata);
const trailingMetadata: HeaderMap = new HeaderMap(MapType.GrpcReceiveTrailingMetadata);

export function proxy_on_grpc_receive_initial_metadata(context: u32, token: u32, count: u32): void {
  enterCallback(context);
  const call = grpcCalls.get(token);
  if (call !== null && call.scope.enter()) call.handler.onInitialMetadata(initialMetadata);
  leaveCallback();
}

export function proxy_on_grpc_receive(context: u32, token: u32, size: u32): void {
  enterCallback(context);
  const call = grpcCalls.get(token);
  if (call !== null) {
    // A unary call is over with its message; nothing more is said of it.
    if (call.handler.isUnary) grpcCalls.take(token);
    const message = size ? received.read() : null;
    if (call.scope.enter()) call.handler.onMessage(message === null ? Bytes.at(0, 0) : message);
  }
  leaveCallback();
}

export function proxy_on_grpc_receive_trailing_metadata(context: u32, token: u32, count: u32): void {
  enterCallback(context);
  const call = grpcCalls.get(token);
  if (call !== null && call.scope.enter()) call.handler.onTrailingMetadata(trailingMetadata);
  leaveCallback();
}

export function proxy_on_grpc_close(context: u32, token: u32, status: u32): void {
  enterCallback(context);
  const call = grpcCalls.take(token);
  if (call !== null) {
    const message = calloutMessage();
    // Envoy keeps what it has of a stream that this side did not close, and lets go of it when it is cancelled.
    if (!call.handler.isUnary) proxy_grpc_cancel(token);
    if (call.scope.enter()) call.handler.ended(<GrpcStatus>status, message);
  }
  leaveCallback();
}

// @ts-ignore: decorator
@global
function __dropGrpcCalls(context: u32): void {
  let call = grpcCalls.takeContext(context);
  while (call !== null) {
    proxy_grpc_cancel(call.token);
    call.handler.dropped();
    call = call.next;
  }
}
