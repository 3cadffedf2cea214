import { buildModel, parseResources } from "../model/index.ts";
import type { LoadResult, ParsedFiles } from "../model/index.ts";
import type { Source } from "./source.ts";

/**
 * Reads what a source holds now, and the files that its resources name, into a model.
 *
 * @param known the files of an earlier reading; those that are still as they were are not parsed again.
 */
export async function loadFromSource(source: Source, known?: ParsedFiles): Promise<LoadResult> {
  const parsed = parseResources(await source.list(), known);
  return buildModel(parsed, await source.readAssets(parsed.references));
}
