import { PLUGIN, VM, type Case } from "./case.ts";

/** A port, and the module that sees what comes in there. */
export interface Listener {
  readonly port: number;
  readonly module: Uint8Array;
  readonly item?: Case;
}

const api = "type.googleapis.com/envoy.extensions.filters";

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
        filter_chains: [{ filters: [connectionManager(wasm(listener), cluster)] }],
      })),
      clusters: Object.entries(clusters).map(([name, port]) => ({
        name,
        load_assignment: {
          cluster_name: name,
          endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }],
        },
      })),
    },
  };
}

function connectionManager(filter: object, cluster: string | undefined): object {
  const routes = [{ match: { prefix: "/" }, route: { cluster } }];
  return {
    name: "envoy.filters.network.http_connection_manager",
    typed_config: {
      "@type": `${api}.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: "conformance",
      route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
      http_filters: [
        filter,
        { name: "envoy.filters.http.router", typed_config: { "@type": `${api}.http.router.v3.Router` } },
      ],
    },
  };
}

function wasm({ module, item }: Listener): object {
  return {
    name: "envoy.filters.http.wasm",
    typed_config: {
      "@type": `${api}.http.wasm.v3.Wasm`,
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
    },
  };
}

function text(value: string): object {
  return { "@type": "type.googleapis.com/google.protobuf.StringValue", value };
}

function address(port: number): object {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}
