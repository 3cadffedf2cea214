import { Status } from "../abi/enums.ts";
import { toText } from "../bytes.ts";
import type { HostCalls } from "./types.ts";

/** Shared data and shared queues. */
export const sharedCalls: HostCalls<
  | "proxy_get_shared_data"
  | "proxy_set_shared_data"
  | "proxy_register_shared_queue"
  | "proxy_resolve_shared_queue"
  | "proxy_enqueue_shared_queue"
  | "proxy_dequeue_shared_queue"
> = {
  proxy_get_shared_data(vm, key, keySize, pointer, size, casPointer) {
    const item = vm.services.sharedData.get(vm.services.vmId, vm.memory.read(key, keySize));
    if (item === undefined) return Status.NotFound;
    vm.give(item.value, pointer, size);
    vm.memory.writeU32(casPointer, item.cas);
    return Status.Ok;
  },

  proxy_set_shared_data(vm, key, keySize, pointer, size, cas) {
    const name = vm.memory.read(key, keySize);
    const value = vm.memory.read(pointer, size);
    vm.services.quota.charge(name.length + value.length, "shared data");
    return vm.services.sharedData.set(vm.services.vmId, name, value, cas);
  },

  proxy_register_shared_queue(vm, name, nameSize, tokenPointer) {
    const { sharedQueues, vmId, quota } = vm.services;
    const queue = toText(vm.memory.read(name, nameSize));
    const root = vm.context.root;
    quota.charge(queue.length, "a shared queue");
    vm.memory.writeU32(
      tokenPointer,
      sharedQueues.register(vmId, queue, (token) => root?.queueReady(token)),
    );
    return Status.Ok;
  },

  proxy_resolve_shared_queue(vm, vmId, vmIdSize, name, nameSize, tokenPointer) {
    const owner = toText(vm.memory.read(vmId, vmIdSize)) || vm.services.vmId;
    const token = vm.services.sharedQueues.resolve(owner, toText(vm.memory.read(name, nameSize)));
    if (token === undefined) return Status.NotFound;
    vm.memory.writeU32(tokenPointer, token);
    return Status.Ok;
  },

  proxy_enqueue_shared_queue(vm, token, pointer, size) {
    const item = vm.memory.read(pointer, size);
    vm.services.quota.charge(item.length, "an item of a shared queue");
    const notify = vm.services.sharedQueues.enqueue(token, item);
    if (notify === undefined) return Status.NotFound;
    // Envoy posts it to the thread of the registered context, so it is never told from inside of this call.
    vm.afterCall(notify);
    return Status.Ok;
  },

  proxy_dequeue_shared_queue(vm, token, pointer, size) {
    const item = vm.services.sharedQueues.dequeue(token);
    if (typeof item === "number") return item;
    vm.give(item, pointer, size);
    return Status.Ok;
  },
};
