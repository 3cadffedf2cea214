import {
  create,
  createRegistry,
  type MessageInitShape,
  toJson,
  type JsonObject,
  type Registry,
} from "@bufbuild/protobuf";
import { anyPack, DurationSchema, durationFromMs } from "@bufbuild/protobuf/wkt";
import { BootstrapSchema, type Bootstrap } from "#gen/envoy/config/bootstrap/v3/bootstrap_pb.js";
import { type Cluster, Cluster_DiscoveryType, ClusterSchema } from "#gen/envoy/config/cluster/v3/cluster_pb.js";
import { AddressSchema, type Address } from "#gen/envoy/config/core/v3/address_pb.js";
import type { BackoffStrategySchema } from "#gen/envoy/config/core/v3/backoff_pb.js";
import {
  AggregatedConfigSourceSchema,
  ApiConfigSource_ApiType,
  ApiVersion,
  ConfigSourceSchema,
  PathConfigSourceSchema,
  type ConfigSource,
} from "#gen/envoy/config/core/v3/config_source_pb.js";
import type { TransportSocket } from "#gen/envoy/config/core/v3/base_pb.js";
import { HistogramEmitMode, MetricsServiceConfigSchema } from "#gen/envoy/config/metrics/v3/metrics_service_pb.js";
import { HttpProtocolOptionsSchema } from "#gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import { UpstreamTlsContextSchema } from "#gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import type { HostPort } from "../control/index.ts";
import { adminCluster, clientSocket, type PeerNames } from "../translate/index.ts";
import { IDENTITY_SECRET, TRUST_SECRET, type CredentialFiles } from "./credentials.ts";
import { latencyBuckets } from "./histograms.ts";

export interface BootstrapOptions {
  /** Envoy's node id; a Service's endpoint names it as `sidecar.node`. */
  readonly node: string;
  /** The Service that the sidecar stands beside. */
  readonly service: string;
  /** Where the control plane serves xDS. */
  readonly xds: HostPort;
  /** Where the control plane serves modules. */
  readonly http: HostPort;
  /** Which of the two xDS protocols the sidecar speaks. */
  readonly protocol: "delta" | "sotw";
  /** Where Envoy's admin interface listens; none when left out. */
  readonly admin?: HostPort;
  /** How often the sidecar sends its statistics, in milliseconds. */
  readonly statsIntervalMs: number;
  /** The longest time that it waits between two tries to reach its control plane, in milliseconds; default: 5,000. */
  readonly reconnectMs?: number;
  /** How it speaks to its control plane; without encryption, and without showing who it is, when left out. */
  readonly tls?: {
    readonly files: CredentialFiles;
    /** What the control plane's certificate must name. */
    readonly server: PeerNames;
  };
}

export { writeCredentials, type CredentialFiles } from "./credentials.ts";

/** After a first try that failed; each time after that up to twice as long. Envoy's own default too. */
const FIRST_RECONNECT_MS = 500;

/** Names of the clusters that every sidecar has from its bootstrap. */
export const XDS_CLUSTER = "meshwright-xds";
export const MODULES_CLUSTER = "meshwright-modules";

/**
 * The bootstrap of a sidecar: where its control plane is, and nothing of what it will serve. Its statistics are streamed to
 * the control plane, which takes them, and no acknowledgement, as proof that a filter is loaded.
 */
