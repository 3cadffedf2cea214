import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { HeaderValueOptionSchema } from "#gen/envoy/config/core/v3/base_pb.js";
import { HeaderValueOption_HeaderAppendAction } from "#gen/envoy/config/core/v3/base_pb.js";
import type { RouteActionSchema, RouteMatchSchema } from "#gen/envoy/config/route/v3/route_components_pb.js";
import { RouteSchema } from "#gen/envoy/config/route/v3/route_components_pb.js";
import type { Route } from "#gen/envoy/config/route/v3/route_components_pb.js";
import type { StringMatcherSchema } from "#gen/envoy/type/matcher/v3/string_pb.js";
import { durationMilliseconds } from "../model/index.ts";
import type { BackendRef, Header, HeaderModifier, HTTPRouteMatch, HTTPRouteRule, ValueMatch } from "../model/index.ts";
import { outboundName } from "./names.ts";
import type { Candidate } from "./route-order.ts";

/** A route of an HTTPRoute. */
export function candidateRoute({ name, rule, match }: Candidate): Route {
  return create(RouteSchema, { name, match: routeMatch(match), ...action(rule, name), ...headerChanges(rule) });
}

/** A route that sends every request to one cluster. */
export function routeToCluster(name: string, cluster: string): Route {
  return create(RouteSchema, {
    name,
    match: { pathSpecifier: { case: "prefix", value: "/" } },
    action: { case: "route", value: { ...toCluster(cluster), timeout: noTimeout } },
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

// Envoy's own default of 15 s would cut streams; the Gateway API has no limit where none is asked for.
const noTimeout = durationFromMs(0);

function action(rule: HTTPRouteRule, name: string): Pick<MessageInitShape<typeof RouteSchema>, "action"> {
  const backends = rule.backendRefs.filter(({ weight }) => weight > 0);
  if (backends.length === 0) return { action: answer(500, `HTTPRoute rule ${name} has no backend\n`) };
  const { request } = rule.timeouts ?? {};
  const timeout = request === undefined ? noTimeout : durationFromMs(durationMilliseconds(request));
  return { action: { case: "route", value: { ...toBackends(backends), timeout } } };
}

function answer(status: number, text: string): NonNullable<MessageInitShape<typeof RouteSchema>["action"]> {
  return { case: "directResponse", value: { status, body: { specifier: { case: "inlineString", value: text } } } };
}

type ClusterChoice = Pick<MessageInitShape<typeof RouteActionSchema>, "clusterSpecifier">;

function toBackends(backends: readonly BackendRef[]): ClusterChoice {
  const [first] = backends;
  if (backends.length === 1 && first !== undefined) return toCluster(outboundName(first.name, first.port));
  const clusters = backends.map(({ name, port, weight }) => ({ name: outboundName(name, port), weight }));
  return { clusterSpecifier: { case: "weightedClusters", value: { clusters } } };
}

function toCluster(cluster: string): ClusterChoice {
  return { clusterSpecifier: { case: "cluster", value: cluster } };
}

function routeMatch(match: HTTPRouteMatch): MessageInitShape<typeof RouteMatchSchema> {
  const method: ValueMatch[] =
    match.method === undefined ? [] : [{ type: "Exact", name: ":method", value: match.method }];
  return {
    pathSpecifier: pathSpecifier(match.path),
    headers: [...method, ...match.headers].map((header) => ({
      name: header.name,
      headerMatchSpecifier: { case: "stringMatch", value: stringMatcher(header) },
    })),
    queryParameters: match.queryParams.map((param) => ({
      name: param.name,
      queryParameterMatchSpecifier: { case: "stringMatch", value: stringMatcher(param) },
    })),
  };
}

function pathSpecifier({
  type,
  value,
}: HTTPRouteMatch["path"]): NonNullable<MessageInitShape<typeof RouteMatchSchema>["pathSpecifier"]> {
  switch (type) {
    case "Exact":
      return { case: "path", value };
    case "RegularExpression":
      return { case: "safeRegex", value: { regex: value } };
    case "PathPrefix": {
      // A prefix is one of path elements: /shop takes /shop and /shop/x, not /shopping. A slash at its end says nothing.
      const prefix = value.replace(/\/$/, "");
      return prefix === "" ? { case: "prefix", value: "/" } : { case: "pathSeparatedPrefix", value: prefix };
    }
  }
}

function stringMatcher({ type, value }: ValueMatch): MessageInitShape<typeof StringMatcherSchema> {
  switch (type) {
    case "Exact":
      return { matchPattern: { case: "exact", value } };
    case "RegularExpression":
      return { matchPattern: { case: "safeRegex", value: { regex: value } } };
  }
}

type HeaderChanges = Pick<
  MessageInitShape<typeof RouteSchema>,
  "requestHeadersToAdd" | "requestHeadersToRemove" | "responseHeadersToAdd" | "responseHeadersToRemove"
>;

function headerChanges(rule: HTTPRouteRule): HeaderChanges {
  const changes: HeaderChanges = {};
  for (const filter of rule.filters) {
    switch (filter.type) {
      case "RequestHeaderModifier":
        changes.requestHeadersToAdd = headersToAdd(filter.requestHeaderModifier);
        changes.requestHeadersToRemove = [...filter.requestHeaderModifier.remove];
        break;
      case "ResponseHeaderModifier":
        changes.responseHeadersToAdd = headersToAdd(filter.responseHeaderModifier);
        changes.responseHeadersToRemove = [...filter.responseHeaderModifier.remove];
        break;
    }
  }
  return changes;
}

function headersToAdd({ set, add }: HeaderModifier): MessageInitShape<typeof HeaderValueOptionSchema>[] {
  const { OVERWRITE_IF_EXISTS_OR_ADD, APPEND_IF_EXISTS_OR_ADD } = HeaderValueOption_HeaderAppendAction;
  return [
    ...set.map((header) => headerOption(header, OVERWRITE_IF_EXISTS_OR_ADD)),
    ...add.map((header) => headerOption(header, APPEND_IF_EXISTS_OR_ADD)),
  ];
}

function headerOption(
  { name, value }: Header,
  appendAction: HeaderValueOption_HeaderAppendAction,
): MessageInitShape<typeof HeaderValueOptionSchema> {
  // Envoy would read a single % as the beginning of a substitution. An empty value is dropped unless it is asked for.
  return { header: { key: name, value: value.replaceAll("%", "%%") }, appendAction, keepEmptyValue: true };
}
