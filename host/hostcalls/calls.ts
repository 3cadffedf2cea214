import { Status } from "../abi/enums.ts";
import { toText } from "../bytes.ts";
import { HeaderMap } from "../header-map.ts";
import { decodePairs } from "../pairs.ts";
import type { ForeignHost } from "../foreign/registry.ts";
import type { Vm } from "../vm.ts";
import type { HostCalls } from "./types.ts";

/** Calls out of the virtual machine: HTTP, gRPC, DNS and foreign functions. */
export const outgoingCalls: HostCalls<
  | "proxy_http_call"
  | "proxy_get_status"
  | "proxy_grpc_call"
  | "proxy_grpc_stream"
  | "proxy_grpc_send"
  | "proxy_grpc_close"
  | "proxy_grpc_cancel"
  | "envoy_resolve_dns"
  | "proxy_call_foreign_function"
> = {
  proxy_http_call(vm, name, nameSize, headers, headersSize, body, bodySize, trailers, trailersSize, timeout, token) {
    const cluster = toText(vm.memory.read(name, nameSize));
    const request = {
      cluster,
      body: vm.memory.read(body, bodySize),
      headers: new HeaderMap("request", decodePairs(vm.memory.read(headers, headersSize))),
      trailers: new HeaderMap("trailers", decodePairs(vm.memory.read(trailers, trailersSize))),
      timeoutMs: timeout | 0,
    };
    vm.memory.writeU32(token, 0);
    if (request.timeoutMs < 0 || !clusterExists(vm, cluster)) return Status.BadArgument;
    if ([":path", ":method", ":authority"].some((required) => !request.headers.has(required)))
      return Status.BadArgument;
    if (request.body.length > 0) request.headers.replace("content-length", String(request.body.length));
    const root = vm.context.root;
    if (root === undefined) return Status.InternalFailure;
    vm.services.quota.charge(request.body.length + request.headers.byteSize, "an HTTP call");
    vm.memory.writeU32(token, root.httpCall(request));
    return Status.Ok;
  },

  proxy_get_status(vm, codePointer, pointer, size) {
    const { code, message } = vm.context.root?.status ?? { code: 0, message: "" };
    vm.memory.writeU32(codePointer, code);
    vm.give(new TextEncoder().encode(message), pointer, size);
    return Status.Ok;
  },

  // This host makes no gRPC calls yet: it answers as Envoy does when a call cannot be begun.
  proxy_grpc_call(vm, service, size, name, nameSize, method, methodSize, metadata, metadataSize, request, requestSize) {
    readAll(vm, [service, size, name, nameSize, method, methodSize, metadata, metadataSize, request, requestSize]);
    return Status.InternalFailure;
  },

  proxy_grpc_stream(vm, service, size, name, nameSize, method, methodSize, metadata, metadataSize) {
    readAll(vm, [service, size, name, nameSize, method, methodSize, metadata, metadataSize]);
    return Status.InternalFailure;
  },

  proxy_grpc_send(vm, token, message, size) {
    readAll(vm, [message, size]);
    return kindOf(token) === CallKind.GrpcStream ? Status.NotFound : Status.BadArgument;
  },

  proxy_grpc_close: (_vm, token) => noSuchGrpcCall(token),
  proxy_grpc_cancel: (_vm, token) => noSuchGrpcCall(token),

  envoy_resolve_dns(vm, address, size) {
    readAll(vm, [address, size]);
    return Status.InternalFailure;
  },

  proxy_call_foreign_function(vm, name, nameSize, argument, argumentSize, pointer, size) {
    const call = vm.services.foreign.get(toText(vm.memory.read(name, nameSize)));
    const input = vm.memory.read(argument, argumentSize);
    if (call === undefined) return Status.NotFound;
    const { status, result } = call(input, foreignHost(vm));
    // A module that does not want the result passes 0 for where it should go.
    if (pointer !== 0) vm.memory.writeU32(pointer, result === undefined ? 0 : vm.allocate(result));
    if (size !== 0) vm.memory.writeU32(size, result?.length ?? 0);
    return status;
  },
};

/** The low two bits of a token. */
const CallKind = { HttpCall: 0, GrpcCall: 1, GrpcStream: 2 } as const;

function kindOf(token: number): number {
  return token & 3;
}

function noSuchGrpcCall(token: number): Status {
  const kind = kindOf(token);
  return kind === CallKind.GrpcCall || kind === CallKind.GrpcStream ? Status.NotFound : Status.BadArgument;
}

function readAll(vm: Vm, ranges: readonly number[]): void {
  for (let i = 0; i + 1 < ranges.length; i += 2) vm.memory.read(ranges[i] ?? 0, ranges[i + 1] ?? 0);
}

function clusterExists(vm: Vm, name: string): boolean {
  return vm.services.clusters?.has(name) ?? true;
}

/** No foreign function of Envoy is meant to give more than this; a module's whole memory is 1 GiB. */
const MAX_FOREIGN_RESULT = 256 * 1024 * 1024;

function foreignHost(vm: Vm): ForeignHost {
  const { context } = vm;
  return {
    clearRouteCache: () => context.clearRouteCache(),
    setEnvoyFilterState: (path, value) => context.setEnvoyFilterState(path, value),
    // Not the effective context: only what the root context declares while it runs itself has an effect.
    declareProperty: (name, options) => vm.runningContext.declareProperty(name, options),
    resultLimit: Math.max(1, Math.min(MAX_FOREIGN_RESULT, vm.services.quota.left)),
  };
}
