// Data that all VMs with the same vm_id in one process share, on every worker.

import { Status } from "../abi/enums";
import { proxy_get_shared_data, proxy_set_shared_data } from "../abi/imports";
import { Bytes } from "../bytes";

const dataOut: usize = memory.data(4);
const sizeOut: usize = memory.data(4);
const casOut: usize = memory.data(4);

/** A value with the number to hand to `setSharedData`; valid until the callback returns. */
@unmanaged
@final
export class SharedValue {
  bytes: Bytes;
  cas: u32;
}

const current: SharedValue = changetype<SharedValue>(memory.data(offsetof<SharedValue>()));

/**
 * A number for `setSharedData` that no value has: an absent key is created, and one that another worker created in the meantime
 * stays as it is (`Status.CasMismatch`). Envoy counts these numbers up from 1, for all keys together.
 */
// @ts-ignore: decorator
@inline export const CREATE: u32 = u32.MAX_VALUE;

/** The value of a key, or null when it is absent. The result is overwritten by the next call. */
export function getSharedData(key: Bytes): SharedValue | null {
  if (proxy_get_shared_data(key.pointer, key.size, dataOut, sizeOut, casOut) != Status.Ok) return null;
  current.bytes = Bytes.at(load<usize>(dataOut), load<i32>(sizeOut));
  current.cas = load<u32>(casOut);
  return current;
}

/**
 * Sets a key. With a `cas` other than 0 it is set only if the value is still the one that `getSharedData` gave that number
 * for (`Status.CasMismatch` otherwise). An absent key is set whatever the `cas`: `CREATE` is the one to create a key with.
 * There is no way to delete a key; an empty value is the smallest.
 * `updateSharedData` does the whole of reading, changing and setting.
 */
export function setSharedData(key: Bytes, value: Bytes, cas: u32 = 0): Status {
  return proxy_set_shared_data(key.pointer, key.size, value.pointer, value.size, cas);
}
