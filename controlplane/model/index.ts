export { type Asset, type AssetReference, type Assets } from "./assets.ts";
export { filterProblem } from "./configuration.ts";
export { type Origin, type SourceFile } from "./document.ts";
export { durationMilliseconds } from "./duration.ts";
export { buildModel, loadModel, parseResources, type LoadResult, type ParsedResources } from "./load.ts";
export { formatPath, parsePath, type Path } from "./path.ts";
export { compareProblems, formatProblem, type Position, type Problem } from "./problem.ts";
export { quotaTerms, type QuotaTerms } from "./quota-terms.ts";
export type * from "./resources.ts";
