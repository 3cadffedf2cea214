import { create } from "@bufbuild/protobuf";
import { TrafficDirection } from "#gen/envoy/config/core/v3/base_pb.js";
import { HeaderMatcherSchema, RouteSchema } from "#gen/envoy/config/route/v3/route_components_pb.js";
import type { HeaderMatcher, Route } from "#gen/envoy/config/route/v3/route_components_pb.js";
import { RouteConfigurationSchema } from "#gen/envoy/config/route/v3/route_pb.js";
import { HttpConnectionManagerSchema } from "#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { StringMatcherSchema } from "#gen/envoy/type/matcher/v3/string_pb.js";
import type { Endpoint, Prometheus, Sidecar } from "../model/index.ts";
import type { Resource } from "../xds/index.ts";
import { listener, router } from "./listeners.ts";
import { socketAddress } from "./messages.ts";
import { adminCluster } from "./names.ts";
import { routeToAnswer } from "./routes.ts";

/** The second leaves out what was never counted. Other queries choose the format, or cost the main thread much. */
const paths = ["/stats/prometheus", "/stats/prometheus?usedonly"];

/**
 * A listener that shows a sidecar's statistics to Prometheus. It leads to the admin interface, which the bootstrap makes a cluster,
 * with this one path and method, so that nobody gets further there.
 */
export function prometheusListener({ port, address }: Prometheus, endpoint: Endpoint, sidecar: Sidecar): Resource {
  const at = socketAddress(address ?? sidecar.address ?? endpoint.address, port);
  const routes = create(RouteConfigurationSchema, {
    name: "prometheus",
    virtualHosts: [
      {
        name: "prometheus",
        domains: ["*"],
        routes: [...paths.map(statisticsRoute), routeToAnswer("other", 404, "only GET /stats/prometheus is here\n")],
      },
    ],
    // The cluster is there only where the bootstrap has an admin interface; without one this answers 503.
    validateClusters: false,
  });
  const manager = create(HttpConnectionManagerSchema, {
    statPrefix: "prometheus",
    routeSpecifier: { case: "routeConfig", value: routes },
    httpFilters: [router],
    normalizePath: true,
  });
  return listener("prometheus", TrafficDirection.UNSPECIFIED, at, manager);
}

function statisticsRoute(path: string): Route {
  return create(RouteSchema, {
    name: "statistics",
    match: { pathSpecifier: { case: "prefix", value: "/" }, headers: [has(":method", "GET"), has(":path", path)] },
    action: { case: "route", value: { clusterSpecifier: { case: "cluster", value: adminCluster } } },
  });
}

/** The whole of a header; that of `:path` has the query. */
function has(name: string, value: string): HeaderMatcher {
  const matcher = create(StringMatcherSchema, { matchPattern: { case: "exact", value } });
  const headerMatchSpecifier = { case: "stringMatch", value: matcher } as const;
  return create(HeaderMatcherSchema, { name, headerMatchSpecifier });
}
