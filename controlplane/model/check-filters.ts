import { repeated } from "./claims.ts";
import type { Found } from "./claims.ts";
import type { Origin } from "./document.ts";
import type { Path } from "./path.ts";
import type { Problem } from "./problem.ts";
import type { CORS, HeaderModifier, RequestMirror, RouteFilter, ServiceRef } from "./routes.ts";

/** Finds the faults of the filters that stand together in the list at `path`. */
export function checkFilters(
  filters: readonly RouteFilter[],
  path: Path,
  origin: Origin,
  checkRef: (ref: ServiceRef, path: Path) => Problem | undefined,
): Found {
  // A request may be mirrored to several Services; everything else would contradict itself.
  const types = filters.map(({ type }, f) => (type === "RequestMirror" ? `${type} ${f}` : type));
  const found: Found = repeated(types, "filter", origin, (f) => [...path, f, "type"]);
  const rewrite = types.indexOf("URLRewrite");
  if (rewrite >= 0 && types.includes("RequestRedirect")) {
    const message = "URLRewrite cannot be together with RequestRedirect: a request that is redirected is not sent on";
    found.push(origin.problem([...path, rewrite, "type"], message));
  }
  for (const [f, filter] of filters.entries()) {
    const at = [...path, f];
    switch (filter.type) {
      case "RequestHeaderModifier":
        found.push(...checkModifier(filter.requestHeaderModifier, [...at, "requestHeaderModifier"], origin));
        break;
      case "ResponseHeaderModifier":
        found.push(...checkModifier(filter.responseHeaderModifier, [...at, "responseHeaderModifier"], origin));
        break;
      case "RequestMirror":
        found.push(checkRef(filter.requestMirror.backendRef, [...at, "requestMirror", "backendRef"]));
        found.push(...checkMirror(filter.requestMirror, [...at, "requestMirror"], origin));
        break;
      case "CORS":
        found.push(...checkCors(filter.cors, [...at, "cors"], origin));
        break;
      case "RequestRedirect":
      case "URLRewrite":
        break;
    }
  }
  return found;
}

/** Only one action for a header is permitted (HTTPHeaderFilter). */
function checkModifier({ set, add, remove }: HeaderModifier, path: Path, origin: Origin): Found {
  const actions: [name: string, path: Path][] = [
    ...set.map(({ name }, s): [string, Path] => [name, ["set", s, "name"]]),
    ...add.map(({ name }, a): [string, Path] => [name, ["add", a, "name"]]),
    ...remove.map((name, r): [string, Path] => [name, ["remove", r]]),
  ];
  const seen = new Set<string>();
  return actions.map(([name, at]) => {
    const key = name.toLowerCase();
    if (!seen.has(key)) {
      seen.add(key);
      return undefined;
    }
    const message = `the header ${key} is changed twice; write several values as one, with commas`;
    return origin.problem([...path, ...at], message);
  });
}

function checkMirror({ percent, fraction }: RequestMirror, path: Path, origin: Origin): Found {
  if (fraction === undefined) return [];
  if (percent !== undefined) return [origin.problem([...path, "fraction"], "not together with percent", "key")];
  if (fraction.numerator <= fraction.denominator) return [];
  const message = `expected at most the denominator, ${fraction.denominator}, found ${fraction.numerator}`;
  return [origin.problem([...path, "fraction", "numerator"], message)];
}

function checkCors(cors: CORS, path: Path, origin: Origin): Found {
  const found: Found = [];
  for (const field of ["allowOrigins", "allowMethods", "allowHeaders"] as const) {
    if (cors[field].length > 1 && cors[field].includes("*")) {
      found.push(origin.problem([...path, field], '"*" stands for all, and must be alone'));
    }
  }
  if (cors.allowCredentials && cors.exposeHeaders.includes("*")) {
    const message = 'with allowCredentials browsers take "*" for the name of a header; write the names';
    found.push(origin.problem([...path, "exposeHeaders"], message));
  }
  for (const [o, text] of cors.allowOrigins.entries()) {
    const port = Number(/:(\d+)$/.exec(text)?.[1] ?? 1);
    if (port >= 1 && port <= 65535) continue;
    found.push(origin.problem([...path, "allowOrigins", o], `expected a port of 1 to 65535, found ${port}`));
  }
  return found;
}
