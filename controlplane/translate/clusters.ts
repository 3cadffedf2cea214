import { isIP } from "node:net";
import { create } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import type { MessageShape } from "@bufbuild/protobuf";
import {
  Cluster_DiscoveryType,
  Cluster_CustomClusterTypeSchema,
  Cluster_EdsClusterConfigSchema,
  ClusterSchema,
} from "#gen/envoy/config/cluster/v3/cluster_pb.js";
import type { Cluster, Cluster_CustomClusterType } from "#gen/envoy/config/cluster/v3/cluster_pb.js";
import { DnsLookupFamily } from "#gen/envoy/extensions/clusters/common/dns/v3/dns_pb.js";
import { DnsClusterSchema } from "#gen/envoy/extensions/clusters/dns/v3/dns_cluster_pb.js";
import { durationMilliseconds } from "../model/index.ts";
import type { Dns, Endpoint, ServedService, Service } from "../model/index.ts";
import type { Resource } from "../xds/index.ts";
import { connectionOptions } from "./connection-options.ts";
import { lbEndpoint, loadAssignment } from "./endpoints.ts";
import { healthChecks, outlierDetection } from "./health.ts";
import { circuitBreakers, loadBalancing } from "./load-balancing.ts";
import { fromAds, resourceOf } from "./messages.ts";
import { callerSocket, mtlsOf, type TrustDomains } from "./mtls.ts";
import { endpointSocket } from "./own-tls.ts";
import { inboundName, outboundName } from "./names.ts";
import type { TranslationSettings } from "./settings.ts";

/** The application beside a sidecar. */
export function inboundCluster(service: ServedService, endpoint: Endpoint): Resource {
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

const lookupFamilies: Readonly<Record<Dns["lookupFamily"], DnsLookupFamily>> = {
  V4Only: DnsLookupFamily.V4_ONLY,
  V6Only: DnsLookupFamily.V6_ONLY,
  V4Preferred: DnsLookupFamily.V4_PREFERRED,
  // Envoy looks for IPv6 first and takes IPv4 where there is none.
  V6Preferred: DnsLookupFamily.AUTO,
  All: DnsLookupFamily.ALL,
};

const everyFiveSeconds: Dns = { refreshRate: "5s", respectTTL: false, lookupFamily: "V4Preferred" };

/** A cluster whose endpoints' names are looked up; each address of a name is an endpoint. */
function dnsCluster({ refreshRate, respectTTL, lookupFamily }: Dns): Cluster_CustomClusterType {
  const message = create(DnsClusterSchema, {
    dnsRefreshRate: durationFromMs(durationMilliseconds(refreshRate)),
    respectDnsTtl: respectTTL,
    dnsLookupFamily: lookupFamilies[lookupFamily],
  });
  return create(Cluster_CustomClusterTypeSchema, {
    name: "envoy.cluster.dns",
    typedConfig: anyPack(DnsClusterSchema, message),
  });
}

/** A Service as its clients see it. What its policies say of endpoints holds here: every client's sidecar keeps to it. */
export function outboundCluster(
  service: ServedService,
  client: Endpoint | undefined,
  settings: TranslationSettings,
  trustDomains: TrustDomains | undefined,
): Resource {
  const { spec } = service;
  const name = outboundName(service.metadata.name, spec.port);
  const message: Cluster = create(ClusterSchema, {
    ...common(service, name),
    ...loadBalancing(spec),
    ...(spec.circuitBreakers === undefined ? {} : { circuitBreakers: circuitBreakers(spec.circuitBreakers) }),
    ...(spec.outlierDetection === undefined ? {} : { outlierDetection: outlierDetection(spec.outlierDetection) }),
    healthChecks: healthChecks(service),
    // An endpoint that is no more is not to be used until a check finds out.
    ignoreHealthOnHostRemoval: spec.healthCheck !== undefined,
  });
  if (trustDomains !== undefined && mtlsOf(service, settings) !== "Off")
    message.transportSocket = callerSocket(service, trustDomains);
  if (spec.endpointTls !== undefined)
    message.transportSocket = endpointSocket(spec.endpointTls, spec.protocol === "HTTP2" ? "h2" : "http/1.1");
  if (usesDns(service)) {
    // EDS has addresses only, so what is to be looked up comes with the cluster.
    message.clusterDiscoveryType = { case: "clusterType", value: dnsCluster(spec.dns ?? everyFiveSeconds) };
    message.loadAssignment = loadAssignment(service, name, client);
  } else {
    message.clusterDiscoveryType = { case: "type", value: Cluster_DiscoveryType.EDS };
    message.edsClusterConfig = create(Cluster_EdsClusterConfigSchema, { edsConfig: fromAds() });
  }
  return resourceOf(ClusterSchema, name, message);
}

/** Whether an endpoint has to be looked up. */
export function usesDns({ spec }: Service): boolean {
  return spec.endpoints.some(({ address }) => isIP(address) === 0);
}

function common(
  { spec }: ServedService,
  name: string,
): Pick<
  MessageShape<typeof ClusterSchema>,
  "name" | "connectTimeout" | "typedExtensionProtocolOptions" | "upstreamConnectionOptions"
> {
  return {
    name,
    connectTimeout: durationFromMs(durationMilliseconds(spec.connectTimeout)),
    ...connectionOptions(spec),
  };
}
