import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  DirectResponseActionSchema,
  RouteActionSchema,
  RouteSchema,
} from "#gen/envoy/config/route/v3/route_components_pb.js";
import type { Route, RouteAction_RequestMirrorPolicy } from "#gen/envoy/config/route/v3/route_components_pb.js";
import { allPorts, meshOf } from "../model/index.ts";
import type { BackendRef, Model, RequestMirror, RouteFilter, RouteRule, Service, ServiceRef } from "../model/index.ts";
import { hashPolicies } from "./hash-policies.ts";
import { headerChanges } from "./header-changes.ts";
import { outboundName } from "./names.ts";
import { redirectAction, rewrite } from "./path-changes.ts";
import { noTimeout, timeoutsAndRetries } from "./retries.ts";
import { corsConfig, mirrorPolicy, runtimeFraction, sessionConfig } from "./route-filters.ts";
import { prefixOf, routeMatch } from "./route-match.ts";
import type { Candidate } from "./route-order.ts";

type RouteAction = MessageInitShape<typeof RouteActionSchema>;

type ToCluster = Partial<Pick<RouteAction, "hashPolicy" | "timeout" | "retryPolicy">>;

/** A route that sends every request to a Service. */
export function routeToService(name: string, service: Service, model: Model): Route {
  const { metadata, spec } = service;
  // What speaks HTTP2 may be gRPC, whose streams last.
  const defaults = spec.protocol === "HTTP" ? meshOf(model)?.spec.routes : undefined;
  const action = { hashPolicy: hashPolicies(service), ...timeoutsAndRetries(defaults ?? {}) };
  return routeToCluster(name, outboundName(metadata.name, spec.port), action);
}

/** A route that sends every request to one cluster. */
export function routeToCluster(name: string, cluster: string, action: ToCluster = {}): Route {
  return create(RouteSchema, {
    name,
    match: { pathSpecifier: { case: "prefix", value: "/" } },
    action: {
      case: "route",
      value: create(RouteActionSchema, {
        clusterSpecifier: { case: "cluster", value: cluster },
        timeout: noTimeout,
        ...action,
      }),
    },
  });
}

/** A route that answers every request itself. */
export function routeToAnswer(name: string, status: number, text: string): Route {
  return create(RouteSchema, {
    name,
    match: { pathSpecifier: { case: "prefix", value: "/" } },
    action: answer(status, text),
  });
}

/** A backend that gets requests: its Service, if there is one, and what is done to these requests only. */
interface Target {
  readonly ref: BackendRef;
  readonly service: Service | undefined;
}

/**
 * The routes of a match of a rule. Mostly it is one. Where what a backend asks for cannot be said of one cluster among
 * weighted ones, such as a rewrite of its own, each backend has a route of its own. These take their shares of the requests
 * one after the other: Envoy draws one number for a request, so the bounds are those of the shares added up.
 */
export function candidateRoutes(candidate: Candidate, parent: Service, model: Model): Route[] {
  const { rule, name } = candidate;
  const targets = rule.backendRefs
    .filter(({ weight }) => weight > 0)
    .map((ref): Target => {
      const service = resolve(ref, model);
      // A further port has a name of its own in the model.
      return { ref: service === undefined ? ref : { ...ref, name: service.metadata.name }, service };
    });
  if (targets.length <= 1 || canShare(targets)) return [candidateRoute(candidate, { name, targets }, parent, model)];
  const total = sum(targets);
  return targets.map((target, t) => {
    const isLast = t === targets.length - 1;
    const part = { name: `${name}/${t}`, targets: [target], share: isLast ? 1 : sum(targets.slice(0, t + 1)) / total };
    return candidateRoute(candidate, part, parent, model);
  });
}

function sum(targets: readonly Target[]): number {
  return targets.reduce((total, { ref }) => total + ref.weight, 0);
}

function mirrorTo(mirror: RequestMirror, model: Model): RouteAction_RequestMirrorPolicy[] {
  const service = resolve(mirror.backendRef, model);
  if (service === undefined) return [];
  return [mirrorPolicy({ ...mirror, backendRef: { ...mirror.backendRef, name: service.metadata.name } })];
}

function resolve({ name, port }: ServiceRef, model: Model): Service | undefined {
  const service = model.services.get(name);
  return service && allPorts(service, model).find(({ spec }) => spec.port === port);
}

