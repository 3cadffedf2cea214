import { clone, create } from "@bufbuild/protobuf";
import { anyPack, durationMs } from "@bufbuild/protobuf/wkt";
import {
  Cluster_DiscoveryType,
  Cluster_EdsClusterConfigSchema,
  Cluster_LbPolicy,
  ClusterSchema,
} from "#gen/envoy/config/cluster/v3/cluster_pb.js";
import type { Cluster } from "#gen/envoy/config/cluster/v3/cluster_pb.js";
import { LocalitySchema } from "#gen/envoy/config/core/v3/base_pb.js";
import { ClusterLoadAssignmentSchema } from "#gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { ApiListenerSchema } from "#gen/envoy/config/listener/v3/api_listener_pb.js";
import { ListenerSchema } from "#gen/envoy/config/listener/v3/listener_pb.js";
import { type Route, RouteSchema } from "#gen/envoy/config/route/v3/route_components_pb.js";
import { RouteConfigurationSchema } from "#gen/envoy/config/route/v3/route_pb.js";
import { RouterSchema } from "#gen/envoy/extensions/filters/http/router/v3/router_pb.js";
import { HttpConnectionManagerSchema } from "#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import type { Model, Route as GatewayRoute, Service } from "../model/index.ts";
import type { NodeInfo, Resource } from "../xds/index.ts";
import { usesDns } from "./clusters.ts";
import { type Client, loadAssignment } from "./endpoints.ts";
import { outlierDetection } from "./health.ts";
import { circuitBreakers } from "./load-balancing.ts";
import { fromAds, resourceOf } from "./messages.ts";
import { outboundName } from "./names.ts";
import { routesToName } from "./route-configurations.ts";

/*
 * For gRPC clients without a sidecar, which speak xDS themselves: `xds:///web:8080` reaches the Service web with port 8080.
 * gRPC's proposals A27, A28, A31, A32 and A42 say what of Envoy's resources they read. What they refuse must not be in a
 * resource, since they then take nothing of it.
 */

/** What gRPC's clients say they are. */
const USER_AGENT = /^gRPC\b/;

/**
 * A cluster without endpoints: gRPC fails a call to it with UNAVAILABLE, and no other. One that does not exist would hold
 * up all routes for 15 s.
 */
const NOWHERE = "not-for-grpc";

export const nowhereCluster: Resource = edsCluster(NOWHERE);
export const nowhereEndpoints: Resource = noEndpoints(NOWHERE);

/** Whether this is no sidecar but a gRPC application that reads xDS. */
export function isProxyless({ userAgentName }: Pick<NodeInfo, "userAgentName">): boolean {
  return USER_AGENT.test(userAgentName);
}

/** A Service as the client names it. */
export function targetName({ metadata, spec }: Service): string {
  return `${metadata.name}:${spec.port}`;
}

export function proxylessListener(service: Service): Resource {
  const name = targetName(service);
  const manager = create(HttpConnectionManagerSchema, {
    // gRPC has no use for it, but a message without it is not valid.
    statPrefix: "outbound",
    routeSpecifier: { case: "rds", value: { routeConfigName: name, configSource: fromAds() } },
    httpFilters: [
      {
        name: "envoy.filters.http.router",
        configType: { case: "typedConfig", value: anyPack(RouterSchema, create(RouterSchema)) },
      },
    ],
  });
  const apiListener = create(ApiListenerSchema, { apiListener: anyPack(HttpConnectionManagerSchema, manager) });
  return resourceOf(ListenerSchema, name, create(ListenerSchema, { name, apiListener }));
}

/** The routes that apply to the Service by its own name, as far as gRPC can do what they say. */
export function proxylessRoutes(service: Service, routes: readonly GatewayRoute[], model: Model): Resource {
  const name = targetName(service);
  const made = routesToName(service, routes, model).filter((route) => !asksForQuery(route));
  const virtualHost = { name, domains: ["*"], routes: made.map(forGrpc) };
  return resourceOf(
    RouteConfigurationSchema,
    name,
    create(RouteConfigurationSchema, { name, virtualHosts: [virtualHost] }),
  );
}

