import { isIP } from "node:net";
import type { Origin } from "./document.ts";
import type { Path } from "./path.ts";
import type { Problem } from "./problem.ts";
import { regexFault } from "./regex.ts";
import type { HTTPRoute, Model, Service, FilterPolicy } from "./resources.ts";
import { didYouMean } from "./suggest.ts";

/** Names that exist although their resource is faulty, by kind: nobody needs to hear that they are unknown as well. */
export type FaultyNames = Readonly<Record<"Service" | "WasmModule", ReadonlySet<string>>>;

/** Finds the faults that a JSON Schema cannot: within a resource, and between resources. */
export function checkModel(model: Model, faulty: FaultyNames): Problem[] {
  const listeners = new Claims("listening address", "is also that of");
  const nodes = new Claims("node", "is also the sidecar of");
  const hosts = new Claims("host", "already leads to");
  for (const service of model.services.values())
    hosts.claim(service.metadata.name, serviceName(service), service.origin, ["metadata", "name"]);
  return [
    ...[...model.services.values()].flatMap((service) => checkService(service, listeners, nodes)),
    ...[...model.httpRoutes.values()].flatMap((route) => checkRoute(route, model, faulty, hosts)),
    ...[...model.filterPolicies.values()].flatMap((policy) => checkPolicy(policy, model, faulty)),
  ];
}

function checkService(service: Service, listeners: Claims, nodes: Claims): Problem[] {
  const { origin } = service;
  const problems: Problem[] = [];
  const checkAddress = (address: string | undefined, path: Path): void => {
    if (address === undefined) return;
    if (isIP(address) === 0) {
      problems.push(origin.problem(path, `expected an IPv4 or IPv6 address, found ${JSON.stringify(address)}`));
    } else if (address === "0.0.0.0" || address === "::") {
      problems.push(origin.problem(path, `expected the address of one interface, found ${address}`));
    }
  };
  for (const [index, { address, port, sidecar }] of service.spec.endpoints.entries()) {
    const path = ["spec", "endpoints", index];
    checkAddress(address, [...path, "address"]);
    checkAddress(sidecar?.address, [...path, "sidecar", "address"]);
    checkAddress(sidecar?.outboundAddress, [...path, "sidecar", "outboundAddress"]);
    // Loopback addresses are one machine's own, so what may not meet is compared within the machine.
    const machine = sidecar?.address ?? address;
    const claim = (at: string, onPort: number, from: Path): void => {
      const name = `${serviceName(service)} endpoints[${index}]`;
      const clash = listeners.claim(`${hostPort(at, onPort)} on ${machine}`, name, origin, from, hostPort(at, onPort));
      if (clash !== undefined) problems.push(clash);
    };
    claim(address, port, [...path, "port"]);
    if (sidecar === undefined) continue;
    claim(machine, sidecar.inboundPort, [...path, "sidecar", "inboundPort"]);
    if (sidecar.outboundPort !== undefined) {
      claim(sidecar.outboundAddress, sidecar.outboundPort, [...path, "sidecar", "outboundPort"]);
    }
    const clash = nodes.claim(sidecar.node, `${serviceName(service)} endpoints[${index}]`, origin, [
      ...path,
      "sidecar",
      "node",
    ]);
    if (clash !== undefined) problems.push(clash);
  }
  return problems;
}

