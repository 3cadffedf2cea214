import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RouteMatchSchema } from "#gen/envoy/config/route/v3/route_components_pb.js";
import type { StringMatcherSchema } from "#gen/envoy/type/matcher/v3/string_pb.js";
import type { GRPCRouteMatch, HTTPRouteMatch, ValueMatch } from "../model/index.ts";
import type { RouteMatch } from "./route-order.ts";

type Match = MessageInitShape<typeof RouteMatchSchema>;
type PathSpecifier = NonNullable<Match["pathSpecifier"]>;

/** The requests that a match of a route takes. */
export function routeMatch({ kind, match }: RouteMatch): Match {
  return kind === "HTTPRoute" ? httpMatch(match) : grpcMatch(match);
}

function httpMatch({ path, headers, queryParams, method }: HTTPRouteMatch): Match {
  const methods: ValueMatch[] = method === undefined ? [] : [{ type: "Exact", name: ":method", value: method }];
  return {
    pathSpecifier: httpPath(path),
    headers: headerMatchers([...methods, ...headers]),
    queryParameters: queryParams.map((param) => ({
      name: param.name,
      queryParameterMatchSpecifier: { case: "stringMatch", value: stringMatcher(param) },
    })),
  };
}

function httpPath(path: HTTPRouteMatch["path"]): PathSpecifier {
  switch (path.type) {
    case "Exact":
      return { case: "path", value: path.value };
    case "RegularExpression":
      return { case: "safeRegex", value: { regex: path.value } };
    case "PathPrefix": {
      const prefix = prefixOf(path);
      return prefix === "" ? { case: "prefix", value: "/" } : { case: "pathSeparatedPrefix", value: prefix };
    }
  }
}

/** A prefix is one of path elements: /shop takes /shop and /shop/x, not /shopping. A slash at its end says nothing. */
export function prefixOf({ value }: HTTPRouteMatch["path"]): string {
  return value.replace(/\/$/, "");
}

/** The path of a call is `/<service>/<method>` (gRPC over HTTP/2). Requests that are no calls are not taken. */
function grpcMatch({ method, headers }: GRPCRouteMatch): Match {
  return { pathSpecifier: grpcPath(method), headers: headerMatchers(headers), grpc: {} };
}

function grpcPath(match: GRPCRouteMatch["method"]): PathSpecifier {
  if (match === undefined) return { case: "prefix", value: "/" };
  const { type, service, method } = match;
  if (type === "Exact" && service !== undefined) {
    if (method === undefined) return { case: "prefix", value: `/${service}/` };
    return { case: "path", value: `/${service}/${method}` };
  }
  const part = (value: string | undefined): string => (value === undefined ? "[^/]+" : `(?:${value})`);
  return { case: "safeRegex", value: { regex: `/${part(service)}/${part(method)}` } };
}

function headerMatchers(headers: readonly ValueMatch[]): NonNullable<Match["headers"]> {
  return headers.map((header) => ({
    name: header.name,
    headerMatchSpecifier: { case: "stringMatch", value: stringMatcher(header) },
  }));
}

function stringMatcher({ type, value }: ValueMatch): MessageInitShape<typeof StringMatcherSchema> {
  switch (type) {
    case "Exact":
      return { matchPattern: { case: "exact", value } };
    case "RegularExpression":
      return { matchPattern: { case: "safeRegex", value: { regex: value } } };
  }
}
