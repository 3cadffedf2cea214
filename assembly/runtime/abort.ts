// What `abort`, a failed assertion and an uncaught `throw` do: say where, then trap.

import { LogLevel } from "../abi/enums";
import { log } from "../log";

/**
 * Logs the message with file, line and column, and traps. Envoy then fails the VM by the plugin's failure policy.
 * Used through asc's `--use abort=`, which the transform sets.
 */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const what = message === null ? "abort" : message;
  const where = file === null ? "unknown file" : file;
  log(LogLevel.Critical, `${what} at ${where}:${line}:${column}`);
  // @ts-ignore: see `compose/hooks.ts`.
  if (isDefined(__beforeTrap)) __beforeTrap();
  unreachable();
}
