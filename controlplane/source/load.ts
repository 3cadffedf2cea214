import { buildModel, parseResources } from "../model/index.ts";
import type { LoadResult } from "../model/index.ts";
import type { Source } from "./source.ts";

/** Reads what a source holds now, and the files that its resources name, into a model. */
export async function loadFromSource(source: Source): Promise<LoadResult> {
  const parsed = parseResources(await source.list());
  return buildModel(parsed, await source.readAssets(parsed.references));
}
