export { ControlPlane } from "./control-plane.ts";
export { FaultySourceError } from "./followed-source.ts";
export type { ControlPlaneOptions } from "./control-plane-options.ts";
export { previewOf, type ChangePreview } from "./change-preview.ts";
export { checkOptions } from "./filter-checks.ts";
export type { Shadow, TriedFilter } from "./pre-checks.ts";
export { formatHostPort, type HostPort } from "./host-port.ts";
export { Pipeline, type PipelineOptions, type PrepareResult, type Release } from "./pipeline.ts";
