import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Protocol } from "../index.ts";

const DEADLINE_MS = 30_000;

export interface RunningEnvoy {
  /** The port of its admin interface. */
  readonly admin: number;
  /** The statistics whose names match. */
  stats(filter: string): Promise<Map<string, number>>;
  /** What it wrote to its log so far. */
  log(): string;
  stop(): Promise<void>;
}

/**
 * Starts Envoy with everything from the aggregated service on `xdsPort`.
 *
 * @param more what its bootstrap has besides.
 */
export async function startEnvoy(
  binary: string,
  nodeId: string,
  protocol: Protocol,
  xdsPort: number,
  more: object = {},
): Promise<RunningEnvoy> {
  const folder = await mkdtemp(join(tmpdir(), "meshwright-envoy-"));
  const adminFile = join(folder, "admin");
  const config = join(folder, "envoy.json");
  await writeFile(config, JSON.stringify({ ...bootstrap(nodeId, protocol, xdsPort), ...more }));
  let log = "";
  const child = spawn(
    binary,
    ["-c", config, "--use-dynamic-base-id", "--concurrency", "2", "--admin-address-path", adminFile, "-l", "info"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const exited = once(child, "exit");
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
    await rm(folder, { recursive: true });
  };
  const address = await eventually("Envoy's admin address", async () => {
    if (child.exitCode !== null) throw new Error(`Envoy exited: ${log}`);
    return (await readFile(adminFile, "utf8").catch(() => "")) || undefined;
  });
  const admin = Number(address.slice(address.lastIndexOf(":") + 1));
  return {
    admin,
    log: () => log,
    stop,
    stats: async (filter) => {
      const response = await fetch(`http://127.0.0.1:${admin}/stats?filter=${encodeURIComponent(filter)}`);
      const lines = (await response.text()).split("\n").map((line) => line.split(": "));
      return new Map(lines.map(([name = "", value]) => [name, Number(value)]));
    },
  };
}

/** Asks again until there is an answer that is not `undefined`. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const until = Date.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > until) throw new Error(`${what}: not within ${DEADLINE_MS} ms`);
    await sleep(20);
  }
}

function bootstrap(nodeId: string, protocol: Protocol, xdsPort: number): object {
  return {
    node: { id: nodeId, cluster: "test" },
    admin: { address: { socket_address: { address: "127.0.0.1", port_value: 0 } } },
    stats_flush_interval: "0.2s",
    stats_sinks: [
      {
        name: "envoy.stat_sinks.metrics_service",
        typed_config: {
          "@type": "type.googleapis.com/envoy.config.metrics.v3.MetricsServiceConfig",
          transport_api_version: "V3",
          grpc_service: { envoy_grpc: { cluster_name: "xds" } },
        },
      },
    ],
    dynamic_resources: {
      ads_config: {
        api_type: protocol === "delta" ? "DELTA_GRPC" : "GRPC",
        transport_api_version: "V3",
        grpc_services: [
          {
            envoy_grpc: {
              cluster_name: "xds",
              retry_policy: { retry_back_off: { base_interval: "0.1s", max_interval: "0.5s" } },
            },
          },
        ],
        set_node_on_first_message_only: true,
      },
      cds_config: { ads: {}, resource_api_version: "V3" },
      lds_config: { ads: {}, resource_api_version: "V3" },
    },
    static_resources: {
      clusters: [
        {
          name: "xds",
          type: "STATIC",
          connect_timeout: "1s",
          load_assignment: {
            cluster_name: "xds",
            endpoints: [
              {
                lb_endpoints: [
                  { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: xdsPort } } } },
                ],
              },
            ],
          },
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
        },
      ],
    },
  };
}
