import { GRPC_CLUSTER, PLUGIN, VM, type Case } from "./case.ts";

/** A port, and the module that sees what comes in there. */
export interface Listener {
  readonly port: number;
  readonly module: Uint8Array;
  readonly item?: Case;
  /** The module is a network filter before a TCP proxy. */
  readonly tcp?: boolean;
}

const api = "type.googleapis.com/envoy.extensions.filters";

function protocol(options: object): object {
  return {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicit_http_config: options,
    },
  };
}

/** A bootstrap: each listener has one Wasm filter before a route to the first cluster. */
export function envoyConfig(
  listeners: readonly Listener[],
  { adminPort, clusters }: { readonly adminPort: number; readonly clusters: Readonly<Record<string, number>> },
): object {
  const [cluster] = Object.keys(clusters);
  return {
    admin: { address: address(adminPort) },
    static_resources: {
      listeners: listeners.map((listener) => ({
        address: address(listener.port),
        ...(listener.item?.bufferLimit === undefined
          ? {}
          : { per_connection_buffer_limit_bytes: listener.item.bufferLimit }),
        filter_chains: [
          { filters: listener.tcp ? tcpFilters(listener, cluster) : [connectionManager(listener, cluster)] },
        ],
      })),
      clusters: Object.entries(clusters).map(([name, port]) => ({
        name,
        typed_extension_protocol_options: protocol(
          name === GRPC_CLUSTER ? { http2_protocol_options: {} } : { http_protocol_options: { enable_trailers: true } },
        ),
        load_assignment: {
          cluster_name: name,
          endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }],
        },
      })),
    },
  };
}

function tcpFilters(listener: Listener, cluster: string | undefined): object[] {
  const proxy = { "@type": `${api}.network.tcp_proxy.v3.TcpProxy`, stat_prefix: "conformance", cluster };
  return [
    { name: "envoy.filters.network.wasm", typed_config: wasm(listener, "network") },
    { name: "envoy.filters.network.tcp_proxy", typed_config: proxy },
  ];
}

function connectionManager(listener: Listener, cluster: string | undefined): object {
  const accessLogger = listener.item?.accessLogger ?? false;
  const routes = [{ match: { prefix: "/" }, route: { cluster } }];
  return {
    name: "envoy.filters.network.http_connection_manager",
    typed_config: {
      "@type": `${api}.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: "conformance",
      http_protocol_options: { enable_trailers: true },
      ...(accessLogger
        ? { access_log: [{ name: "envoy.access_loggers.wasm", typed_config: wasm(listener, "access") }] }
        : {}),
      route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
      http_filters: [
        ...(accessLogger ? [] : [{ name: "envoy.filters.http.wasm", typed_config: wasm(listener, "http") }]),
        { name: "envoy.filters.http.router", typed_config: { "@type": `${api}.http.router.v3.Router` } },
      ],
    },
  };
}

function wasm({ module, item }: Listener, kind: "http" | "network" | "access"): object {
  const type = kind === "access" ? "access_loggers.wasm.v3.WasmAccessLog" : `filters.${kind}.wasm.v3.Wasm`;
  return {
    "@type": `type.googleapis.com/envoy.extensions.${type}`,
    config: {
      name: PLUGIN.name,
      root_id: PLUGIN.rootId,
      configuration: text(PLUGIN.configuration),
      allow_on_headers_stop_iteration: item?.allowOnHeadersStopIteration ?? false,
      vm_config: {
        vm_id: VM.vmId,
        runtime: "envoy.wasm.runtime.v8",
        code: { local: { inline_bytes: Buffer.from(module).toString("base64") } },
        configuration: text(VM.vmConfiguration),
        environment_variables: { key_values: VM.environment },
      },
    },
  };
}

function text(value: string): object {
  return { "@type": "type.googleapis.com/google.protobuf.StringValue", value };
}

function address(port: number): object {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}
