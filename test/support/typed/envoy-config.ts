import type { Certificate } from "./certificates.ts";

export interface Ports {
  readonly admin: number;
  /** A listener without TLS, to the app. */
  readonly plain: number;
  /** A listener with mutual TLS, to `upstream`. */
  readonly secure: number;
  /** A listener with mutual TLS that answers by itself. */
  readonly upstream: number;
  readonly app: number;
}

const typed = (type: string, value: object = {}): object => ({
  "@type": `type.googleapis.com/envoy.extensions.${type}`,
  ...value,
});

const address = (port: number): object => ({ socket_address: { address: "127.0.0.1", port_value: port } });

const routeMetadata = {
  typed: {
    text: "é",
    number: 2,
    fraction: 2.5,
    bool: true,
    null: null,
    object: { key: "value", number: 1 },
    list: ["", "b"],
    "with-null": { a: null },
  },
  "typed.dots": { "a.b": "of dots" },
};

const state = (name: string, format: string): string => `%FILTER_STATE(wasm.typed.${name}${format})%`;

const accessLog = {
  name: "stdout",
  typed_config: typed("access_loggers.stream.v3.StdoutAccessLog", {
    log_format: {
      text_format_source: {
        inline_string:
          `access plain=${state("plain", ":PLAIN")} typed-plain=${state("plain", "")} text=${state("text", ":PLAIN")} ` +
          `typed-text=${state("text", "")} once=${state("once", ":PLAIN")} message=${state("message", "")}\n`,
      },
    },
  }),
};

/** The rules that the page of `MetricFamily` gives. */
const tags = ["method", "status", "path", "kind", "other_kind"].map((tag) => ({
  tag_name: tag,
  regex: `^wasmcustom\\..*?(;${tag}=([^;]*))`,
}));

export function configurationOf(module: string, ports: Ports, server: Certificate, client: Certificate): string {
  const wasm = {
    name: "typed",
    typed_config: typed("filters.http.wasm.v3.Wasm", {
      config: {
        name: "typed",
        root_id: "typed",
        vm_config: { vm_id: "typed", runtime: "envoy.wasm.runtime.v8", code: { local: { filename: module } } },
      },
    }),
  };
  const setMetadata = {
    name: "set_metadata",
    typed_config: typed("filters.http.set_metadata.v3.Config", {
      metadata: [{ metadata_namespace: "typed", value: { dynamic: "set before" } }],
    }),
  };
  const router = { name: "router", typed_config: typed("filters.http.router.v3.Router") };

  const listener = (port: number, route: object, filters: readonly object[], socket?: object): object => ({
    name: `listener-${String(port)}`,
    address: address(port),
    traffic_direction: "OUTBOUND",
    listener_filters:
      socket === undefined
        ? []
        : [{ name: "inspector", typed_config: typed("filters.listener.tls_inspector.v3.TlsInspector") }],
    filter_chains: [
      {
        name: "a-chain",
        filters: [
          {
            name: "manager",
            typed_config: typed("filters.network.http_connection_manager.v3.HttpConnectionManager", {
              stat_prefix: "typed",
              access_log: filters.length > 0 ? [accessLog] : [],
              route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes: [route] }] },
              http_filters: [...filters, router],
            }),
          },
        ],
        ...(socket === undefined ? {} : { transport_socket: socket }),
      },
    ],
  });

  const common = (own: Certificate, peer: Certificate): object => ({
    tls_certificates: [
      { certificate_chain: { inline_string: own.certificate }, private_key: { inline_string: own.key } },
    ],
    validation_context: { trusted_ca: { inline_string: peer.certificate } },
    tls_params: { tls_maximum_protocol_version: "TLSv1_3" },
  });
  const serverSocket = {
    name: "tls",
    typed_config: typed("transport_sockets.tls.v3.DownstreamTlsContext", {
      require_client_certificate: true,
      common_tls_context: common(server, client),
    }),
  };
  const clientSocket = {
    name: "tls",
    typed_config: typed("transport_sockets.tls.v3.UpstreamTlsContext", {
      sni: "a.example",
      common_tls_context: common(client, server),
    }),
  };

  const cluster = (name: string, port: number, socket?: object): object => ({
    name,
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          locality: { region: "r", zone: "z" },
          metadata: { filter_metadata: { typed: { locality: "of the locality" } } },
          lb_endpoints: [
            {
              endpoint: { address: address(port) },
              metadata: { filter_metadata: { typed: { host: "of the host" } } },
            },
          ],
        },
      ],
    },
    ...(socket === undefined ? {} : { transport_socket: socket }),
  });

  const toApp = {
    name: "a-route",
    match: { prefix: "/" },
    route: { cluster: "app" },
    metadata: { filter_metadata: routeMetadata },
  };
  const toUpstream = { match: { prefix: "/" }, route: { cluster: "upstream" } };
  const answer = { match: { prefix: "/" }, direct_response: { status: 200 } };

  return JSON.stringify({
    node: { id: "a-node", cluster: "a-cluster" },
    admin: { address: address(ports.admin) },
    stats_config: { stats_tags: tags },
    static_resources: {
      listeners: [
        listener(ports.plain, toApp, [setMetadata, wasm]),
        listener(ports.secure, toUpstream, [wasm], serverSocket),
        listener(ports.upstream, answer, [], serverSocket),
      ],
      clusters: [cluster("app", ports.app), cluster("upstream", ports.upstream, clientSocket)],
    },
  });
}
