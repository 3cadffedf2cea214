// Parts of an Envoy configuration, and the one of the tests of callouts.

export const address = (port: number): object => ({ socket_address: { address: "127.0.0.1", port_value: port } });

export const typed = (type: string, value: object): object => ({
  "@type": `type.googleapis.com/envoy.extensions.${type}`,
  ...value,
});

/** A plugin of a module; plugins of the same root id share a VM. */
export const plugin = (module: string, rootId: string, configuration: string): object => ({
  name: configuration,
  root_id: rootId,
  configuration: { "@type": "type.googleapis.com/google.protobuf.StringValue", value: configuration },
  vm_config: { vm_id: rootId, runtime: "envoy.wasm.runtime.v8", code: { local: { filename: module } } },
});

export const listener = (name: string, port: number, filters: readonly object[]): object => ({
  name,
  address: address(port),
  filter_chains: [{ filters }],
});

/** A cluster with one endpoint, or with none where there is no port. */
export const cluster = (name: string, port: number | undefined, protocol: "http1" | "http2" = "http1"): object => ({
  name,
  load_assignment: {
    cluster_name: name,
    endpoints: port === undefined ? [] : [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }],
  },
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed("upstreams.http.v3.HttpProtocolOptions", {
      explicit_http_config:
        protocol === "http2" ? { http2_protocol_options: {} } : { http_protocol_options: { enable_trailers: true } },
    }),
  },
});

/** A manager that routes all to the cluster `app`, after the filters given. */
export const manager = (name: string, filters: readonly object[], more: object = {}): object => ({
  name: "manager",
  typed_config: typed("filters.network.http_connection_manager.v3.HttpConnectionManager", {
    stat_prefix: name,
    route_config: {
      virtual_hosts: [{ name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "app" } }] }],
    },
    http_filters: [...filters, { name: "router", typed_config: typed("filters.http.router.v3.Router", {}) }],
    ...more,
  }),
});

export interface Ports {
  readonly admin: number;
  /** A listener for each plugin, by the plugin's configuration. */
  readonly plugins: ReadonlyMap<string, number>;
  readonly app: number;
  readonly http: number;
  readonly grpc: number;
  /** Nothing listens here. */
  readonly closed: number;
}

/** The module as HTTP filter, in a plugin for each configuration, with clusters to call. */
export function calloutConfiguration(module: string, { admin, plugins, app, http, grpc, closed }: Ports): string {
  const filter = (name: string): object => ({
    name: "wasm",
    typed_config: typed("filters.http.wasm.v3.Wasm", { config: plugin(module, "callouts", name) }),
  });
  return JSON.stringify({
    admin: { address: address(admin) },
    static_resources: {
      listeners: [...plugins].map(([name, port]) => listener(name, port, [manager(name, [filter(name)])])),
      clusters: [
        cluster("app", app),
        cluster("http", http),
        cluster("closed", closed),
        cluster("empty", undefined),
        cluster("grpc", grpc, "http2"),
      ],
    },
  });
}
