import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { RouteConfigurationSchema } from "#gen/envoy/config/route/v3/route_pb.js";
import type { Route, VirtualHostSchema } from "#gen/envoy/config/route/v3/route_components_pb.js";
import type { HTTPRoute, Model, Service } from "../model/index.ts";
import type { Resource } from "../xds/index.ts";
import { resourceOf } from "./messages.ts";
import { inboundName, inboundRouteName, outboundName, outboundRouteName } from "./names.ts";
import { inOrderOfPrecedence } from "./route-order.ts";
import { candidateRoute, routeToAnswer, routeToCluster } from "./routes.ts";

type VirtualHost = MessageInitShape<typeof VirtualHostSchema>;

/** Everything that comes to a Service's sidecar goes to its application. */
export function inboundRoutes(service: Service): Resource {
  const name = inboundRouteName(service);
  const routes = [routeToCluster("application", inboundName(service))];
  const message = create(RouteConfigurationSchema, { name, virtualHosts: [{ name, domains: ["*"], routes }] });
  return resourceOf(RouteConfigurationSchema, name, message);
}

/** Where requests to any Service go. The same for all sidecars. */
export function outboundRoutes(model: Model): Resource {
  const routesOf = new Map<string, HTTPRoute[]>();
  for (const route of model.httpRoutes.values()) {
    for (const { name } of route.spec.parentRefs) routesOf.set(name, [...(routesOf.get(name) ?? []), route]);
  }
  const services = [...model.services.values()];
  const message = create(RouteConfigurationSchema, {
    name: outboundRouteName,
    virtualHosts: [
      ...services.flatMap((service) => virtualHosts(service, routesOf.get(service.metadata.name) ?? [])),
      { name: "unknown", domains: ["*"], routes: [routeToAnswer("unknown", 404, "no Service has this host\n")] },
    ],
    // A host is a Service's with any port, or none: clients write the port of the listener as often as the Service's.
    ignorePortInHostMatching: true,
  });
  return resourceOf(RouteConfigurationSchema, outboundRouteName, message);
}

/**
 * The hosts of a Service: its name, to which all its HTTPRoutes apply, and the hostnames of these routes. To a hostname
 * apply the routes that name it and those that name none. Hosts to which the same routes apply share a virtual host.
 */
function virtualHosts(service: Service, routes: readonly HTTPRoute[]): VirtualHost[] {
  const { name } = service.metadata;
  if (routes.length === 0) {
    const toService = routeToCluster("default", outboundName(name, service.spec.port));
    return [{ name, domains: [name], routes: [toService] }];
  }
  const hosts = new Map<string, VirtualHost & { domains: string[] }>();
  const addDomain = (domain: string, virtualHostName: string, applying: readonly HTTPRoute[]): void => {
    const key = applying.map(({ metadata }) => metadata.name).join(" ");
    const host = hosts.get(key);
    // A request that no rule takes is answered with 404, as the Gateway API wants.
    const rules = (): Route[] => inOrderOfPrecedence(applying).map(candidateRoute);
    if (host === undefined) hosts.set(key, { name: virtualHostName, domains: [domain], routes: rules() });
    else host.domains.push(domain);
  };
  addDomain(name, name, routes);
  for (const hostname of [...new Set(routes.flatMap(({ spec }) => spec.hostnames))].sort()) {
    const applies = ({ spec }: HTTPRoute): boolean => spec.hostnames.length === 0 || spec.hostnames.includes(hostname);
    addDomain(hostname, `${name}|${hostname}`, routes.filter(applies));
  }
  return [...hosts.values()];
}
