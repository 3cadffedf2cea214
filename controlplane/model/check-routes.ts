import { answersUnresolved } from "./annotations.ts";
import { checkFilters } from "./check-filters.ts";
import { Claims, repeated } from "./claims.ts";
import type { Found } from "./claims.ts";
import type { Origin } from "./document.ts";
import { durationMilliseconds } from "./duration.ts";
import type { Path } from "./path.ts";
import { allPorts, meansPort, ownerOf } from "./ports.ts";
import type { Problem } from "./problem.ts";
import { checkServiceRef } from "./references.ts";
import type { MayExist } from "./references.ts";
import { regexFault } from "./regex.ts";
import type { Model, Route } from "./resources.ts";
import type { GRPCRouteMatch, HTTPRouteMatch, RouteRule, ServiceRef, ValueMatch } from "./routes.ts";

/** The limit of the Gateway API. */
const maxMatches = 128;

/** Finds the faults of HTTPRoutes and GRPCRoutes, each in itself and against the others, and hosts that two Services have. */
export function checkRoutes(model: Model, mayExist: MayExist): Found {
  const hosts = new Claims("host");
  const localHosts = new Claims("local host");
  const parents = new Claims("parent");
  for (const { metadata, origin } of model.services.values()) {
    hosts.claim(metadata.name, `Service ${metadata.name}`, origin, ["metadata", "name"]);
  }
  const found: Found = [];
  for (const { metadata, origin, spec } of model.services.values()) {
    for (const [h, hostname] of spec.hostnames.entries()) {
      found.push(hosts.claim(hostname, `Service ${metadata.name}`, origin, ["spec", "hostnames", h]));
    }
    for (const [h, hostname] of (spec.local?.hostnames ?? []).entries()) {
      const path = ["spec", "local", "hostnames", h];
      found.push(
        localHosts.claim(`${spec.local?.scope ?? ""} ${hostname}`, `Service ${metadata.name}`, origin, path, hostname),
      );
    }
  }
  const routes = [...model.httpRoutes.values(), ...model.grpcRoutes.values()].flatMap((route) => [
    ...checkParents(route, hosts, parents, model, mayExist),
    ...checkRules(route, model, mayExist),
  ]);
  return [...found, ...routes];
}

function checkParents(
  { kind, origin, spec }: Route,
  hosts: Claims,
  parents: Claims,
  model: Model,
  mayExist: MayExist,
): Found {
  const names = spec.parentRefs.map(({ name, port, sectionName }) =>
    [name, port, sectionName].filter(Boolean).join(" "),
  );
  const found: Found = repeated(names, "parent", origin, (p) => ["spec", "parentRefs", p, "name"]);
  for (const [p, parent] of spec.parentRefs.entries()) {
    const path = ["spec", "parentRefs", p];
    found.push(checkServiceRef(parent, path, origin, model, mayExist));
    // The Gateway API lets only one kind apply, and ignores the other; a file that would be ignored is a fault.
    const service = model.services.get(parent.name);
    const ports = service === undefined ? [] : allPorts(service, model).filter((port) => meansPort(parent, port));
    for (const name of service === undefined ? [parent.name] : ports.map(({ metadata }) => metadata.name))
      found.push(parents.claim(name, `${kind}s`, origin, [...path, "name"]));
    for (const [h, hostname] of spec.hostnames.entries()) {
      found.push(
        hosts.claim(hostname, `Service ${service === undefined ? parent.name : ownerOf(service)}`, origin, [
          "spec",
          "hostnames",
          h,
        ]),
      );
    }
  }
  return found;
}

function checkRules(route: Route, model: Model, mayExist: MayExist): Found {
  const { origin, spec } = route;
  const rules: readonly RouteRule[] = spec.rules;
  const checkRef = (ref: ServiceRef, path: Path): Problem | undefined =>
    answersUnresolved(route.metadata) ? undefined : checkServiceRef(ref, path, origin, model, mayExist);
  const found: Found = rules.flatMap((rule, r) => {
    const path = ["spec", "rules", r];
    return [
      ...rule.backendRefs.flatMap((backend, b) => [
        checkRef(backend, [...path, "backendRefs", b]),
        ...checkFilters(backend.filters, [...path, "backendRefs", b, "filters"], origin, checkRef),
      ]),
      ...checkFilters(rule.filters, [...path, "filters"], origin, checkRef),
      ...checkRedirect(rule, path, origin),
      ...checkTimeouts(rule, path, origin),
      ...checkSession(rule, path, origin),
    ];
  });
  const named = rules.flatMap(({ name }, r) => (name === undefined ? [] : [{ name, r }]));
  const names = named.map(({ name }) => name);
  found.push(...repeated(names, "rule", origin, (n) => ["spec", "rules", named[n]?.r ?? 0, "name"]));
  const count = spec.rules.reduce((sum, { matches }) => sum + matches.length, 0);
  if (count > maxMatches) {
    found.push(
      origin.problem(["spec", "rules"], `expected at most ${maxMatches} matches in all rules, found ${count}`),
    );
  }
  found.push(...checkMatches(route));
  return found;
}

function checkMatches({ kind, origin, spec }: Route): Found {
  if (kind === "GRPCRoute") {
    return spec.rules.flatMap(({ matches }, r) =>
      matches.flatMap((match, m) => checkGrpcMatch(match, ["spec", "rules", r, "matches", m], origin)),
    );
  }
  return spec.rules.flatMap((rule, r) => [
    ...rule.matches.flatMap((match, m) => checkHttpMatch(match, ["spec", "rules", r, "matches", m], origin)),
    ...checkPrefixes(rule, rule.matches, ["spec", "rules", r], origin),
  ]);
}

