import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { RouteConfigurationSchema } from "#gen/envoy/config/route/v3/route_pb.js";
import { HeaderMatcherSchema } from "#gen/envoy/config/route/v3/route_components_pb.js";
import type { HeaderMatcher, Route, VirtualHostSchema } from "#gen/envoy/config/route/v3/route_components_pb.js";
import { allPorts, meansPort, meshOf } from "../model/index.ts";
import type { Model, Route as GatewayRoute, Service } from "../model/index.ts";
import type { Resource } from "../xds/index.ts";
import { resourceOf } from "./messages.ts";
import { inboundName, inboundRouteName, outboundRouteName } from "./names.ts";
import { covers, inOrderOfPrecedence } from "./route-order.ts";
import { PASSTHROUGH } from "./unknown-hosts.ts";
import { candidateRoutes, routeToAnswer, routeToCluster, routeToService } from "./routes.ts";

type VirtualHost = MessageInitShape<typeof VirtualHostSchema>;
type Host = VirtualHost & { readonly domains: readonly string[] };

/** Everything that comes to a Service's sidecar goes to its application. */
export function inboundRoutes(service: Service): Resource {
  const name = inboundRouteName(service);
  const routes = [routeToCluster("application", inboundName(service))];
  const message = create(RouteConfigurationSchema, { name, virtualHosts: [{ name, domains: ["*"], routes }] });
  return resourceOf(RouteConfigurationSchema, name, message);
}

/** Where requests to any Service go. The same for all sidecars of a scope. @param scope of which they also take local hosts. */
export function outboundRoutes(model: Model, scope?: string): Resource {
  const routesOf = routesByService(model);
  const services = [...model.services.values()];
  const hosts = services.flatMap((service) => virtualHosts(service, model, routesOf));
  const unknown =
    meshOf(model)?.spec.unknownHosts === "Passthrough"
      ? routeToCluster("unknown", PASSTHROUGH)
      : routeToAnswer("unknown", 404, "no Service has this host\n");
  const message = create(RouteConfigurationSchema, {
    name: outboundRouteName,
    virtualHosts: [
      ...(scope === undefined ? hosts : withLocalHosts(hosts, services, scope)),
      { name: "unknown", domains: ["*"], routes: [unknown] },
    ],
    // A host is a Service's with any port, or none: clients write the port of the listener as often as the Service's.
    ignorePortInHostMatching: true,
  });
  return resourceOf(RouteConfigurationSchema, outboundRouteName, message);
}

/** The routes that are attached to each Service, by its name; those of further ports by the names that these have in the model. */
export function routesByService(model: Model): ReadonlyMap<string, readonly GatewayRoute[]> {
  const routesOf = new Map<string, GatewayRoute[]>();
  for (const route of [...model.httpRoutes.values(), ...model.grpcRoutes.values()]) {
    const parents = route.spec.parentRefs.flatMap((ref) => {
      const service = model.services.get(ref.name);
      return service === undefined ? [] : allPorts(service, model).filter((port) => meansPort(ref, port));
    });
    for (const { metadata } of new Set(parents))
      routesOf.set(metadata.name, [...(routesOf.get(metadata.name) ?? []), route]);
  }
  return routesOf;
}

/** The routes of requests to a Service by its own name, in the order in which they are tried. */
export function routesToName(service: Service, routes: readonly GatewayRoute[], model: Model): Route[] {
  if (routes.length === 0) return [routeToService("default", service, model)];
  return inOrderOfPrecedence(routes).flatMap((candidate) => candidateRoutes(candidate, service, model));
}

/**
 * The hosts of a Service: its name and its own hostnames, to which all its routes apply, and the hostnames of these routes. To a hostname apply
 * the routes that have it, or a wildcard that covers it, and those that have none. Hosts for which Envoy must try the same
 * routes in the same order share a virtual host.
 */
