import { Status } from "../abi/enums.ts";
import { toText } from "../bytes.ts";
import { HeaderMap } from "../header-map.ts";
import { decodePairs } from "../pairs.ts";
import type { ForeignHost } from "../foreign/registry.ts";
import type { Vm } from "../vm.ts";
import type { HostCalls } from "./types.ts";

/** Calls out of the virtual machine: HTTP, DNS and foreign functions. */
export const outgoingCalls: HostCalls<
  "proxy_http_call" | "proxy_get_status" | "envoy_resolve_dns" | "proxy_call_foreign_function"
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
    if (request.timeoutMs < 0 || !vm.clusterExists(cluster)) return Status.BadArgument;
    if ([":path", ":method", ":authority"].some((required) => !request.headers.has(required)))
      return Status.BadArgument;
    if (request.body.length > 0) request.headers.replace("content-length", String(request.body.length));
    const root = vm.context.root;
    if (root === undefined) return Status.InternalFailure;
    vm.services.quota.charge(request.body.length + request.headers.byteSize, "an HTTP call");
    vm.memory.writeU32(token, root.callouts.httpCall(request));
    return Status.Ok;
  },

  proxy_get_status(vm, codePointer, pointer, size) {
    const { code, message } = vm.context.root?.callouts.status ?? { code: 0, message: "" };
    vm.memory.writeU32(codePointer, code);
    vm.give(new TextEncoder().encode(message), pointer, size);
    return Status.Ok;
  },

  envoy_resolve_dns(vm, address, size) {
    vm.memory.read(address, size);
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

/** No foreign function of Envoy is meant to give more than this; a module's whole memory is 1 GiB. */
const MAX_FOREIGN_RESULT = 256 * 1024 * 1024;

function foreignHost(vm: Vm): ForeignHost {
  const { context } = vm;
  return {
    clearRouteCache: () => context.clearRouteCache(),
    setEnvoyFilterState: (path, value) => context.setEnvoyFilterState(path, value),
    // Not the effective context: only what the root context declares while it runs itself has an effect.
    declareProperty: (name, options) => vm.runningContext.declareProperty(name, options),
    property: (name) => context.property([name]),
    machine: vm,
    resultLimit: Math.max(1, Math.min(MAX_FOREIGN_RESULT, vm.services.quota.left)),
  };
}
