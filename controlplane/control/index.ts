export { ControlPlane, FaultySourceError, type ControlPlaneOptions } from "./control-plane.ts";
export { formatHostPort, type HostPort } from "./host-port.ts";
export { Pipeline, type PrepareResult, type Release } from "./pipeline.ts";
