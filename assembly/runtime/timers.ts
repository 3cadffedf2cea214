// The tick of modules that have a `Timer`, to which the transform adds this file in place of the `proxy_on_tick` of others.

import { Status } from "../abi/enums";
import { enterCallback, leaveCallback } from "./callback";
import { rootOf } from "./exports";
import { dropTimers, fireTimers, setTimedTick } from "./tick";

export function proxy_on_tick(context: u32): void {
  enterCallback(context);
  if (rootOf(context) !== null) fireTimers(context);
  leaveCallback();
}

// @ts-ignore: decorator
@global
function __dropTimers(context: u32): void {
  dropTimers(context);
}

// @ts-ignore: decorator
@global
function __setTickPeriod(milliseconds: u32): Status {
  setTimedTick(milliseconds);
  return Status.Ok;
}
