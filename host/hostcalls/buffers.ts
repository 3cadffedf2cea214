import { BufferType, isOneOf, Status } from "../abi/enums.ts";
import type { HostCalls } from "./types.ts";

/** Bodies, configurations and the data of calls. */
export const bufferCalls: HostCalls<"proxy_get_buffer_bytes" | "proxy_set_buffer_bytes" | "proxy_get_buffer_status"> = {
  proxy_get_buffer_bytes(vm, type, start, length, pointer, size) {
    if (!isOneOf(BufferType, type)) return Status.BadArgument;
    const buffer = vm.context.buffer(type);
    if (buffer === undefined) return Status.NotFound;
    // What lies past the end is left out. The sum cannot overflow: Envoy, too, adds in more than 32 bits.
    vm.give(buffer.bytes.slice(start, start + length), pointer, size);
    return Status.Ok;
  },

  proxy_set_buffer_bytes(vm, type, start, length, pointer, size) {
    if (!isOneOf(BufferType, type)) return Status.BadArgument;
    const buffer = vm.context.buffer(type);
    if (buffer === undefined) return Status.NotFound;
    return buffer.splice(start, length, vm.memory.read(pointer, size));
  },

  proxy_get_buffer_status(vm, type, lengthPointer, flagsPointer) {
    if (!isOneOf(BufferType, type)) return Status.BadArgument;
    const buffer = vm.context.buffer(type);
    if (buffer === undefined) return Status.NotFound;
    vm.memory.writeU32(lengthPointer, buffer.bytes.length);
    vm.memory.writeU32(flagsPointer, 0);
    return Status.Ok;
  },
};
