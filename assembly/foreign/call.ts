// Functions that a host offers beyond the ABI.

import { Status } from "../abi/enums";
import { proxy_call_foreign_function } from "../abi/imports";
import { Bytes } from "../bytes";

const dataOut: usize = memory.data(4);
const sizeOut: usize = memory.data(4);

/** What the last foreign function gave; valid until the callback returns. */
export let foreignResult: Bytes = changetype<Bytes>(0);

/** What the last foreign function answered: `Status.NotFound` when the host does not know it. */
export let foreignStatus: Status = Status.Ok;

/**
 * Calls a function of the host by name; its result is in `foreignResult`.
 * `Status.NotFound` when the host does not know it, else what the function answers.
 */
export function callForeignFunction(name: string, argument: Bytes | null = null): Status {
  const key = Bytes.utf8(name);
  store<u32>(dataOut, 0);
  store<u32>(sizeOut, 0);
  const pointer = argument === null ? <usize>0 : argument.pointer;
  const size = argument === null ? <usize>0 : <usize>argument.size;
  foreignStatus = proxy_call_foreign_function(key.pointer, key.size, pointer, size, dataOut, sizeOut);
  foreignResult = Bytes.at(load<usize>(dataOut), load<i32>(sizeOut));
  return foreignStatus;
}
