import { readFileSync } from "node:fs";
import { FilterError } from "./filter-error.ts";

/** @throws FilterError when the file cannot be read. */
export function readModule(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new FilterError(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
