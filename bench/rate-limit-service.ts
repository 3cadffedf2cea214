// A rate limit service to measure beside, and the cluster by which an Envoy reaches such a service.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../test/support/ports.ts";
import { Process } from "../test/support/processes.ts";
import { Redis, withoutRedis } from "../test/support/redis.ts";
import { clusterOf, nativeFilter, type Json } from "./configuration.ts";
import { rateLimitServer } from "./peers/ratelimit.mjs";

const http2: Json = {
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    explicit_http_config: { http2_protocol_options: {} },
  },
};

/** A cluster of one endpoint on loopback that speaks gRPC. */
export const grpcCluster = (name: string, port: number): Json => ({
  ...(clusterOf(name, port) as { [key: string]: Json }),
  typed_extension_protocol_options: http2,
});

/** What the filter ratelimit needs to ask the service behind the cluster `service`. */
export const SERVICE: Json = { cluster: "service", domain: "bench", timeoutMilliseconds: 1000, onFailure: "deny" };

/** Envoy's own filter, which asks the same; with {@link RATE_LIMITS} in its routes. */
export const nativeRateLimit: Json = nativeFilter("envoy.extensions.filters.http.ratelimit.v3.RateLimit", {
  domain: "bench",
  timeout: "1s",
  failure_mode_deny: true,
  rate_limit_service: {
    transport_api_version: "V3",
    grpc_service: { envoy_grpc: { cluster_name: "service" } },
  },
});

export const RATE_LIMITS: Json = [
  { actions: [{ request_headers: { header_name: "x-user-id", descriptor_key: "user" } }] },
];

/** envoyproxy/ratelimit with a Redis, where both are here. It counts `user` in the domain `bench` and never refuses. */
export async function serveDescriptors(): Promise<{ port: number; stop: () => Promise<void> } | undefined> {
  if (withoutRedis() !== undefined || !existsSync(rateLimitServer())) {
    process.stderr.write("without a rate limit service: npm run build:peers, and a redis-server, would bring one\n");
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), "meshwright-bench-"));
  const redis = await Redis.start();
  const [http = 0, grpc = 0, debug = 0] = await freePorts(3);
  mkdirSync(join(folder, "limits", "config"), { recursive: true });
  const limits =
    "{ domain: bench, descriptors: [{ key: user, rate_limit: { unit: day, requests_per_unit: 1000000000 } }] }";
  writeFileSync(join(folder, "limits", "config", "bench.yaml"), limits);
  const server = new Process("ratelimit", rateLimitServer(), [], {
    env: {
      ...process.env,
      ...{ USE_STATSD: "false", LOG_LEVEL: "error", REDIS_SOCKET_TYPE: "tcp", RUNTIME_ROOT: folder },
      ...{ REDIS_URL: `127.0.0.1:${String(redis.port)}`, RUNTIME_SUBDIRECTORY: "limits", RUNTIME_WATCH_ROOT: "false" },
      ...{ HOST: "127.0.0.1", GRPC_HOST: "127.0.0.1", DEBUG_HOST: "127.0.0.1" },
      ...{ PORT: String(http), GRPC_PORT: String(grpc), DEBUG_PORT: String(debug) },
    },
  });
  await sleep(2000);
  const stop = async (): Promise<void> => {
    await server.stop();
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { port: grpc, stop };
}