/** A call has no query. Some clients would pass over the condition, and not the route. */
function asksForQuery({ match }: Route): boolean {
  return (match?.queryParameters.length ?? 0) > 0;
}

/** Clients refuse a route configuration for a route that does not forward, or for filters that they do not know. */
function forGrpc(route: Route): Route {
  const made = clone(RouteSchema, route);
  made.typedPerFilterConfig = {};
  const { match } = made;
  if (match?.pathSpecifier.case === "pathSeparatedPrefix") {
    const regex = `${match.pathSpecifier.value.replace(/[^\w/]/g, "\\$&")}(/.*)?`;
    match.pathSpecifier = {
      case: "safeRegex",
      value: { $typeName: "envoy.type.matcher.v3.RegexMatcher", regex, engineType: { case: undefined } },
    };
  }
  if (made.action.case !== "route") {
    return create(RouteSchema, {
      name: made.name,
      ...(match === undefined ? {} : { match }),
      action: { case: "route", value: { clusterSpecifier: { case: "cluster", value: NOWHERE } } },
    });
  }
  const action = made.action.value;
  if (action.timeout !== undefined && durationMs(action.timeout) > 0) {
    action.maxStreamDuration = {
      $typeName: "envoy.config.route.v3.RouteAction.MaxStreamDuration",
      maxStreamDuration: action.timeout,
    };
  }
  if ((action.retryPolicy?.numRetries ?? 1) < 1) delete action.retryPolicy;
  return made;
}

/** gRPC can look up one host name for a cluster. A Service of several endpoints, one of which is a host name, has none for it. */
export function proxylessCluster(service: Service): Resource {
  const { spec } = service;
  const name = outboundName(service.metadata.name, spec.port);
  const message: Cluster = create(ClusterSchema, {
    name,
    lbPolicy: isHashed(service) ? Cluster_LbPolicy.RING_HASH : Cluster_LbPolicy.ROUND_ROBIN,
    ...(spec.circuitBreakers === undefined ? {} : { circuitBreakers: circuitBreakers(spec.circuitBreakers) }),
    ...(spec.outlierDetection === undefined ? {} : { outlierDetection: outlierDetection(spec.outlierDetection) }),
  });
  if (!isLookedUp(service)) {
    message.clusterDiscoveryType = { case: "type", value: Cluster_DiscoveryType.EDS };
    message.edsClusterConfig = create(Cluster_EdsClusterConfigSchema, { edsConfig: fromAds() });
  } else {
    message.clusterDiscoveryType = { case: "type", value: Cluster_DiscoveryType.LOGICAL_DNS };
    message.loadAssignment = assignment(service, name, undefined);
  }
  return resourceOf(ClusterSchema, name, message);
}

function isHashed({ spec }: Service): boolean {
  return spec.loadBalancing.policy === "RingHash" || spec.loadBalancing.policy === "Maglev";
}

function isLookedUp(service: Service): boolean {
  return usesDns(service) && service.spec.endpoints.length === 1;
}

/** `undefined` for a Service whose one endpoint comes with its cluster. */
export function proxylessEndpoints(service: Service, client: Client): Resource | undefined {
  if (isLookedUp(service)) return undefined;
  const name = outboundName(service.metadata.name, service.spec.port);
  if (usesDns(service)) return noEndpoints(name);
  return resourceOf(ClusterLoadAssignmentSchema, name, assignment(service, name, client));
}

/** gRPC wants a locality and a weight with each group of endpoints: those without a weight get nothing. */
function assignment(service: Service, name: string, client: Client | undefined): ReturnType<typeof loadAssignment> {
  const made = loadAssignment(service, name, client);
  for (const group of made.endpoints) {
    group.locality ??= create(LocalitySchema);
    group.loadBalancingWeight ??= group.lbEndpoints.reduce(
      (sum, { loadBalancingWeight = 1 }) => sum + loadBalancingWeight,
      0,
    );
  }
  return made;
}

function edsCluster(name: string): Resource {
  const message = create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: fromAds() },
  });
  return resourceOf(ClusterSchema, name, message);
}

function noEndpoints(name: string): Resource {
  const message = create(ClusterLoadAssignmentSchema, { clusterName: name });
  return resourceOf(ClusterLoadAssignmentSchema, name, message);
}
