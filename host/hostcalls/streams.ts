import { isOneOf, Status, StreamType } from "../abi/enums.ts";
import { toText } from "../bytes.ts";
import { HeaderMap } from "../header-map.ts";
import { decodePairs } from "../pairs.ts";
import { encodeProperty } from "../properties.ts";
import type { HostCalls } from "./types.ts";

const MAX_GRPC_STATUS = 16;

/** Streams, contexts and properties. */
export const streamCalls: HostCalls<
  | "proxy_continue_stream"
  | "proxy_close_stream"
  | "proxy_send_local_response"
  | "proxy_set_effective_context"
  | "proxy_done"
  | "proxy_get_property"
  | "proxy_set_property"
> = {
  proxy_continue_stream(vm, type) {
    return isOneOf(StreamType, type) ? vm.context.continueStream(type) : Status.BadArgument;
  },

  proxy_close_stream(vm, type) {
    return isOneOf(StreamType, type) ? vm.context.closeStream(type) : Status.BadArgument;
  },

  proxy_send_local_response(vm, status, details, detailsSize, body, bodySize, headers, headersSize, grpcStatus) {
    const reply = {
      status,
      details: toText(vm.memory.read(details, detailsSize)).replace(/\s/g, "_"),
      body: vm.memory.read(body, bodySize),
      headers: new HeaderMap("response", decodePairs(vm.memory.read(headers, headersSize))),
      grpcStatus: grpcStatus <= MAX_GRPC_STATUS ? grpcStatus : undefined,
    };
    vm.context.sendLocalReply(reply);
    vm.stopIteration = true;
    return Status.Ok;
  },

  proxy_set_effective_context(vm, id) {
    if (!vm.contexts.has(id)) return Status.BadArgument;
    vm.setEffectiveContext(id);
    return Status.Ok;
  },

  proxy_done(vm) {
    return vm.context.root?.done() ?? Status.NotFound;
  },

  proxy_get_property(vm, path, pathSize, pointer, size) {
    const parts = toText(vm.memory.read(path, pathSize)).split("\0");
    // The path may end with a NUL or not.
    if (parts.at(-1) === "") parts.pop();
    if (parts.length === 0) return Status.SerializationFailure;
    const value = vm.context.property(parts);
    if (value === undefined) return Status.NotFound;
    vm.give(encodeProperty(value), pointer, size);
    return Status.Ok;
  },

  proxy_set_property(vm, path, pathSize, pointer, size) {
    const name = toText(vm.memory.read(path, pathSize));
    const value = vm.memory.read(pointer, size);
    vm.services.quota.charge(name.length + value.length, "a property");
    return vm.context.setProperty(name, value);
  },
};
