// The border of a callback.

import { arenaReset } from "./arena";

/** How many callbacks are on the stack: a host call can enter the module again. */
let depth: i32 = 0;

/** Changes whenever what was read from the host may no longer hold. */
export let epoch: u32 = 1;

export function enterCallback(): void {
  ++depth;
  ++epoch;
}

export function leaveCallback(): void {
  ++epoch;
  if (--depth) return;
  arenaReset();
  // The SDK's own runtime knows when a collection is due; another one (a unit test's, say) collects by its own rules.
  if (isDefined(__collectIfDue)) __collectIfDue();
}

/** Says that the host's state was changed, or another context made effective. */
export function forgetHostState(): void {
  ++epoch;
}