function virtualHosts(service: Service, model: Model, routesOf: ReadonlyMap<string, readonly GatewayRoute[]>): Host[] {
  const { name } = service.metadata;
  const routes = routesOf.get(name) ?? [];
  const own = [name, ...service.spec.hostnames.filter((hostname) => hostname !== name)];
  const others = toOtherPorts(service, model, routesOf);
  // A host that several ports of a Service have is that of the first of them, from where it leads to the others.
  const main = service.spec.portOf === undefined ? service : (model.services.get(service.spec.portOf) ?? service);
  const all = allPorts(main, model);
  const before = all.slice(0, Math.max(0, all.indexOf(service)));
  const taken = new Set(
    before.flatMap((port) => (routesOf.get(port.metadata.name) ?? []).flatMap(({ spec }) => spec.hostnames)),
  );
  const othersOfHost = main === service ? others : toOtherPorts(main, model, routesOf);
  if (routes.length === 0)
    return [{ name, domains: own, routes: [...others, routeToService("default", service, model)] }];
  const hosts = new Map<string, VirtualHost & { domains: string[] }>();
  const addDomain = (
    domain: string,
    virtualHostName: string,
    applying: readonly GatewayRoute[],
    host?: string,
  ): void => {
    const candidates = inOrderOfPrecedence(applying, host);
    const leads = host === undefined || main === service ? "" : "with other ports ";
    const key = leads + candidates.map((candidate) => candidate.name).join(" ");
    const known = hosts.get(key);
    if (known !== undefined) {
      known.domains.push(domain);
      return;
    }
    // A request that no rule takes is answered with 404, as the Gateway API wants.
    const rules = candidates.flatMap((candidate) => candidateRoutes(candidate, service, model));
    hosts.set(key, {
      name: virtualHostName,
      domains: [domain],
      routes: [...(host === undefined ? others : othersOfHost), ...rules],
    });
  };
  for (const hostname of own) addDomain(hostname, name, routes);
  for (const hostname of [...new Set(routes.flatMap(({ spec }) => spec.hostnames))].sort()) {
    if (own.includes(hostname) || taken.has(hostname)) continue;
    const applies = ({ spec }: GatewayRoute): boolean =>
      spec.hostnames.length === 0 || spec.hostnames.some((own) => covers(own, hostname));
    addDomain(hostname, `${name}|${hostname}`, routes.filter(applies), hostname);
  }
  return [...hosts.values()];
}

/** The routes of other ports: each is only for requests with this port behind the host, and none of them gets to the Service itself. */
function toOtherPorts(
  { spec }: Service,
  model: Model,
  routesOf: ReadonlyMap<string, readonly GatewayRoute[]>,
): Route[] {
  return spec.otherPorts.flatMap(({ port, service: name }) => {
    const service = model.services.get(name);
    const routes =
      service === undefined
        ? [routeToAnswer("no service", 503, `no Service has the port ${String(port)} of this host\n`)]
        : [
            ...routesToName(service, routesOf.get(name) ?? [], model),
            routeToAnswer("no rule", 404, "no rule is for this request\n"),
          ];
    for (const { match } of routes) match?.headers.push(withPort(port));
    return routes;
  });
}

/** The host itself is matched without its port. */
function withPort(port: number): HeaderMatcher {
  const suffix = { matchPattern: { case: "suffix", value: `:${String(port)}` } } as const;
  const headerMatchSpecifier = { case: "stringMatch", value: suffix } as const;
  return create(HeaderMatcherSchema, { name: ":authority", headerMatchSpecifier });
}

/** The local hosts of a scope lead to where the Services' own names do. Envoy takes no domain twice. */
function withLocalHosts(hosts: readonly Host[], services: readonly Service[], scope: string): Host[] {
  const taken = new Set(hosts.flatMap(({ domains }) => domains));
  const local = new Map(
    services.flatMap(({ metadata, spec }): [string, readonly string[]][] =>
      spec.local?.scope === scope
        ? [[metadata.name, spec.local.hostnames.filter((hostname) => !taken.has(hostname))]]
        : [],
    ),
  );
  return hosts.map((host) => {
    const more = local.get(host.name ?? "");
    return more === undefined ? host : { ...host, domains: [...host.domains, ...more] };
  });
}
