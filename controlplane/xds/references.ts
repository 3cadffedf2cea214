import { fromBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";

import { Cluster_DiscoveryType, ClusterSchema } from "#gen/envoy/config/cluster/v3/cluster_pb.js";

import { stringsIn } from "./message-strings.ts";
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

const mentions = new WeakMap<Resource, ReadonlySet<string>>();

/** The field of every xDS resource that has its own name. */
const NAME = 1;

/**
 * Every name that a resource may refer to: all strings in it but its own name. That is more than it refers to, and
 * needs no knowledge of the extensions in it, of which any may name a cluster. A cluster mentions itself, since its
 * endpoints may have its name.
 */
export function mentionsOf(resource: Resource): ReadonlySet<string> {
  let known = mentions.get(resource);
  if (known === undefined) {
    const { value } = fromBinary(AnySchema, resource.body);
    known = stringsIn(value, resource.typeUrl === TypeUrl.cluster ? undefined : NAME);
    mentions.set(resource, known);
  }
  return known;
}
