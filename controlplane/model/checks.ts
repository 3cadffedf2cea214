import { isIP } from "node:net";
import { checkQuotas } from "./check-quotas.ts";
import type { Origin } from "./document.ts";
import type { Path } from "./path.ts";
import type { Problem } from "./problem.ts";
import { regexFault } from "./regex.ts";
import type { FilterPolicy, HTTPRoute, HTTPRouteMatch, Kind, Model, Service, ValueMatch } from "./resources.ts";
import { didYouMean } from "./suggest.ts";

/**
 * Whether a resource of this kind and name may have been written, although it is not in the model because of its faults:
 * nobody needs to hear that it is unknown as well.
 */
export type MayExist = (kind: Kind, name: string) => boolean;

/** Finds the faults that a JSON Schema cannot: within a resource, and between resources. */
export function checkModel(model: Model, mayExist: MayExist): Problem[] {
  const services = [...model.services.values()];
  const sockets = new Claims("listening address");
  const nodes = new Claims("node");
  const hosts = new Claims("host");
  for (const { metadata, origin } of services) {
    hosts.claim(metadata.name, `Service ${metadata.name}`, origin, ["metadata", "name"]);
  }
  return [
    ...services.flatMap((service) => checkService(service, sockets, nodes)),
    ...[...model.httpRoutes.values()].flatMap((route) => checkRoute(route, model, mayExist, hosts)),
    ...[...model.filterPolicies.values()].flatMap((policy) => checkPolicy(policy, model, mayExist)),
    ...checkQuotas([...model.quotas.values()]),
  ].filter((problem) => problem !== undefined);
}

type Found = (Problem | undefined)[];

function checkService({ metadata, origin, spec }: Service, sockets: Claims, nodes: Claims): Found {
  return spec.endpoints.flatMap(({ address, port, sidecar }, index): Found => {
    const path = ["spec", "endpoints", index];
    const owner = `Service ${metadata.name} endpoints[${index}]`;
    // Loopback addresses are one machine's own, so what may not meet is compared within the machine.
    const machine = sidecar?.address ?? address;
    const claimSocket = (at: string, onPort: number, field: readonly string[]): Problem | undefined => {
      const socket = isIP(at) === 6 ? `[${at}]:${onPort}` : `${at}:${onPort}`;
      return sockets.claim(`${machine} ${socket}`, `${owner}.${field.join(".")}`, origin, [...path, ...field], socket);
    };
    const found = [checkAddress(address, origin, [...path, "address"]), claimSocket(address, port, ["port"])];
    if (sidecar === undefined) return found;
    found.push(
      nodes.claim(sidecar.node, owner, origin, [...path, "sidecar", "node"]),
      checkAddress(sidecar.outboundAddress, origin, [...path, "sidecar", "outboundAddress"]),
      claimSocket(machine, sidecar.inboundPort, ["sidecar", "inboundPort"]),
    );
    if (sidecar.address !== undefined) {
      found.push(checkAddress(sidecar.address, origin, [...path, "sidecar", "address"]));
    }
    if (sidecar.outboundPort !== undefined) {
      found.push(claimSocket(sidecar.outboundAddress, sidecar.outboundPort, ["sidecar", "outboundPort"]));
    }
    return found;
  });
}

function checkAddress(address: string, origin: Origin, path: Path): Problem | undefined {
  if (isIP(address) === 0) {
    return origin.problem(path, `expected an IPv4 or IPv6 address, found ${JSON.stringify(address)}`);
  }
  if (address !== "0.0.0.0" && address !== "::") return undefined;
  return origin.problem(path, `expected the address of one interface, found ${address}`);
}

function checkRoute({ origin, spec }: HTTPRoute, model: Model, mayExist: MayExist, hosts: Claims): Found {
  const parents = spec.parentRefs.map(({ name }) => name);
  const found: Found = repeated(parents, "parent", origin, (p) => ["spec", "parentRefs", p, "name"]);
  for (const [p, parent] of spec.parentRefs.entries()) {
    found.push(checkServiceRef(parent, ["spec", "parentRefs", p], origin, model, mayExist));
    for (const [h, hostname] of spec.hostnames.entries()) {
      found.push(hosts.claim(hostname, `Service ${parent.name}`, origin, ["spec", "hostnames", h]));
    }
  }
  for (const [r, rule] of spec.rules.entries()) {
    const path = ["spec", "rules", r];
    for (const [b, backend] of rule.backendRefs.entries()) {
      found.push(checkServiceRef(backend, [...path, "backendRefs", b], origin, model, mayExist));
    }
    for (const [m, match] of rule.matches.entries()) found.push(...checkMatch(match, [...path, "matches", m], origin));
    const types = rule.filters.map(({ type }) => type);
    found.push(...repeated(types, "filter", origin, (f) => [...path, "filters", f, "type"]));
  }
  return found;
}

