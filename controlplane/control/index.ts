export { ControlPlane, FaultySourceError, type ControlPlaneOptions, type ListenAddress } from "./control-plane.ts";
export { Pipeline, type PrepareResult, type Release } from "./pipeline.ts";
