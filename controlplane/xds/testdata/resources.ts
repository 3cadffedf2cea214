import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";

import { Cluster_DiscoveryType, ClusterSchema } from "#gen/envoy/config/cluster/v3/cluster_pb.js";
import { ApiVersion } from "#gen/envoy/config/core/v3/config_source_pb.js";
import { TypedExtensionConfigSchema } from "#gen/envoy/config/core/v3/extension_pb.js";
import { ClusterLoadAssignmentSchema } from "#gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { ListenerSchema } from "#gen/envoy/config/listener/v3/listener_pb.js";
import { RouteConfigurationSchema } from "#gen/envoy/config/route/v3/route_pb.js";
import { OnDemandSchema } from "#gen/envoy/extensions/filters/http/on_demand/v3/on_demand_pb.js";
import { RouterSchema } from "#gen/envoy/extensions/filters/http/router/v3/router_pb.js";
import { WasmSchema } from "#gen/envoy/extensions/filters/http/wasm/v3/wasm_pb.js";
import {
  HttpConnectionManager_CodecType,
  HttpConnectionManagerSchema,
} from "#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";

import {
  contentHash,
  createResource,
  createStagedResource,
  encodeAny,
  type Resource,
  type ResourceOptions,
  TypeUrl,
  type Variant,
} from "../index.ts";

export const ADS = { resourceApiVersion: ApiVersion.V3, configSourceSpecifier: { case: "ads", value: {} } } as const;

/** A cluster with endpoints by EDS, under `<name>-endpoints`. */
export function edsCluster(name: string, connectTimeoutSeconds = 1): Resource {
  return resource(name, TypeUrl.cluster, ClusterSchema, {
    name,
    connectTimeout: { seconds: BigInt(connectTimeoutSeconds) },
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { serviceName: `${name}-endpoints`, edsConfig: ADS },
  });
}

export function endpoints(cluster: string, port: number, options: ResourceOptions = {}): Resource {
  const init: MessageInitShape<typeof ClusterLoadAssignmentSchema> = {
    clusterName: `${cluster}-endpoints`,
    endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: "endpoint", value: { address: socketAddress(port) } } }] }],
  };
  return resource(`${cluster}-endpoints`, TypeUrl.endpoint, ClusterLoadAssignmentSchema, init, options);
}

/**
 * A listener with routes by RDS, and HTTP filters by ECDS, which answers 500 while one of them is missing.
 *
 * @param onDemand whether it asks for virtual hosts on demand.
 */
export function listener(
  name: string,
  port: number,
  route: string,
  filters: readonly string[] = [],
  { onDemand = false, ...options }: ResourceOptions & { readonly onDemand?: boolean } = {},
): Resource {
  const manager = create(HttpConnectionManagerSchema, {
    codecType: HttpConnectionManager_CodecType.AUTO,
    statPrefix: name,
    routeSpecifier: { case: "rds", value: { routeConfigName: route, configSource: ADS } },
    httpFilters: [
      ...filters.map((filter) => ({
        name: filter,
        configType: {
          case: "configDiscovery" as const,
          value: { configSource: ADS, typeUrls: [`type.googleapis.com/${WasmSchema.typeName}`] },
        },
      })),
      ...(onDemand
        ? [{ name: "on-demand", configType: { case: "typedConfig" as const, value: any(OnDemandSchema, {}) } }]
        : []),
      {
        name: "router",
        configType: { case: "typedConfig" as const, value: any(RouterSchema, {}) },
      },
    ],
  });
  const init: MessageInitShape<typeof ListenerSchema> = {
    name,
    address: socketAddress(port),
    filterChains: [
      {
        filters: [
          { name: "http", configType: { case: "typedConfig", value: any(HttpConnectionManagerSchema, manager) } },
        ],
      },
    ],
  };
  return resource(name, TypeUrl.listener, ListenerSchema, init, options);
}

export function route(name: string, cluster: string): Resource {
  return resource(name, TypeUrl.route, RouteConfigurationSchema, {
    name,
    virtualHosts: [
      {
        name: "all",
        domains: ["*"],
        routes: [
          {
            match: { pathSpecifier: { case: "prefix", value: "/" } },
            action: { case: "route", value: { clusterSpecifier: { case: "cluster", value: cluster } } },
          },
        ],
      },
    ],
  });
}

export interface WasmOptions {
  readonly sha256: string;
  /** The cluster that serves the module. */
  readonly cluster: string;
  readonly vmId?: string;
}

/** A Wasm filter whose code Envoy fetches, delivered in stages. */
export function wasmFilter(name: string, options: WasmOptions): Resource {
  const base = contentHash(name, JSON.stringify(options));
  const variant = (version: string, query: string, nack: boolean): Variant => ({
    version,
    body: encodeAny(TypeUrl.extensionConfig, wasmConfig(name, options, query, nack)),
  });
  return createStagedResource(name, TypeUrl.extensionConfig, base, {
    module: options.sha256,
    variant: (n) => (n === 0 ? variant(base, "", true) : variant(`${base}+${n}`, `?attempt=${n}`, true)),
    warming: variant(`${base}+w`, "", false),
  });
}

export function wasmConfig(
  name: string,
  options: WasmOptions,
  query: string,
  nackOnCodeCacheMiss: boolean,
): Uint8Array {
  const { sha256, cluster, vmId } = options;
  const typedConfig = any(WasmSchema, {
    config: {
      name,
      vm: {
        case: "vmConfig",
        value: {
          vmId: vmId ?? "",
          runtime: "envoy.wasm.runtime.v8",
          nackOnCodeCacheMiss,
          code: {
            specifier: {
              case: "remote",
              value: {
                sha256,
                httpUri: {
                  uri: `http://modules/${sha256}${query}`,
                  httpUpstreamType: { case: "cluster", value: cluster },
                  timeout: { seconds: 5n },
                },
              },
            },
          },
        },
      },
    },
  });
  return toBinary(TypedExtensionConfigSchema, create(TypedExtensionConfigSchema, { name, typedConfig }));
}

function socketAddress(port: number) {
  return {
    address: {
      case: "socketAddress",
      value: { address: "127.0.0.1", portSpecifier: { case: "portValue", value: port } },
    },
  } as const;
}

export function resource<Desc extends DescMessage>(
  name: string,
  typeUrl: string,
  schema: Desc,
  init: MessageInitShape<Desc>,
  options: ResourceOptions = {},
): Resource {
  return createResource(name, typeUrl, toBinary(schema, create(schema, init)), options);
}

function any<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): Pick<Any, "typeUrl" | "value"> {
  return { typeUrl: `type.googleapis.com/${schema.typeName}`, value: toBinary(schema, create(schema, init)) };
}