function checkMatch({ path: pathMatch, headers, queryParams }: HTTPRouteMatch, path: Path, origin: Origin): Found {
  const values: [Path, { readonly type: string; readonly value: string }][] = [
    [["path"], pathMatch],
    ...headers.map((header, h): [Path, ValueMatch] => [["headers", h], header]),
    ...queryParams.map((param, q): [Path, ValueMatch] => [["queryParams", q], param]),
  ];
  const headerNames = headers.map(({ name }) => name.toLowerCase());
  const paramNames = queryParams.map(({ name }) => name);
  return [
    ...values.map(([at, { type, value }]) => {
      const fault = type === "RegularExpression" ? regexFault(value) : undefined;
      return fault === undefined ? undefined : origin.problem([...path, ...at, "value"], fault);
    }),
    ...repeated(headerNames, "header", origin, (h) => [...path, "headers", h, "name"]),
    ...repeated(paramNames, "query parameter", origin, (q) => [...path, "queryParams", q, "name"]),
  ];
}

function checkPolicy({ origin, spec }: FilterPolicy, model: Model, mayExist: MayExist): Found {
  const targets = spec.targetRefs.map(({ name }) => name);
  const found: Found = repeated(targets, "target", origin, (t) => ["spec", "targetRefs", t, "name"]);
  for (const [t, target] of spec.targetRefs.entries()) {
    const path = ["spec", "targetRefs", t];
    found.push(checkServiceRef(target, path, origin, model, mayExist));
    const gap = whereNotEnforced(target.name, spec.direction, model);
    if (gap !== undefined) found.push(origin.problem([...path, "name"], `the filter would not run: ${gap}`));
  }
  if (!model.wasmModules.has(spec.module) && !mayExist("WasmModule", spec.module)) {
    const message = unknownName("WasmModule", spec.module, model.wasmModules.keys());
    found.push(origin.problem(["spec", "module"], message));
  }
  return found;
}

/** Says where requests would pass by a filter that is meant for this Service. */
function whereNotEnforced(name: string, direction: "Inbound" | "Outbound", model: Model): string | undefined {
  const endpoints = model.services.get(name)?.spec.endpoints;
  if (endpoints === undefined) return undefined;
  const bare = endpoints.findIndex(({ sidecar }) => sidecar === undefined);
  if (bare >= 0) return `endpoints[${bare}] of Service ${name} has no sidecar`;
  const mute = endpoints.findIndex(({ sidecar }) => sidecar?.outboundPort === undefined);
  if (direction === "Outbound" && mute >= 0)
    return `the sidecar of endpoints[${mute}] of Service ${name} has no outboundPort`;
  if (endpoints.length > 0) return undefined;
  const isParent = [...model.httpRoutes.values()].some(({ spec }) => spec.parentRefs.some((ref) => ref.name === name));
  if (!isParent) return undefined;
  return `Service ${name} has no endpoints of its own; name the Services behind it`;
}

/** Checks a reference to a Service: that it exists and, where a port is named, that it is the Service's. */
function checkServiceRef(
  reference: { readonly name: string; readonly port?: number },
  path: Path,
  origin: Origin,
  model: Model,
  mayExist: MayExist,
): Problem | undefined {
  const { name, port } = reference;
  const service = model.services.get(name);
  if (service === undefined) {
    if (mayExist("Service", name)) return undefined;
    return origin.problem([...path, "name"], unknownName("Service", name, model.services.keys()));
  }
  if (port === undefined || port === service.spec.port) return undefined;
  return origin.problem([...path, "port"], `Service ${name} has port ${service.spec.port}, found ${port}`);
}

/** Things that only one owner may have. */
class Claims {
  readonly #owners = new Map<string, { owner: string; origin: Origin; path: Path }>();
  readonly #noun: string;

  constructor(noun: string) {
    this.#noun = noun;
  }

  /** Gives `key` to `owner`, or says who has it already. */
  claim(key: string, owner: string, origin: Origin, path: Path, shown = key): Problem | undefined {
    const before = this.#owners.get(key);
    if (before === undefined) this.#owners.set(key, { owner, origin, path });
    if (before === undefined || before.owner === owner) return undefined;
    const { file, line } = before.origin.locate(before.path);
    return origin.problem(path, `the ${this.#noun} ${shown} is that of ${before.owner} already (${file}:${line})`);
  }
}

/** A problem for each value that is in the list a second time. */
function repeated(values: readonly string[], noun: string, origin: Origin, at: (index: number) => Path): Found {
  return values.map((value, index) => {
    const first = values.indexOf(value);
    if (first === index) return undefined;
    return origin.problem(at(index), `the ${noun} ${value} is there twice (see item ${first})`);
  });
}

function unknownName(kind: string, name: string, known: Iterable<string>): string {
  const names = [...known];
  const list =
    names.length === 0 ? "there is none" : `known: ${names.slice(0, 10).join(", ")}${names.length > 10 ? ", ..." : ""}`;
  return `there is no ${kind} ${JSON.stringify(name)}${didYouMean(name, names)}; ${list}`;
}
