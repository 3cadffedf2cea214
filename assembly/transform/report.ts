import { DiagnosticCode } from "assemblyscript";
import type { DiagnosticEmitter, Range } from "assemblyscript";

/** Says what is wrong at a place in the source. */
export type Report = (at: Range, message: string) => void;

/** Faults become errors of the compiler, with file, line and column; it ends before it compiles if there are any. */
export function reporter(emitter: DiagnosticEmitter): Report {
  return (at, message) => emitter.error(DiagnosticCode.Transform_0_1, at, "proxy-wasm-assemblyscript-sdk", message);
}