export function createBootstrap(options: BootstrapOptions): Bootstrap {
  const overAds = (): ConfigSource => {
    const ads = { case: "ads", value: create(AggregatedConfigSourceSchema) } as const;
    return create(ConfigSourceSchema, { resourceApiVersion: ApiVersion.V3, configSourceSpecifier: ads });
  };
  return create(BootstrapSchema, {
    node: { id: options.node, cluster: options.service },
    ...(options.admin === undefined ? {} : { admin: { address: addressOf(options.admin) } }),
    dynamicResources: {
      adsConfig: {
        apiType: options.protocol === "delta" ? ApiConfigSource_ApiType.DELTA_GRPC : ApiConfigSource_ApiType.GRPC,
        transportApiVersion: ApiVersion.V3,
        setNodeOnFirstMessageOnly: true,
        grpcServices: [
          {
            targetSpecifier: {
              case: "envoyGrpc",
              value: { clusterName: XDS_CLUSTER, retryPolicy: { retryBackOff: backOff(options.reconnectMs ?? 5_000) } },
            },
          },
        ],
      },
      cdsConfig: overAds(),
      ldsConfig: overAds(),
    },
    staticResources: {
      clusters: [
        staticCluster(XDS_CLUSTER, options.xds, true, options.tls),
        staticCluster(MODULES_CLUSTER, options.http, false, options.tls),
        // For the listener of a Telemetry, which lets Prometheus read statistics.
        ...(options.admin === undefined ? [] : [staticCluster(adminCluster, options.admin, false, undefined)]),
      ],
    },
    statsSinks: [
      {
        name: "envoy.stat_sinks.metrics_service",
        configType: {
          case: "typedConfig",
          value: anyPack(
            MetricsServiceConfigSchema,
            create(MetricsServiceConfigSchema, {
              transportApiVersion: ApiVersion.V3,
              grpcService: { targetSpecifier: { case: "envoyGrpc", value: { clusterName: XDS_CLUSTER } } },
              // Ranges can be added up over sidecars and times; a summary's quantiles cannot.
              histogramEmitMode: HistogramEmitMode.HISTOGRAM,
            }),
          ),
        },
      },
    ],
    statsConfig: { histogramBucketSettings: [latencyBuckets()] },
    layeredRuntime: {
      layers: [
        {
          name: "meshwright",
          // Envoy's own limit for regular expressions, 100 steps, is less than an ordinary route can need.
          layerSpecifier: { case: "staticLayer", value: { "re2.max_program_size.error_level": 100_000 } },
        },
        // What the admin interface sets, above it.
        { name: "admin", layerSpecifier: { case: "adminLayer", value: {} } },
      ],
    },
    statsFlushInterval: durationFromMs(options.statsIntervalMs),
  });
}

/** The bootstrap as JSON, which Envoy reads as it is. */
export function bootstrapJson(bootstrap: Bootstrap): JsonObject {
  const json = toJson(BootstrapSchema, bootstrap, { registry: registry() });
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new TypeError("a bootstrap is an object");
  return json;
}

function registry(): Registry {
  return createRegistry(
    MetricsServiceConfigSchema,
    HttpProtocolOptionsSchema,
    DurationSchema,
    UpstreamTlsContextSchema,
  );
}

/**
 * Envoy waits a random time up to the interval, so that sidecars do not come back all at once. It stretches the interval to 30 s
 * unless it is told otherwise, and takes nothing else of a retry policy for xDS.
 */
function backOff(maxMs: number): MessageInitShape<typeof BackoffStrategySchema> {
  return {
    baseInterval: durationFromMs(Math.min(FIRST_RECONNECT_MS, maxMs)),
    maxInterval: durationFromMs(maxMs),
  };
}

function staticCluster(name: string, at: HostPort, isHttp2: boolean, tls: BootstrapOptions["tls"]): Cluster {
  return create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STRICT_DNS },
    connectTimeout: durationFromMs(2000),
    loadAssignment: {
      clusterName: name,
      endpoints: [
        {
          lbEndpoints: [{ hostIdentifier: { case: "endpoint", value: { address: addressOf(at) } } }],
        },
      ],
    },
    ...(isHttp2 ? { typedExtensionProtocolOptions: http2Options() } : {}),
    ...(tls === undefined ? {} : { transportSocket: tlsSocket(tls, isHttp2) }),
  });
}

function tlsSocket({ files, server }: NonNullable<BootstrapOptions["tls"]>, isHttp2: boolean): TransportSocket {
  const fromFile = (path: string): ConfigSource => {
    const file = { case: "pathConfigSource", value: create(PathConfigSourceSchema, { path }) } as const;
    return create(ConfigSourceSchema, { resourceApiVersion: ApiVersion.V3, configSourceSpecifier: file });
  };
  return clientSocket({
    certificate: { name: IDENTITY_SECRET, from: fromFile(files.identity) },
    trust: { name: TRUST_SECRET, from: fromFile(files.trust) },
    peers: [server],
    ...(isHttp2 ? { alpn: ["h2"] } : {}),
  });
}

function http2Options(): Cluster["typedExtensionProtocolOptions"] {
  const options = create(HttpProtocolOptionsSchema, {
    upstreamProtocolOptions: {
      case: "explicitHttpConfig",
      value: {
        protocolConfig: {
          case: "http2ProtocolOptions",
          // A control plane that is gone without a word is noticed, and another one can be reached.
          value: { connectionKeepalive: { interval: durationFromMs(30_000), timeout: durationFromMs(5_000) } },
        },
      },
    },
  });
  return {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": anyPack(HttpProtocolOptionsSchema, options),
  };
}

function addressOf({ host, port }: HostPort): Address {
  return create(AddressSchema, {
    address: {
      case: "socketAddress",
      value: { address: host, portSpecifier: { case: "portValue", value: port } },
    },
  });
}
