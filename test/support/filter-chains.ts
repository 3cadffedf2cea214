import { connect } from "node:net";
import { Envoy } from "./envoy.ts";
import { freePorts } from "./ports.ts";

/** HTTP filters in Envoy's JSON, by the name of the listener that has them. */
export type FilterChains = Readonly<Record<string, readonly object[]>>;

export interface Answered {
  readonly status: number;
  /** Headers that reached the upstream, by what {@link FilterEnvoy.start} was told to show. */
  readonly seen: ReadonlyMap<string, string>;
  readonly head: string;
}

/** One Envoy with a listener for each chain of filters; behind them every request is answered with 200. */
export class FilterEnvoy {
  readonly envoy: Envoy;
  readonly #ports: ReadonlyMap<string, number>;

  private constructor(envoy: Envoy, ports: ReadonlyMap<string, number>) {
    this.envoy = envoy;
    this.#ports = ports;
  }

  /**
   * @param show request headers whose values the answers tell.
   * @param options.clusters ports of loopback that filters call, by the names of their clusters.
   * @param options.clusterMetadata `Metadata` of these in Envoy's JSON, by the names of the clusters.
   * @param options.grpcClusters the same for clusters that speak HTTP/2.
   * @param options.tell what the answers tell beside the headers to show, as Envoy's formatter reads it.
   * @param options.routes routes in Envoy's JSON that come before the one that answers with 200.
   * @param options.tls `DownstreamTlsContext` in Envoy's JSON for the listeners that have TLS.
   * @param options.managers fields of the connection manager in Envoy's JSON, by the name of the listener.
   */
  static async start(
    chains: FilterChains,
    show: readonly string[] = [],
    options: {
      readonly concurrency?: number;
      readonly clusters?: Readonly<Record<string, number>>;
      readonly clusterMetadata?: Readonly<Record<string, object>>;
      readonly grpcClusters?: Readonly<Record<string, number>>;
      readonly tell?: Readonly<Record<string, string>>;
      readonly routes?: readonly object[];
      readonly tls?: Readonly<Record<string, object>>;
      readonly managers?: Readonly<Record<string, object>>;
    } = {},
  ): Promise<FilterEnvoy> {
    const names = Object.keys(chains);
    const [adminPort = 0, ...free] = await freePorts(names.length + 1);
    const ports = new Map(names.map((name, i) => [name, free[i] ?? 0]));
    const tell = [...show.map((header) => [header, `%REQ(${header})%`]), ...Object.entries(options.tell ?? {})];
    const response_headers_to_add = tell.map(([name = "", value]) => ({ header: { key: `x-seen-${name}`, value } }));
    const everything = { match: { prefix: "" }, direct_response: { status: 200 } };
    const routes = [...(options.routes ?? []), everything].map((route) => ({ ...route, response_headers_to_add }));
    const listeners = names.map((name) => ({
      name,
      address: address(ports.get(name) ?? 0),
      filter_chains: [filterChain(name, chains[name] ?? [], routes, options.tls?.[name], options.managers?.[name])],
    }));
    const clusters = [
      ...Object.entries(options.clusters ?? {}).map(([name, port]) => ({
        ...cluster(name, port),
        metadata: options.clusterMetadata?.[name] ?? {},
      })),
      ...Object.entries(options.grpcClusters ?? {}).map(([name, port]) => ({ ...cluster(name, port), ...HTTP2 })),
    ];
    const configuration = { admin: { address: address(adminPort) }, static_resources: { listeners, clusters } };
    const envoy = await Envoy.start("filters", JSON.stringify(configuration), adminPort, {
      concurrency: options.concurrency ?? 1,
    });
    await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
    return new FilterEnvoy(envoy, ports);
  }

  /** Where the listener of a chain is, on 127.0.0.1. */
  port(chain: string): number {
    return this.#ports.get(chain) ?? 0;
  }

  /** Sends bytes as they are (one character is one byte) and reads the head of the answer. */
  send(chain: string, bytes: string): Promise<Answered> {
    const port = this.port(chain);
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1");
      let answer = "";
      socket.setEncoding("latin1").setTimeout(10_000, () => socket.destroy(new Error(`no answer: ${bytes}`)));
      socket.on("error", reject);
      socket.on("close", () => reject(new Error(`no whole answer to ${JSON.stringify(bytes)}: "${answer}"`)));
      socket.on("data", (text: string) => {
        answer += text;
        const end = answer.indexOf("\r\n\r\n");
        if (end < 0) return;
        const head = answer.slice(0, end);
        const seen = [...head.matchAll(/^x-seen-(\S+): ?(.*?)\r?$/gim)].map(
          ([, name = "", value = ""]) => [name, value] as const,
        );
        resolve({ status: Number(head.slice(9, 12)), seen: new Map(seen), head });
        socket.destroy();
      });
      socket.write(bytes, "latin1");
    });
  }

  /** A GET of a target, with header lines. */
  get(chain: string, target: string, lines: readonly string[] = [], host = "a.example"): Promise<Answered> {
    return this.send(chain, [`GET ${target} HTTP/1.1`, `host: ${host}`, ...lines, "", ""].join("\r\n"));
  }

  stop(): Promise<void> {
    return this.envoy.stop();
  }
}

/** The filter in a module of ours, with its configuration. */
export function wasmFilter(name: string, module: string, configuration: object): object {
  return {
    name,
    typed_config: typed("http.wasm.v3.Wasm", {
      config: {
        name,
        root_id: name,
        configuration: {
          "@type": "type.googleapis.com/google.protobuf.StringValue",
          value: JSON.stringify(configuration),
        },
        vm_config: { vm_id: name, runtime: "envoy.wasm.runtime.v8", code: { local: { filename: module } } },
        failure_policy: "FAIL_CLOSED",
      },
    }),
  };
}

export const typed = (type: string, fields: object): object => ({
  "@type": `type.googleapis.com/envoy.extensions.filters.${type}`,
  ...fields,
});

const address = (port: number): object => ({ socket_address: { address: "127.0.0.1", port_value: port } });

const HTTP2 = {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};

function cluster(name: string, port: number): object {
  const endpoint = { address: address(port) };
  return { name, load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint }] }] } };
}

function filterChain(
  name: string,
  filters: readonly object[],
  routes: readonly object[],
  tls?: object,
  more: object = {},
): object {
  const manager = typed("network.http_connection_manager.v3.HttpConnectionManager", {
    stat_prefix: name,
    // Paths and header names reach the filters as clients wrote them.
    normalize_path: false,
    common_http_protocol_options: { headers_with_underscores_action: "ALLOW" },
    route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
    http_filters: [...filters, { name: "router", typed_config: typed("http.router.v3.Router", {}) }],
    ...more,
  });
  const chain = { filters: [{ name: "manager", typed_config: manager }] };
  if (tls === undefined) return chain;
  const type = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";
  return { ...chain, transport_socket: { name: "tls", typed_config: { "@type": type, ...tls } } };
}
