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
import { CredentialInjectorSchema } from "#gen/envoy/extensions/filters/http/credential_injector/v3/credential_injector_pb.js";
import { RouterSchema } from "#gen/envoy/extensions/filters/http/router/v3/router_pb.js";
import { UpstreamCodecSchema } from "#gen/envoy/extensions/filters/http/upstream_codec/v3/upstream_codec_pb.js";
import { HttpConnectionManagerSchema } from "#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { GenericSchema } from "#gen/envoy/extensions/http/injected_credentials/generic/v3/generic_pb.js";
import { HttpProtocolOptionsSchema } from "#gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import { UpstreamTlsContextSchema } from "#gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import type { HostPort } from "../control/host-port.ts";
import { adminCluster } from "../translate/names.ts";
import { clientSocket, type PeerNames } from "../translate/tls.ts";
import { IDENTITY_SECRET, TRUST_SECRET, type CredentialFiles } from "./credentials.ts";
import { latencyBuckets } from "./histograms.ts";
import { probeClusters, readinessListener, type Readiness } from "./readiness.ts";
import { tokenFilters, type TokenFiles } from "./token.ts";

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
    /** What shows who the sidecar is, and whom it trusts. */
    readonly by: { readonly files: CredentialFiles } | { readonly token: TokenFiles; readonly trust: string };
    /** What the control plane's certificate must name. */
    readonly server: PeerNames;
  };
  /** Where it answers GET /ready to everybody, with 200 once it serves; needs {@link admin}. Nowhere when left out. */
  readonly readiness?: Readiness;
  /** Whether it is ready no sooner than its control plane has told it what to serve. Default: it is after 15 s anyway. */
  readonly waits?: boolean;
}

export { writeCredentials, type CredentialFiles, type GivenIdentity, type GivenTrust } from "./credentials.ts";
export { grpcBootstrap, writePemFiles, type PemFiles } from "./grpc.ts";
export type { ForwardedProbe, Readiness } from "./readiness.ts";
export { tokenSecret, type TokenFiles } from "./token.ts";

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
  const { admin, readiness, waits = false } = options;
  const overAds = (): ConfigSource => {
    const ads = { case: "ads", value: create(AggregatedConfigSourceSchema) } as const;
    const patience = waits ? { initialFetchTimeout: durationFromMs(0) } : {};
    return create(ConfigSourceSchema, { resourceApiVersion: ApiVersion.V3, configSourceSpecifier: ads, ...patience });
  };
  return create(BootstrapSchema, {
    node: { id: options.node, cluster: options.service },
    ...(admin === undefined ? {} : { admin: { address: addressOf(admin) } }),
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
        ...(admin === undefined ? [] : [staticCluster(adminCluster, admin, false, undefined)]),
        ...probeClusters(readiness).map(([name, at]) => staticCluster(name, at, false, undefined)),
      ],
      listeners: readiness === undefined ? [] : [readinessListener(readiness)],
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
    CredentialInjectorSchema,
    GenericSchema,
    UpstreamCodecSchema,
    HttpConnectionManagerSchema,
    RouterSchema,
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
    ...protocolOptions(isHttp2, tls !== undefined && "token" in tls.by ? tls.by.token : undefined),
    ...(tls === undefined ? {} : { transportSocket: tlsSocket(tls, isHttp2) }),
  });
}

function tlsSocket({ by, server }: NonNullable<BootstrapOptions["tls"]>, isHttp2: boolean): TransportSocket {
  const alpn = isHttp2 ? { alpn: ["h2"] } : {};
  if ("token" in by) return clientSocket({ trust: by.trust, peers: [server], ...alpn });
  const { files } = by;
  const fromFile = (path: string): ConfigSource => {
    const file = { case: "pathConfigSource", value: create(PathConfigSourceSchema, { path }) } as const;
    return create(ConfigSourceSchema, { resourceApiVersion: ApiVersion.V3, configSourceSpecifier: file });
  };
  return clientSocket({
    certificate: { name: IDENTITY_SECRET, from: fromFile(files.identity) },
    trust: { name: TRUST_SECRET, from: fromFile(files.trust) },
    peers: [server],
    ...alpn,
  });
}

type ProtocolOptions = Pick<Cluster, "typedExtensionProtocolOptions">;

function protocolOptions(isHttp2: boolean, token: TokenFiles | undefined): Partial<ProtocolOptions> {
  if (!isHttp2 && token === undefined) return {};
  const options = create(HttpProtocolOptionsSchema, {
    httpFilters: token === undefined ? [] : tokenFilters(token),
    upstreamProtocolOptions: {
      case: "explicitHttpConfig",
      value: {
        protocolConfig: isHttp2
          ? {
              case: "http2ProtocolOptions",
              // A control plane that is gone without a word is noticed, and another one can be reached.
              value: { connectionKeepalive: { interval: durationFromMs(30_000), timeout: durationFromMs(5_000) } },
            }
          : { case: "httpProtocolOptions", value: {} },
      },
    },
  });
  const name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
  return { typedExtensionProtocolOptions: { [name]: anyPack(HttpProtocolOptionsSchema, options) } };
}

function addressOf({ host, port }: HostPort): Address {
  return create(AddressSchema, {
    address: {
      case: "socketAddress",
      value: { address: host, portSpecifier: { case: "portValue", value: port } },
    },
  });
}
