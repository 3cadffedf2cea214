// Queues that all VMs of one process share.

import { Status } from "./abi/enums";
import {
  proxy_dequeue_shared_queue,
  proxy_enqueue_shared_queue,
  proxy_register_shared_queue,
  proxy_resolve_shared_queue,
} from "./abi/imports";
import { Bytes } from "./bytes";
import { Scope, currentRoot } from "./runtime/scope";

const queueOut: usize = memory.data(4);
const dataOut: usize = memory.data(4);
const sizeOut: usize = memory.data(4);

/** The plugins that registered each queue last. */
// @ts-ignore: decorator
@lazy const registered: Map<u32, Scope> = new Map<u32, Scope>();
let lastStatus: Status = Status.Ok;

/**
 * A queue of messages, first in, first out, shared by the workers of a process. It has no bound: messages that nobody takes stay.
 */
@final
export class SharedQueue {
  /** @param token The host's name of the queue. */
  constructor(readonly token: u32) {}

  /**
   * Makes a queue, or takes the one of this name, in the scope of this VM's `vm_id`. From now on `onQueueReady` of the current root
   * context is called when a message comes. The host calls one only: the last that registered the name, on whichever worker.
   * Null when the host refuses.
   */
  static register(name: string): SharedQueue | null {
    const key = Bytes.utf8(name);
    if (proxy_register_shared_queue(key.pointer, key.size, queueOut) != Status.Ok) return null;
    const token = load<u32>(queueOut);
    registered.set(token, Scope.ofRoot(currentRoot()));
    return new SharedQueue(token);
  }

  /**
   * A queue that another plugin registered, to put messages into. Null while there is none.
   * @param vmId The `vm_id` of that plugin; empty for this VM's own.
   */
  static resolve(vmId: string, name: string): SharedQueue | null {
    const vm = Bytes.utf8(vmId);
    const key = Bytes.utf8(name);
    const status = proxy_resolve_shared_queue(vm.pointer, vm.size, key.pointer, key.size, queueOut);
    return status == Status.Ok ? new SharedQueue(load<u32>(queueOut)) : null;
  }

  /** Puts a message at the end. `Status.NotFound` when the queue is gone. */
  enqueue(message: Bytes): Status {
    return proxy_enqueue_shared_queue(this.token, message.pointer, message.size);
  }

  /**
   * Takes the first message, valid until the callback returns. Null when there is none; `lastStatus` tells an empty queue
   * (`Status.Empty`) from one that is gone (`Status.NotFound`).
   */
  dequeue(): Bytes | null {
    lastStatus = proxy_dequeue_shared_queue(this.token, dataOut, sizeOut);
    return lastStatus == Status.Ok ? Bytes.at(load<usize>(dataOut), load<i32>(sizeOut)) : null;
  }

  /** How the last `dequeue` of any queue ended. */
  static get lastStatus(): Status {
    return lastStatus;
  }
}

/** The plugin to tell of a message in a queue; null for one that this VM did not register. */
export function registrantOf(token: u32): Scope | null {
  return registered.has(token) ? registered.get(token) : null;
}
