import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import {
  Cluster_CustomClusterTypeSchema,
  Cluster_LbPolicy,
  ClusterSchema,
} from "#gen/envoy/config/cluster/v3/cluster_pb.js";
import { Cluster_DnsLookupFamily } from "#gen/envoy/config/cluster/v3/cluster_pb.js";
import { ClusterConfigSchema } from "#gen/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.js";
import { DnsCacheConfigSchema } from "#gen/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache_pb.js";
import { FilterConfigSchema } from "#gen/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb.js";
import {
  HttpFilterSchema,
  type HttpFilter,
} from "#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import type { Resource } from "../xds/index.ts";
import { resourceOf } from "./messages.ts";

/** The cluster of hosts that are no Service's, where these are let through. */
export const PASSTHROUGH = "passthrough";

/** One for the filter and the cluster: Envoy refuses two caches of one name that differ. */
const dnsCacheConfig = create(DnsCacheConfigSchema, {
  name: PASSTHROUGH,
  dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
});

/** Looks the host of a request up, where its route leads to {@link passthroughCluster}; other requests just pass it. */
export const passthroughFilter: HttpFilter = create(HttpFilterSchema, {
  name: "envoy.filters.http.dynamic_forward_proxy",
  configType: {
    case: "typedConfig",
    value: anyPack(
      FilterConfigSchema,
      create(FilterConfigSchema, { implementationSpecifier: { case: "dnsCacheConfig", value: dnsCacheConfig } }),
    ),
  },
});

export const passthroughCluster: Resource = resourceOf(
  ClusterSchema,
  PASSTHROUGH,
  create(ClusterSchema, {
    name: PASSTHROUGH,
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    clusterDiscoveryType: {
      case: "clusterType",
      value: create(Cluster_CustomClusterTypeSchema, {
        name: "envoy.clusters.dynamic_forward_proxy",
        typedConfig: anyPack(
          ClusterConfigSchema,
          create(ClusterConfigSchema, {
            clusterImplementationSpecifier: { case: "dnsCacheConfig", value: dnsCacheConfig },
          }),
        ),
      }),
    },
  }),
);
