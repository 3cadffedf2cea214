import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { ListenerSchema, type Listener } from "#gen/envoy/config/listener/v3/listener_pb.js";
import { RouterSchema } from "#gen/envoy/extensions/filters/http/router/v3/router_pb.js";
import { HttpConnectionManagerSchema } from "#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import type { HostPort } from "../control/index.ts";
import { adminCluster } from "../translate/index.ts";

/** Shows whether Envoy is ready to who cannot reach its admin interface, as a kubelet, and nothing else of that interface. */
export function readinessListener({ host, port }: HostPort): Listener {
  const manager = create(HttpConnectionManagerSchema, {
    statPrefix: "readiness",
    routeSpecifier: {
      case: "routeConfig",
      value: {
        name: "readiness",
        virtualHosts: [
          {
            name: "readiness",
            domains: ["*"],
            routes: [
              {
                match: {
                  pathSpecifier: { case: "path", value: "/ready" },
                  headers: [
                    {
                      name: ":method",
                      headerMatchSpecifier: {
                        case: "stringMatch",
                        value: { matchPattern: { case: "exact", value: "GET" } },
                      },
                    },
                  ],
                },
                action: { case: "route", value: { clusterSpecifier: { case: "cluster", value: adminCluster } } },
              },
            ],
          },
        ],
      },
    },
    httpFilters: [
      {
        name: "envoy.filters.http.router",
        configType: { case: "typedConfig", value: anyPack(RouterSchema, create(RouterSchema)) },
      },
    ],
    normalizePath: true,
  });
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
          {
            name: HttpConnectionManagerSchema.typeName,
            configType: { case: "typedConfig", value: anyPack(HttpConnectionManagerSchema, manager) },
          },
        ],
      },
    ],
  });
}
