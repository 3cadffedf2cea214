import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Any, Duration } from "@bufbuild/protobuf/wkt";
import { UpstreamConnectionOptionsSchema } from "#gen/envoy/config/cluster/v3/cluster_pb.js";
import type { Cluster } from "#gen/envoy/config/cluster/v3/cluster_pb.js";
import type { Http2ProtocolOptionsSchema } from "#gen/envoy/config/core/v3/protocol_pb.js";
import { HttpProtocolOptionsSchema } from "#gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import { durationMilliseconds } from "../model/index.ts";
import type { Http2, ServiceSpec, TcpKeepalive } from "../model/index.ts";

type Options = Pick<Cluster, "typedExtensionProtocolOptions" | "upstreamConnectionOptions">;

/** How a cluster speaks to its endpoints, and how long it keeps connections. */
export function connectionOptions(spec: ServiceSpec): Options {
  const { protocol, connectionPool, tcpKeepalive } = spec;
  const { typeName } = HttpProtocolOptionsSchema;
  // Without options Envoy speaks HTTP/1.1.
  const isPlain = protocol === "HTTP" && connectionPool === undefined;
  return {
    typedExtensionProtocolOptions: isPlain ? {} : { [typeName]: protocolOptions(spec) },
    ...(tcpKeepalive === undefined ? {} : { upstreamConnectionOptions: keepaliveOptions(tcpKeepalive) }),
  };
}

function protocolOptions({ protocol, connectionPool = {}, http2 = {} }: ServiceSpec): Any {
  const { idleTimeout, maxConnectionDuration, maxRequestsPerConnection } = connectionPool;
  const options = create(HttpProtocolOptionsSchema, {
    ...(Object.keys(connectionPool).length === 0
      ? {}
      : {
          commonHttpProtocolOptions: {
            ...(idleTimeout === undefined ? {} : { idleTimeout: duration(idleTimeout) }),
            ...(maxConnectionDuration === undefined ? {} : { maxConnectionDuration: duration(maxConnectionDuration) }),
            ...(maxRequestsPerConnection === undefined ? {} : { maxRequestsPerConnection }),
          },
        }),
    upstreamProtocolOptions: {
      case: "explicitHttpConfig",
      value: {
        protocolConfig:
          protocol === "HTTP2"
            ? { case: "http2ProtocolOptions", value: http2Options(http2) }
            : { case: "httpProtocolOptions", value: {} },
      },
    },
  });
  return anyPack(HttpProtocolOptionsSchema, options);
}

function http2Options({ connectionKeepalive, ...sizes }: Http2): MessageInitShape<typeof Http2ProtocolOptionsSchema> {
  if (connectionKeepalive === undefined) return sizes;
  const { interval, timeout } = connectionKeepalive;
  return { ...sizes, connectionKeepalive: { interval: duration(interval), timeout: duration(timeout) } };
}

function keepaliveOptions(keepalive: TcpKeepalive): NonNullable<Options["upstreamConnectionOptions"]> {
  const { idleTime, interval, probes } = keepalive;
  return create(UpstreamConnectionOptionsSchema, {
    tcpKeepalive: {
      ...(idleTime === undefined ? {} : { keepaliveTime: seconds(idleTime) }),
      ...(interval === undefined ? {} : { keepaliveInterval: seconds(interval) }),
      ...(probes === undefined ? {} : { keepaliveProbes: probes }),
    },
  });
}

function duration(text: string): Duration {
  return durationFromMs(durationMilliseconds(text));
}

function seconds(text: string): number {
  return durationMilliseconds(text) / 1000;
}