/** A prefix can be replaced only where there is one, and it is known. */
function checkPrefixes(rule: RouteRule, matches: readonly HTTPRouteMatch[], path: Path, origin: Origin): Found {
  const [match] = matches;
  if (matches.length === 1 && match?.path.type === "PathPrefix") return [];
  const lists: [Path, RouteRule["filters"]][] = [
    [[...path, "filters"], rule.filters],
    ...rule.backendRefs.map(({ filters }, b): [Path, RouteRule["filters"]] => [
      [...path, "backendRefs", b, "filters"],
      filters,
    ]),
  ];
  return lists.flatMap(([at, filters]) =>
    filters.map((filter, f) => {
      const field =
        filter.type === "URLRewrite" ? "urlRewrite" : filter.type === "RequestRedirect" ? "requestRedirect" : "";
      const modifier =
        filter.type === "URLRewrite"
          ? filter.urlRewrite.path
          : filter.type === "RequestRedirect"
            ? filter.requestRedirect.path
            : undefined;
      if (modifier?.type !== "ReplacePrefixMatch") return undefined;
      const message = "a rule that replaces the prefix must have exactly one match, with a path of type PathPrefix";
      return origin.problem([...at, f, field, "path", "type"], message);
    }),
  );
}

function checkHttpMatch(match: HTTPRouteMatch, path: Path, origin: Origin): Found {
  const { path: pathMatch, headers, queryParams } = match;
  const paramNames = queryParams.map(({ name }) => name);
  return [
    checkRegex(pathMatch, [...path, "path", "value"], origin),
    ...checkHeaders(headers, path, origin),
    ...queryParams.map((param, q) => checkRegex(param, [...path, "queryParams", q, "value"], origin)),
    ...repeated(paramNames, "query parameter", origin, (q) => [...path, "queryParams", q, "name"]),
  ];
}

function checkGrpcMatch({ method, headers }: GRPCRouteMatch, path: Path, origin: Origin): Found {
  const found = checkHeaders(headers, path, origin);
  if (method === undefined) return found;
  if (method.service === undefined && method.method === undefined) {
    found.push(origin.problem([...path, "method"], "expected a service, a method, or both"));
  }
  for (const field of ["service", "method"] as const) {
    const value = method[field];
    if (value !== undefined) {
      found.push(checkRegex({ type: method.type, value }, [...path, "method", field], origin));
    }
  }
  return found;
}

function checkHeaders(headers: readonly ValueMatch[], path: Path, origin: Origin): Found {
  const names = headers.map(({ name }) => name.toLowerCase());
  return [
    ...headers.map((header, h) => checkRegex(header, [...path, "headers", h, "value"], origin)),
    ...repeated(names, "header", origin, (h) => [...path, "headers", h, "name"]),
  ];
}

function checkRegex(
  { type, value }: { readonly type: string; readonly value: string },
  path: Path,
  origin: Origin,
): Problem | undefined {
  const fault = type === "RegularExpression" ? regexFault(value) : undefined;
  return fault === undefined ? undefined : origin.problem(path, fault);
}

function checkRedirect({ filters, backendRefs }: RouteRule, path: Path, origin: Origin): Found {
  const f = filters.findIndex(({ type }) => type === "RequestRedirect");
  if (f < 0 || backendRefs.length === 0) return [];
  return [origin.problem([...path, "filters", f, "type"], "a rule that redirects has no backendRefs")];
}

/** @param path of what has the timeouts and the retry. */
export function checkTimeouts(
  { timeouts, retry }: Pick<RouteRule, "timeouts" | "retry">,
  path: Path,
  origin: Origin,
): Found {
  const found: Found = [];
  const request = durationMilliseconds(timeouts?.request ?? "0s");
  if (timeouts?.backendRequest !== undefined && request > 0) {
    if (durationMilliseconds(timeouts.backendRequest) > request) {
      const message = `expected at most timeouts.request, ${timeouts.request ?? ""}, found ${timeouts.backendRequest}`;
      found.push(origin.problem([...path, "timeouts", "backendRequest"], message));
    }
  }
  if (retry?.backoff !== undefined && durationMilliseconds(retry.backoff) === 0) {
    found.push(origin.problem([...path, "retry", "backoff"], `expected more than 0s, found ${retry.backoff}`));
  }
  return found;
}

function checkSession({ sessionPersistence: session, backendRefs }: RouteRule, path: Path, origin: Origin): Found {
  if (session === undefined) return [];
  const found: Found = [];
  const at = [...path, "sessionPersistence"];
  if (backendRefs.filter(({ weight }) => weight > 0).length !== 1) {
    const message =
      "only for a rule with one backend: which one a request goes to is drawn before its session is known";
    found.push(origin.problem(at, message, "key"));
  }
  const isPermanent = session.cookie?.lifetimeType === "Permanent";
  if (isPermanent && durationMilliseconds(session.absoluteTimeout ?? "0s") < 1000) {
    const message = "required with the lifetimeType Permanent; at least 1s";
    found.push(
      origin.problem([...at, "absoluteTimeout"], message, session.absoluteTimeout === undefined ? "key" : "value"),
    );
  }
  if (session.absoluteTimeout !== undefined && !isPermanent && session.type === "Cookie") {
    found.push(origin.problem([...at, "absoluteTimeout"], "only with the lifetimeType Permanent", "key"));
  }
  return found;
}
