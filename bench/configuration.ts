// The Envoy configuration of a variant.

import type { Envoy } from "../test/support/envoy.ts";

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export interface Variant {
  readonly name: string;
  /** The variant whose cost is taken off; none for a baseline. */
  readonly baseline?: string;
  /** HTTP filters before the router. */
  readonly filters: readonly Json[];
  /** Routes of the one virtual host; a direct response when left out. */
  readonly routes?: readonly Json[];
  readonly clusters?: readonly Json[];
  /** Rate limits of the virtual host. */
  readonly rateLimits?: Json;
  readonly path: string;
  /** Paths that requests have in turn, in place of `path`. */
  readonly paths?: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** Throws when the filter does not do its work. Called once, after the first answer. */
  readonly check?: (port: number, envoy: Envoy) => Promise<void>;
  /** The module's file, where the filter is one. */
  readonly module?: string;
}

/** A filter of this repository, or any other module. */
export function wasmFilter(name: string, module: string, configuration: Json): Json {
  return {
    name,
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
      config: {
        name,
        root_id: name,
        configuration: {
          "@type": "type.googleapis.com/google.protobuf.StringValue",
          value: JSON.stringify(configuration),
        },
        vm_config: { vm_id: name, runtime: "envoy.wasm.runtime.v8", code: { local: { filename: module } } },
      },
    },
  };
}

/** A filter that comes with Envoy. */
export function nativeFilter(type: string, configuration: { [key: string]: Json }): Json {
  return { name: type, typed_config: { "@type": `type.googleapis.com/${type}`, ...configuration } };
}

export const directResponse: Json = answer("ok");

/** A route of everything to an answer of Envoy's own. */
export function answer(body: string): Json {
  return { match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: body } } };
}

/** A cluster of one endpoint on loopback. */
export function clusterOf(name: string, port: number): Json {
  return {
    name,
    type: "STATIC",
    connect_timeout: "1s",
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(port) } }] }],
    },
  };
}

function loopback(port: number): Json {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}

/** A listener of a variant. */
export function listenerOf(variant: Variant, port: number): Json {
  const manager = {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    stat_prefix: "bench",
    route_config: {
      // Room for the longest answer among the variants; the default is 4 KiB.
      max_direct_response_body_size_bytes: 65536,
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [...(variant.routes ?? [directResponse])],
          ...(variant.rateLimits === undefined ? {} : { rate_limits: variant.rateLimits }),
        },
      ],
    },
    http_filters: [
      ...variant.filters,
      {
        name: "router",
        typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
      },
    ],
  };
  return {
    name: variant.name,
    address: loopback(port),
    filter_chains: [{ filters: [{ name: "manager", typed_config: manager }] }],
  };
}

/** A static configuration with one listener. */
export function configurationOf(variant: Variant, port: number, adminPort: number): string {
  return bootstrapOf([listenerOf(variant, port)], variant.clusters ?? [], adminPort);
}

export function bootstrapOf(listeners: readonly Json[], clusters: readonly Json[], adminPort: number): string {
  return JSON.stringify({ admin: { address: loopback(adminPort) }, static_resources: { listeners, clusters } });
}
