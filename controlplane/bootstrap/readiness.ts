import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { ListenerSchema, type Listener } from "#gen/envoy/config/listener/v3/listener_pb.js";
import { RouteSchema, type Route } from "#gen/envoy/config/route/v3/route_components_pb.js";
import { RouterSchema } from "#gen/envoy/extensions/filters/http/router/v3/router_pb.js";
import { HttpConnectionManagerSchema } from "#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import type { HostPort } from "../control/host-port.ts";
import { adminCluster } from "../translate/names.ts";

/** Where a sidecar answers who cannot reach its admin interface, as a kubelet. */
export interface Readiness extends HostPort {
  /** Probes of the application that it passes on. */
  readonly probes?: readonly ForwardedProbe[];
}

/** A path that leads to one of the application, past all filters. */
export interface ForwardedProbe {
  readonly path: string;
  /** The port and the path, with its query, of the application. */
  readonly port: number;
  readonly to: string;
}

/** `GET /ready` of the admin interface, and what is passed on; nothing else. */
export function readinessListener({ host, port, probes = [] }: Readiness): Listener {
  const routes = [
    routeTo("/ready", adminCluster, "/ready"),
    ...probes.map((probe) => routeTo(probe.path, probeCluster(probe), probe.to)),
  ];
  const manager = create(HttpConnectionManagerSchema, {
    statPrefix: "readiness",
    routeSpecifier: {
      case: "routeConfig",
      value: { name: "readiness", virtualHosts: [{ name: "readiness", domains: ["*"], routes }] },
    },
    httpFilters: [
      {
        name: "envoy.filters.http.router",
        configType: { case: "typedConfig", value: anyPack(RouterSchema, create(RouterSchema)) },
      },
    ],
    normalizePath: true,
  });
  const typedConfig = anyPack(HttpConnectionManagerSchema, manager);
  return create(ListenerSchema, {
    name: "readiness",
    address: {
      address: {
        case: "socketAddress",
        value: { address: host, portSpecifier: { case: "portValue", value: port } },
      },
    },
    filterChains: [
      {
        filters: [
          { name: HttpConnectionManagerSchema.typeName, configType: { case: "typedConfig", value: typedConfig } },
        ],
      },
    ],
  });
}

/** The clusters that probes lead to, with their addresses. */
export function probeClusters(readiness: Readiness | undefined): (readonly [string, HostPort])[] {
  const ports = new Set((readiness?.probes ?? []).map(({ port }) => port));
  return [...ports].map((port) => [probeCluster({ port }), { host: "127.0.0.1", port }]);
}

function probeCluster({ port }: { readonly port: number }): string {
  return `meshwright-probes-${port}`;
}

function routeTo(path: string, cluster: string, to: string): Route {
  const isGet = { case: "stringMatch", value: { matchPattern: { case: "exact", value: "GET" } } } as const;
  return create(RouteSchema, {
    match: {
      pathSpecifier: { case: "path", value: path },
      headers: [{ name: ":method", headerMatchSpecifier: isGet }],
    },
    action: {
      case: "route",
      value: {
        clusterSpecifier: { case: "cluster", value: cluster },
        // Whatever pattern the path is, all of it is replaced.
        ...(to === path
          ? {}
          : { regexRewrite: { pattern: { regex: "^.*$" }, substitution: to.replaceAll("\\", "\\\\") } }),
      },
    },
  });
}