function checkRoute(route: HTTPRoute, model: Model, faulty: FaultyNames, hosts: Claims): Problem[] {
  const { origin, spec } = route;
  const problems: (Problem | undefined)[] = [];
  const parents = new Set<string>();
  for (const [index, parent] of spec.parentRefs.entries()) {
    const path = ["spec", "parentRefs", index];
    problems.push(checkServiceRef(parent, path, origin, model, faulty));
    if (parents.has(parent.name))
      problems.push(origin.problem([...path, "name"], `the parent ${parent.name} is there twice`));
    parents.add(parent.name);
    for (const [h, hostname] of spec.hostnames.entries()) {
      problems.push(hosts.claim(hostname, `Service ${parent.name}`, origin, ["spec", "hostnames", h]));
    }
  }
  for (const [r, rule] of spec.rules.entries()) {
    const path = ["spec", "rules", r];
    for (const [b, backend] of rule.backendRefs.entries()) {
      problems.push(checkServiceRef(backend, [...path, "backendRefs", b], origin, model, faulty));
    }
    for (const [m, match] of rule.matches.entries()) {
      const values: [Path, { type: string; value: string }][] = [
        [["path"], match.path],
        ...match.headers.map((header, h): [Path, typeof header] => [["headers", h], header]),
        ...match.queryParams.map((param, q): [Path, typeof param] => [["queryParams", q], param]),
      ];
      for (const [at, { type, value }] of values) {
        const fault = type === "RegularExpression" ? regexFault(value) : undefined;
        if (fault !== undefined) problems.push(origin.problem([...path, "matches", m, ...at, "value"], fault));
      }
      const names = match.headers.map(({ name }) => name.toLowerCase());
      problems.push(
        ...repeated(names, "header").map(([h, fault]) =>
          origin.problem([...path, "matches", m, "headers", h, "name"], fault),
        ),
      );
      const params = match.queryParams.map(({ name }) => name);
      problems.push(
        ...repeated(params, "query parameter").map(([q, fault]) =>
          origin.problem([...path, "matches", m, "queryParams", q, "name"], fault),
        ),
      );
    }
    const filters = rule.filters.map(({ type }) => type);
    problems.push(
      ...repeated(filters, "filter").map(([f, fault]) => origin.problem([...path, "filters", f, "type"], fault)),
    );
  }
  return problems.filter((problem) => problem !== undefined);
}

function checkPolicy(policy: FilterPolicy, model: Model, faulty: FaultyNames): Problem[] {
  const { origin, spec } = policy;
  const problems: (Problem | undefined)[] = spec.targetRefs.map((target, index) =>
    checkServiceRef(target, ["spec", "targetRefs", index], origin, model, faulty),
  );
  const targets = spec.targetRefs.map(({ name }) => name);
  problems.push(
    ...repeated(targets, "target").map(([t, fault]) => origin.problem(["spec", "targetRefs", t, "name"], fault)),
  );
  if (!model.wasmModules.has(spec.module) && !faulty.WasmModule.has(spec.module)) {
    const message = unknownName("WasmModule", spec.module, model.wasmModules.keys());
    problems.push(origin.problem(["spec", "module"], message));
  }
  return problems.filter((problem) => problem !== undefined);
}

/** Checks a reference to a Service: that it exists and, where a port is named, that it is the Service's. */
function checkServiceRef(
  reference: { readonly name: string; readonly port?: number },
  path: Path,
  origin: Origin,
  model: Model,
  faulty: FaultyNames,
): Problem | undefined {
  const { name, port } = reference;
  const service = model.services.get(name);
  if (service === undefined) {
    if (faulty.Service.has(name)) return undefined;
    return origin.problem([...path, "name"], unknownName("Service", name, model.services.keys()));
  }
  if (port === undefined || port === service.spec.port) return undefined;
  return origin.problem([...path, "port"], `Service ${name} has port ${service.spec.port}, found ${port}`);
}

/** Things that only one owner may have. */
class Claims {
  readonly #owners = new Map<string, { owner: string; origin: Origin; path: Path }>();
  readonly #noun: string;
  readonly #relation: string;

  constructor(noun: string, relation: string) {
    this.#noun = noun;
    this.#relation = relation;
  }

  /** Says who has `key` already, if another owner has. */
  claim(key: string, owner: string, origin: Origin, path: Path, shown = key): Problem | undefined {
    const before = this.#owners.get(key);
    if (before === undefined) this.#owners.set(key, { owner, origin, path });
    if (before === undefined || (before.owner === owner && this.#noun === "host")) return undefined;
    const { file, line } = before.origin.locate(before.path);
    return origin.problem(path, `the ${this.#noun} ${shown} ${this.#relation} ${before.owner} (${file}:${line})`);
  }
}

function repeated(values: readonly string[], noun: string): [index: number, fault: string][] {
  const faults: [number, string][] = [];
  for (const [index, value] of values.entries()) {
    const first = values.indexOf(value);
    if (first !== index) faults.push([index, `the ${noun} ${value} is there twice (see item ${first})`]);
  }
  return faults;
}

function unknownName(kind: string, name: string, known: Iterable<string>): string {
  const names = [...known];
  const list =
    names.length === 0 ? "there is none" : `known: ${names.slice(0, 10).join(", ")}${names.length > 10 ? ", ..." : ""}`;
  return `there is no ${kind} ${JSON.stringify(name)}${didYouMean(name, names)}; ${list}`;
}

function serviceName(service: Service): string {
  return `Service ${service.metadata.name}`;
}

function hostPort(address: string, port: number): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}
