import { Status } from "../abi/enums.ts";
import { toText } from "../bytes.ts";
import { Fields } from "../foreign/protobuf.ts";
import type { GrpcRequest } from "../grpc-call.ts";
import { HeaderMap } from "../header-map.ts";
import { decodePairs } from "../pairs.ts";
import type { Vm } from "../vm.ts";
import type { HostCalls } from "./types.ts";

/** gRPC calls and streams. */
export const grpcCalls: HostCalls<
  "proxy_grpc_call" | "proxy_grpc_stream" | "proxy_grpc_send" | "proxy_grpc_close" | "proxy_grpc_cancel"
> = {
  proxy_grpc_call(
    vm,
    target,
    targetSize,
    name,
    nameSize,
    method,
    methodSize,
    metadata,
    metadataSize,
    message,
    messageSize,
    timeout,
    token,
  ) {
    const bytes = vm.memory.read(message, messageSize);
    return begin(
      vm,
      vm.memory.read(target, targetSize),
      {
        kind: "call",
        ...requestOf(vm, name, nameSize, method, methodSize, metadata, metadataSize),
        timeoutMs: timeout,
      },
      token,
      bytes,
    );
  },

  proxy_grpc_stream(vm, target, targetSize, name, nameSize, method, methodSize, metadata, metadataSize, token) {
    return begin(
      vm,
      vm.memory.read(target, targetSize),
      { kind: "stream", ...requestOf(vm, name, nameSize, method, methodSize, metadata, metadataSize), timeoutMs: 0 },
      token,
    );
  },

  proxy_grpc_send(vm, token, message, size, endOfStream) {
    const bytes = vm.memory.read(message, size);
    return vm.context.root?.callouts.grpcSend(token, bytes, endOfStream !== 0) ?? Status.NotFound;
  },

  proxy_grpc_close: (vm, token) => vm.context.root?.callouts.grpcClose(token) ?? Status.NotFound,
  proxy_grpc_cancel: (vm, token) => vm.context.root?.callouts.grpcCancel(token) ?? Status.NotFound,
};

/** What calls and streams are begun with alike. */
function requestOf(
  vm: Vm,
  name: number,
  nameSize: number,
  method: number,
  methodSize: number,
  metadata: number,
  metadataSize: number,
): Pick<GrpcRequest, "service" | "method" | "initialMetadata"> {
  return {
    service: toText(vm.memory.read(name, nameSize)),
    method: toText(vm.memory.read(method, methodSize)),
    initialMetadata: new HeaderMap("request", decodePairs(vm.memory.read(metadata, metadataSize))),
  };
}

function begin(
  vm: Vm,
  target: Uint8Array,
  request: Omit<GrpcRequest, "cluster">,
  token: number,
  message?: Uint8Array,
): Status {
  const { root } = vm.context;
  if (root === undefined) return Status.InternalFailure;
  const fields = Fields.parse(target);
  if (fields !== undefined && fields.bytes(1).length === 0 && fields.bytes(2).length === 0) {
    vm.hazard("the gRPC service reads as a GrpcService without a target; an empty name does");
    return Status.InternalFailure;
  }
  const service = grpcService(target);
  const cluster = service?.cluster ?? toText(target);
  if (service === undefined && !vm.clusterExists(cluster)) return Status.ParseFailure;
  vm.services.quota.charge(request.initialMetadata.byteSize + (message?.length ?? 0), "a gRPC call");
  const call = root.callouts.grpcCall({ ...request, cluster }, vm.clusterExists(cluster));
  if (call === undefined) return Status.InternalFailure;
  if (message !== undefined) {
    call.messages.push(message);
    call.ended = true;
  }
  vm.memory.writeU32(token, call.token);
  return Status.Ok;
}

/**
 * A serialized envoy.config.core.v3.GrpcService with envoy_grpc (field 1) and its cluster_name (field 1). Undefined if
 * the bytes are none, and so the name of a cluster.
 */
function grpcService(bytes: Uint8Array): { readonly cluster: string } | undefined {
  const envoyGrpc = Fields.parse(bytes)?.bytes(1);
  const cluster = envoyGrpc && Fields.parse(envoyGrpc)?.text(1);
  return cluster === undefined || cluster === "" ? undefined : { cluster };
}
