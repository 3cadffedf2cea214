import type { DescService } from "@bufbuild/protobuf";
import type { ServiceDefinition, UntypedHandleCall, UntypedServiceImplementation } from "@grpc/grpc-js";

import { ClusterDiscoveryService } from "#gen/envoy/service/cluster/v3/cds_pb.js";
import { AggregatedDiscoveryService } from "#gen/envoy/service/discovery/v3/ads_pb.js";
import { DiscoveryRequestSchema } from "#gen/envoy/service/discovery/v3/discovery_pb.js";
import { EndpointDiscoveryService } from "#gen/envoy/service/endpoint/v3/eds_pb.js";
import { ExtensionConfigDiscoveryService } from "#gen/envoy/service/extension/v3/config_discovery_pb.js";
import { ListenerDiscoveryService } from "#gen/envoy/service/listener/v3/lds_pb.js";
import { RouteDiscoveryService, VirtualHostDiscoveryService } from "#gen/envoy/service/route/v3/rds_pb.js";
import { ScopedRoutesDiscoveryService } from "#gen/envoy/service/route/v3/srds_pb.js";
import { RuntimeDiscoveryService } from "#gen/envoy/service/runtime/v3/rtds_pb.js";
import { SecretDiscoveryService } from "#gen/envoy/service/secret/v3/sds_pb.js";

import type { Protocol } from "./observer.ts";
import { rawMethod } from "./raw-method.ts";
import { TypeUrl } from "./type-url.ts";

/** The gRPC services of xDS, and the type of those that serve only one; the aggregated service serves all. */
const SERVICES: readonly (readonly [DescService, string | undefined])[] = [
  [AggregatedDiscoveryService, undefined],
  [ClusterDiscoveryService, TypeUrl.cluster],
  [EndpointDiscoveryService, TypeUrl.endpoint],
  [ListenerDiscoveryService, TypeUrl.listener],
  [ExtensionConfigDiscoveryService, TypeUrl.extensionConfig],
  [ScopedRoutesDiscoveryService, TypeUrl.scopedRoute],
  [RouteDiscoveryService, TypeUrl.route],
  [VirtualHostDiscoveryService, TypeUrl.virtualHost],
  [SecretDiscoveryService, TypeUrl.secret],
  [RuntimeDiscoveryService, TypeUrl.runtime],
];

export interface XdsService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** The streaming methods of every service. */
export function xdsServices(
  handler: (protocol: Protocol, typeUrl: string | undefined) => UntypedHandleCall,
): XdsService[] {
  return SERVICES.map(([service, typeUrl]) => {
    const definition: Record<string, ServiceDefinition[string]> = {};
    const implementation: UntypedServiceImplementation = {};
    for (const method of service.methods) {
      if (method.methodKind !== "bidi_streaming") continue;
      definition[method.name] = rawMethod(`/${service.typeName}/${method.name}`, true);
      const protocol = method.input.typeName === DiscoveryRequestSchema.typeName ? "sotw" : "delta";
      implementation[method.name] = handler(protocol, typeUrl);
    }
    return { definition, implementation };
  });
}
