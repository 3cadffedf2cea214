export type { DeliveryOptions } from "./delivery.ts";
export { ProxyMemory } from "./delivery.ts";
export type { Caller } from "./driver.ts";
export { ANY_SERVICE, type Locality, type NodeInfo } from "./node.ts";
export { nodeInfo } from "./decode.ts";
export type { Connection, ConnectionObserver, Protocol, StreamObserver } from "./observer.ts";
export type { NamedVersion, Outcome } from "./outcome.ts";
export { Pace, Queue } from "./pace.ts";
export { rawMethod } from "./raw-method.ts";
export {
  contentHash,
  createResource,
  createStagedResource,
  encodeAny,
  MIN_TTL_MS,
  type Resource,
  type ResourceOptions,
  type Staging,
  type Variant,
} from "./resource.ts";
export { XdsServer, type XdsServerOptions } from "./server.ts";
export {
  createLayeredSet,
  createResourceSet,
  createSnapshot,
  snapshotOf,
  updatedLayeredSet,
  updatedSet,
  type ResourceSet,
  type Snapshot,
  type SnapshotSource,
} from "./snapshot.ts";
export type { Rejection, ResourceState, ResourceStatus, TypeStatus } from "./status.ts";
export type { Standing } from "./stream.ts";
export { SERVED_TYPES, TypeUrl, typeNameOf } from "./type-url.ts";
