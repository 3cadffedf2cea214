// One Envoy with the filter ratelimit on some ports and Envoy's own on others, both asking one rate limit service.

const address = (port: number): object => ({ socket_address: { address: "127.0.0.1", port_value: port } });
const typed = (type: string, value: object): object => ({
  "@type": `type.googleapis.com/envoy.extensions.${type}`,
  ...value,
});
const action = (header: string, key: string): object => ({
  request_headers: { header_name: header, descriptor_key: key },
});
const cluster = (name: string, port: number, more: object = {}): object => ({
  name,
  load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }] },
  ...more,
});

const http2 = {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed("upstreams.http.v3.HttpProtocolOptions", {
      explicit_http_config: { http2_protocol_options: {} },
    }),
  },
};

/** What of the service's answer both show, and in what they limit. */
const TIMEOUT_MILLISECONDS = 300;
const DOMAIN = "shop";

export interface BesideNative {
  /** The compiled filter. */
  readonly module: string;
  readonly listeners: readonly {
    readonly ours: number;
    /** None when left out. */
    readonly native?: number;
    readonly denies: boolean;
    /** Limits of ours beside those of the service. */
    readonly limits?: readonly object[];
  }[];
  readonly appPort: number;
  readonly servicePort: number;
  readonly adminPort: number;
}

/** The configuration. Limits are by `x-client`, and by `x-client` and `x-tier`. */
export function besideNative({ module, listeners, appPort, servicePort, adminPort }: BesideNative): string {
  const native = (denies: boolean): object =>
    typed("filters.http.ratelimit.v3.RateLimit", {
      domain: DOMAIN,
      timeout: `${String(TIMEOUT_MILLISECONDS / 1000)}s`,
      failure_mode_deny: denies,
      enable_x_ratelimit_headers: "DRAFT_VERSION_03",
      rate_limit_service: { transport_api_version: "V3", grpc_service: { envoy_grpc: { cluster_name: "service" } } },
    });
  const limit = (name: string, names: string[]): object => ({
    name,
    scope: "service",
    key: names.map((one) => ({ header: `x-${one}` })),
    names,
    missingKey: "skip",
  });
  const ours = (denies: boolean, limits: readonly object[] = []): object =>
    typed("filters.http.wasm.v3.Wasm", {
      config: {
        root_id: "ratelimit",
        configuration: {
          "@type": "type.googleapis.com/google.protobuf.StringValue",
          value: JSON.stringify({
            service: {
              cluster: "service",
              domain: DOMAIN,
              timeoutMilliseconds: TIMEOUT_MILLISECONDS,
              onFailure: denies ? "deny" : "allow",
            },
            limits: [limit("client", ["client"]), limit("tier", ["client", "tier"]), ...limits],
          }),
        },
        vm_config: { vm_id: "r", runtime: "envoy.wasm.runtime.v8", code: { local: { filename: module } } },
      },
    });
  const listener = (port: number, filter: object): object => ({
    name: String(port),
    address: address(port),
    filter_chains: [
      {
        filters: [
          {
            name: "manager",
            typed_config: typed("filters.network.http_connection_manager.v3.HttpConnectionManager", {
              stat_prefix: "in",
              route_config: {
                virtual_hosts: [
                  {
                    name: "all",
                    domains: ["*"],
                    routes: [{ match: { prefix: "/" }, route: { cluster: "app" } }],
                    rate_limits: [
                      { actions: [action("x-client", "client")] },
                      { actions: [action("x-client", "client"), action("x-tier", "tier")] },
                    ],
                  },
                ],
              },
              http_filters: [
                { name: "limit", typed_config: filter },
                { name: "router", typed_config: typed("filters.http.router.v3.Router", {}) },
              ],
            }),
          },
        ],
      },
    ],
  });
  return JSON.stringify({
    admin: { address: address(adminPort) },
    static_resources: {
      listeners: listeners.flatMap((one) => [
        listener(one.ours, ours(one.denies, one.limits)),
        ...(one.native === undefined ? [] : [listener(one.native, native(one.denies))]),
      ]),
      clusters: [cluster("app", appPort), cluster("service", servicePort, http2)],
    },
  });
}
