import { create } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Cluster_DiscoveryType, ClusterSchema } from "#gen/envoy/config/cluster/v3/cluster_pb.js";
import { ClusterLoadAssignmentSchema } from "#gen/envoy/config/endpoint/v3/endpoint_pb.js";
import type { LbEndpointSchema } from "#gen/envoy/config/endpoint/v3/endpoint_components_pb.js";
import { HttpProtocolOptionsSchema } from "#gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import { durationMilliseconds } from "../model/index.ts";
import type { Endpoint, Service } from "../model/index.ts";
import type { Resource } from "../xds/index.ts";
import { fromAds, resourceOf, socketAddress } from "./messages.ts";
import { inboundName, outboundName } from "./names.ts";

/** The application beside a sidecar. */
export function inboundCluster(service: Service, endpoint: Endpoint): Resource {
  const name = inboundName(service);
  const message = create(ClusterSchema, {
    ...common(service, name),
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
    loadAssignment: {
      clusterName: name,
      endpoints: [{ lbEndpoints: [lbEndpoint(endpoint.address, endpoint.port)] }],
    },
  });
  return resourceOf(ClusterSchema, name, message);
}

/** A Service as its clients see it. */
export function outboundCluster(service: Service): Resource {
  const name = outboundName(service.metadata.name, service.spec.port);
  const message = create(ClusterSchema, {
    ...common(service, name),
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: fromAds() },
  });
  return resourceOf(ClusterSchema, name, message);
}

/** The endpoints of {@link outboundCluster}: the sidecars, and the applications that have none. */
export function outboundEndpoints(service: Service): Resource {
  const name = outboundName(service.metadata.name, service.spec.port);
  const lbEndpoints = service.spec.endpoints.map(({ address, port, weight, sidecar }) =>
    sidecar === undefined
      ? lbEndpoint(address, port, weight)
      : lbEndpoint(sidecar.address ?? address, sidecar.inboundPort, weight),
  );
  const message = create(ClusterLoadAssignmentSchema, {
    clusterName: name,
    endpoints: lbEndpoints.length === 0 ? [] : [{ lbEndpoints }],
  });
  return resourceOf(ClusterLoadAssignmentSchema, name, message);
}

function common(
  { spec }: Service,
  name: string,
): Pick<MessageShape<typeof ClusterSchema>, "name" | "connectTimeout" | "typedExtensionProtocolOptions"> {
  return {
    name,
    connectTimeout: durationFromMs(durationMilliseconds(spec.connectTimeout)),
    // Without options Envoy speaks HTTP/1.1.
    typedExtensionProtocolOptions: spec.protocol === "HTTP2" ? { [HttpProtocolOptionsSchema.typeName]: http2 } : {},
  };
}

const http2: Any = anyPack(
  HttpProtocolOptionsSchema,
  create(HttpProtocolOptionsSchema, {
    upstreamProtocolOptions: {
      case: "explicitHttpConfig",
      value: { protocolConfig: { case: "http2ProtocolOptions", value: {} } },
    },
  }),
);

function lbEndpoint(address: string, port: number, weight = 1): MessageInitShape<typeof LbEndpointSchema> {
  return {
    hostIdentifier: { case: "endpoint", value: { address: socketAddress(address, port) } },
    loadBalancingWeight: weight,
  };
}
