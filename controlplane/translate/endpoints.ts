import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  LbEndpointSchema,
  LocalityLbEndpointsSchema,
} from "#gen/envoy/config/endpoint/v3/endpoint_components_pb.js";
import { ClusterLoadAssignmentSchema } from "#gen/envoy/config/endpoint/v3/endpoint_pb.js";
import type { ClusterLoadAssignment } from "#gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { localityName } from "../model/index.ts";
import type { Endpoint, Locality, Service } from "../model/index.ts";
import type { Resource } from "../xds/index.ts";
import { resourceOf, socketAddress } from "./messages.ts";
import { outboundName } from "./names.ts";

/** Where a client is. */
export type Client = Pick<Endpoint, "locality">;

/** The endpoints of a Service, as EDS delivers them to the sidecar of `client`. */
export function outboundEndpoints(service: Service, client: Endpoint | undefined): Resource {
  const name = outboundName(service.metadata.name, service.spec.port);
  return resourceOf(ClusterLoadAssignmentSchema, name, loadAssignment(service, name, client));
}

/**
 * Where requests to a Service can go: the sidecars, and the applications that have none; those that are ready. By priority, and where the
 * Service prefers the same zone by how near they are to the client; Envoy goes on to the next priority as far as the
 * endpoints of the first are not healthy.
 */
export function loadAssignment(service: Service, name: string, client: Client | undefined): ClusterLoadAssignment {
  const { endpoints, trafficDistribution, loadBalancing } = service.spec;
  const isNear = trafficDistribution === "PreferSameZone" && client?.locality !== undefined;
  const groups = new Map<string, { rank: number; locality: Locality | undefined; members: Endpoint[] }>();
  for (const endpoint of endpoints) {
    if (!endpoint.ready) continue;
    const { locality, priority } = endpoint;
    const rank = priority * ranksOfDistance + (isNear ? distance(client.locality, locality) : 0);
    const key = `${rank} ${locality === undefined ? "" : localityName(locality)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { rank, locality, members: [endpoint] });
    else group.members.push(endpoint);
  }
  // Envoy wants the priorities in a row.
  const ranks = [...new Set([...groups.values()].map(({ rank }) => rank))].sort((a, b) => a - b);
  const weights = new Map((loadBalancing.localityWeights ?? []).map((entry) => [localityName(entry), entry.weight]));
  return create(ClusterLoadAssignmentSchema, {
    clusterName: name,
    endpoints: [...groups.values()]
      .sort((a, b) => a.rank - b.rank)
      .map(({ rank, locality, members }): MessageInitShape<typeof LocalityLbEndpointsSchema> => {
        const weight =
          weights.size === 0 ? undefined : weights.get(locality === undefined ? "" : localityName(locality));
        return {
          ...(locality === undefined ? {} : { locality }),
          priority: ranks.indexOf(rank),
          // A locality without a weight gets nothing in Envoy; one that is not named here gets the least there is.
          ...(weights.size === 0 ? {} : { loadBalancingWeight: weight ?? 1 }),
          lbEndpoints: members.map(({ address, port, weight, sidecar }) =>
            sidecar === undefined
              ? lbEndpoint(address, port, weight)
              : lbEndpoint(sidecar.address ?? address, sidecar.inboundPort, weight),
          ),
        };
      }),
  });
}

const ranksOfDistance = 4;

/** 0: the same sub-zone; 1: the same zone; 2: the same region; 3: elsewhere, or not known. */
function distance(from: Locality | undefined, to: Locality | undefined): number {
  if (from === undefined || to === undefined || from.region !== to.region) return 3;
  if (from.zone === "" || from.zone !== to.zone) return 2;
  return from.subZone === to.subZone ? 0 : 1;
}

export function lbEndpoint(address: string, port: number, weight = 1): MessageInitShape<typeof LbEndpointSchema> {
  return {
    hostIdentifier: { case: "endpoint", value: { address: socketAddress(address, port) } },
    loadBalancingWeight: weight,
  };
}
