// Why the callout that is being answered failed.

import { Status } from "../abi/enums";
import { proxy_get_status } from "../abi/imports";
import { Bytes } from "../bytes";

const codeOut: usize = memory.data(4);
const messageOut: usize = memory.data(4);
const sizeOut: usize = memory.data(4);

let code: u32 = 0;

/** Reads the status: gives its message, and its code in `calloutCode`. */
export function calloutMessage(): string {
  code = 0;
  if (proxy_get_status(codeOut, messageOut, sizeOut) != Status.Ok) return "";
  code = load<u32>(codeOut);
  return Bytes.at(load<usize>(messageOut), load<i32>(sizeOut)).toString();
}

/** The code of the last `calloutMessage`. */
export function calloutCode(): u32 {
  return code;
}
