// The border of a callback.

import { arenaReset } from "./arena";
import { Scope, setCurrentContext } from "./scope";

/** How many callbacks are on the stack: a host call can enter the module again. */
let depth: i32 = 0;

/** A callback that another one interrupted. */
@final
class Interrupted {
  constructor(
    readonly scope: Scope,
    readonly outer: Interrupted | null,
  ) {}
}

let interrupted: Interrupted | null = null;

/** Changes whenever what was read from the host may no longer hold. */
export let epoch: u32 = 1;

/** @param context The context that the host calls. */
export function enterCallback(context: u32): void {
  if (depth) interrupted = new Interrupted(Scope.current(), interrupted);
  ++depth;
  ++epoch;
  setCurrentContext(context);
}

export function leaveCallback(): void {
  // @ts-ignore: see `compose/hooks.ts`.
  if (isDefined(__afterCallback)) {
    // @ts-ignore
    if (depth == 1) __afterCallback();
  }
  ++epoch;
  if (--depth) return resume();
  arenaReset();
  // The SDK's own runtime knows when a collection is due; another one (a unit test's, say) collects by its own rules.
  if (isDefined(__collectIfDue)) __collectIfDue();
}

function resume(): void {
  const callback = interrupted;
  if (callback === null) return;
  callback.scope.restore();
  interrupted = callback.outer;
}

/** Says that the host's state was changed, or another context made effective. */
export function forgetHostState(): void {
  ++epoch;
}