/** Whether all that these backends ask for can be said of weighted clusters. */
function canShare(targets: readonly Target[]): boolean {
  const [first] = targets;
  const hash = ({ service }: Target): string => JSON.stringify(service?.spec.loadBalancing.hashPolicies ?? []);
  return targets.every((target) => {
    if (target.service === undefined || !target.ref.filters.every(isHeaderModifier)) return false;
    return first !== undefined && hash(target) === hash(first);
  });
}

/** What a route takes of the requests that a match fits, and where they go. */
interface Part {
  readonly name: string;
  readonly targets: readonly Target[];
  /** Of the requests that get so far. */
  readonly share?: number;
}

function candidateRoute(
  { rule, match, route }: Candidate,
  { name, targets, share = 1 }: Part,
  parent: Service,
  model: Model,
): Route {
  const [only] = targets.length === 1 ? targets : [];
  const filters = [...rule.filters, ...(only?.ref.filters ?? [])];
  const prefix = match.kind === "HTTPRoute" ? prefixOf(match.match.path) : "";
  const made = create(RouteSchema, { name, match: routeMatch(match) });
  if (made.match !== undefined && share < 1) made.match.runtimeFraction = runtimeFraction(share);
  const redirect = filters.find((filter) => filter.type === "RequestRedirect");
  if (redirect !== undefined) {
    Object.assign(made, headerChanges(rule.filters));
    made.action = { case: "redirect", value: redirectAction(redirect.requestRedirect, prefix, parent.spec.port) };
    return made;
  }
  if (targets.length === 0 || targets.some(({ service }) => service === undefined)) {
    Object.assign(made, headerChanges(rule.filters));
    const what = only === undefined ? "no backend" : `no backend ${only.ref.name}:${only.ref.port}`;
    // Envoy turns 503 into UNAVAILABLE, which is what the Gateway API wants for calls.
    const status = match.kind === "GRPCRoute" ? 503 : 500;
    made.action = answer(status, `${route.kind} rule ${name} has ${what}\n`);
    return made;
  }
  const action = create(RouteActionSchema, {
    ...toTargets(targets, rule),
    ...timeoutsAndRetries(match.kind === "HTTPRoute" ? { ...meshOf(model)?.spec.routes, ...rule } : rule),
    hashPolicy: targets[0]?.service === undefined ? [] : hashPolicies(targets[0].service),
  });
  made.action = { case: "route", value: action };
  if (!targets.some(changesHeaders)) Object.assign(made, headerChanges(rule.filters));
  for (const filter of filters) {
    switch (filter.type) {
      case "URLRewrite":
        rewrite(action, filter.urlRewrite, prefix);
        break;
      case "RequestMirror":
        // A mirror that is nowhere is dropped, as the Gateway API wants; the request itself is not concerned.
        action.requestMirrorPolicies.push(...mirrorTo(filter.requestMirror, model));
        break;
      case "CORS":
        Object.assign(made.typedPerFilterConfig, corsConfig(filter.cors));
        break;
      default:
        break;
    }
  }
  if (rule.sessionPersistence !== undefined) {
    Object.assign(made.typedPerFilterConfig, sessionConfig(rule.sessionPersistence, route.metadata.name));
  }
  return made;
}

function answer(status: number, text: string): Route["action"] {
  const body = { specifier: { case: "inlineString", value: text } } as const;
  return { case: "directResponse", value: create(DirectResponseActionSchema, { status, body }) };
}

function toTargets(targets: readonly Target[], rule: RouteRule): Pick<RouteAction, "clusterSpecifier"> {
  const [first] = targets;
  if (targets.length === 1 && first !== undefined && !changesHeaders(first)) {
    return { clusterSpecifier: { case: "cluster", value: outboundName(first.ref.name, first.ref.port) } };
  }
  const ofBackend = targets.some(changesHeaders);
  const clusters = targets.map(({ ref: { name, port, weight, filters } }) => ({
    name: outboundName(name, port),
    weight,
    ...(ofBackend ? headerChanges(rule.filters, filters) : {}),
  }));
  return { clusterSpecifier: { case: "weightedClusters", value: { clusters } } };
}

function changesHeaders({ ref }: Target): boolean {
  return ref.filters.some(isHeaderModifier);
}

function isHeaderModifier({ type }: RouteFilter): boolean {
  return type === "RequestHeaderModifier" || type === "ResponseHeaderModifier";
}
