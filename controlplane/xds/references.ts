import { fromBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";

import { Cluster_DiscoveryType, ClusterSchema } from "#gen/envoy/config/cluster/v3/cluster_pb.js";

import type { Resource } from "./resource.ts";
import { TypeUrl } from "./type-url.ts";

const endpointsOf = new WeakMap<Resource, { readonly name: string | undefined }>();

/**
 * The name of the ClusterLoadAssignment that Envoy needs to warm this cluster, if it gets its endpoints by EDS.
 * A cluster that cannot be read has none: the client will say what is wrong with it.
 */
export function endpointName(resource: Resource): string | undefined {
  if (resource.typeUrl !== TypeUrl.cluster) return undefined;
  let known = endpointsOf.get(resource);
  if (known === undefined) {
    known = { name: readEndpointName(resource) };
    endpointsOf.set(resource, known);
  }
  return known.name;
}

function readEndpointName(resource: Resource): string | undefined {
  try {
    const cluster = fromBinary(ClusterSchema, fromBinary(AnySchema, resource.body).value);
    const { clusterDiscoveryType, edsClusterConfig, name } = cluster;
    if (clusterDiscoveryType.case !== "type" || clusterDiscoveryType.value !== Cluster_DiscoveryType.EDS)
      return undefined;
    return edsClusterConfig?.serviceName || name;
  } catch {
    return undefined;
  }
}
