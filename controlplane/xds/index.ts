export type { Locality, NodeInfo } from "./node.ts";
export {
  createResource,
  createStagedResource,
  contentHash,
  encodeAny,
  type Resource,
  type Staging,
  type Variant,
} from "./resource.ts";
export {
  createResourceSet,
  createSnapshot,
  snapshotOf,
  type ResourceSet,
  type Snapshot,
  type SnapshotSource,
} from "./snapshot.ts";
export { SERVED_TYPES, TypeUrl } from "./type-url.ts";
