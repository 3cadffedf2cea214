import { existsSync, readFileSync } from "node:fs";
import { CodeMap } from "./code-map.ts";
import { FilterError } from "./filter-error.ts";

/** @throws FilterError when the file cannot be read. */
export function readModule(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new FilterError(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * The source map that a build put beside a module, if it did.
 * @throws FilterError when the file beside it is no source map.
 */
export function readCodeMap(file: string): CodeMap | undefined {
  if (!existsSync(`${file}.map`)) return undefined;
  try {
    return CodeMap.parse(readFileSync(`${file}.map`, "utf8"));
  } catch (error) {
    throw new FilterError(`${file}.map is no source map: ${error instanceof Error ? error.message : String(error)}`);
  }
}
