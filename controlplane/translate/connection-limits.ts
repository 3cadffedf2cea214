import { create } from "@bufbuild/protobuf";
import { durationFromMs, type Duration } from "@bufbuild/protobuf/wkt";
import { HttpProtocolOptionsSchema, type HttpProtocolOptions } from "#gen/envoy/config/core/v3/protocol_pb.js";
import { durationMilliseconds, type MeshSpec } from "../model/index.ts";

export interface ConnectionLimits {
  readonly commonHttpProtocolOptions?: HttpProtocolOptions;
  readonly streamIdleTimeout?: Duration;
  readonly requestHeadersTimeout?: Duration;
}

/** How long sidecars wait for their clients, as far as the Mesh says so. */
export function connectionLimits(connections: MeshSpec["connections"] = {}): ConnectionLimits {
  const { idleTimeout, maxConnectionDuration, streamIdleTimeout, requestHeadersTimeout } = connections;
  return {
    ...(idleTimeout === undefined && maxConnectionDuration === undefined
      ? {}
      : {
          commonHttpProtocolOptions: create(HttpProtocolOptionsSchema, {
            ...(idleTimeout === undefined ? {} : { idleTimeout: duration(idleTimeout) }),
            ...(maxConnectionDuration === undefined ? {} : { maxConnectionDuration: duration(maxConnectionDuration) }),
          }),
        }),
    ...(streamIdleTimeout === undefined ? {} : { streamIdleTimeout: duration(streamIdleTimeout) }),
    ...(requestHeadersTimeout === undefined ? {} : { requestHeadersTimeout: duration(requestHeadersTimeout) }),
  };
}

function duration(text: string): Duration {
  return durationFromMs(durationMilliseconds(text));
}
