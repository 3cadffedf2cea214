// What module top level asks for and cannot be done there: the host may not be called while the module starts.

/** Whether the host may be called: from the first root context on. */
export let hasStarted: bool = false;

let waiting: (() => void) | null = null;

/** Calls `work` before the first root context is made. */
export function whenStarted(work: () => void): void {
  waiting = work;
}

/** To be called before the first root context is made. */
export function start(): void {
  if (hasStarted) return;
  hasStarted = true;
  const work = waiting;
  if (work !== null) work();
}
