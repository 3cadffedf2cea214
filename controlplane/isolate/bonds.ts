import type { Kind } from "../model/index.ts";

/** A version of a resource, also of one that is no more, or as far as a faulty document can be read. */
export interface AnyVersion {
  readonly key: Key;
  readonly spec: unknown;
}

/** `Kind name`. */
export type Key = `${Kind} ${string}`;

/**
 * What changes together or not at all. A Service is nothing without what protects it: its FilterPolicies with their modules, and
 * EnvoyPatches, and what the Mesh says for all. So is what a Rollout would bring to the fleet step by step, without the Rollout.
 *
 * Goes by all versions that there are of a resource: a FilterPolicy that protects another Service than before is part of both.
 */
export class Bonds {
  readonly #before: ReadonlySet<Key>;
  readonly #services: ReadonlySet<string>;
  readonly #protectors = new Map<Key, Names>();
  readonly #modules = new Map<Key, Names>();
  readonly #parents = new Map<Key, Names>();
  readonly #routed = new Map<Key, Names>();
  /** Of Certificates: the Services that name them. */
  readonly #secured = new Map<string, Set<Key>>();
  /** The further ports of Services, by the names of these. */
  readonly #ports = new Map<string, Set<string>>();
  readonly #rollouts = new Map<Key, readonly Key[] | "any">();

  /** @param before what was served before. */
  constructor(versions: readonly AnyVersion[], before: ReadonlySet<Key>) {
    this.#before = before;
    this.#services = new Set(versions.flatMap(({ key }) => nameOf(key, "Service")));
    for (const { key, spec } of versions) this.#add(key, fieldsOf(spec));
  }

  /** What must stay as it was when this one does, or is left out as it was never there. */
  of(key: Key): readonly Key[] {
    const kind = kindOf(key);
    const isLeftOut = !this.#before.has(key);
    if (isProtector(kind)) {
      // It stays as it was with the module that it had.
      const modules = [...namesOf(this.#modules.get(key))].map(moduleKey).filter((module) => this.#before.has(module));
      return [...this.#around(this.servicesOf(key)), ...modules];
    }
    if (kind === "WasmModule") {
      const policies = [...this.#modules].filter(([, names]) =>
        nameOf(key, kind).some((name) => namesOf(names).has(name)),
      );
      return policies.flatMap(([policy]) => [policy, ...this.#around(this.servicesOf(policy))]);
    }
    // A Service without its own certificate, or without TLS to its endpoints, is none that was written.
    if (kind === "Certificate")
      return isLeftOut ? nameOf(key, kind).flatMap((name) => [...(this.#secured.get(name) ?? [])]) : [];
    if (kind === "Service") return isLeftOut ? [] : nameOf(key, kind).flatMap((name) => this.#protectorsOf(name));
    if (kind === "Rollout") {
      // Where nothing was served before, a Rollout has nothing to do.
      const targets = this.#before.size === 0 ? [] : (this.#rollouts.get(key) ?? []);
      return targets === "any" ? [...this.#protectors.keys(), ...this.#routed.keys()] : targets;
    }
    // Requests that no route of a Service takes are refused; without the route, all of them would get through. A Service that was
    // there without this route is as safe as it was.
    const parents = isLeftOut ? this.#known(this.#parents.get(key)) : new Set<string>();
    return [...parents].map(serviceKey).filter((parent) => !this.#before.has(parent));
  }

  /** The Services that a FilterPolicy, an EnvoyPatch or the Mesh is meant for. */
  servicesOf(key: Key): ReadonlySet<string> {
    return this.#known(this.#protectors.get(key));
  }

  /** A name that no Service has may be that of any Service, misspelled; and so may be what cannot be read. */
  #known(names: Names | undefined): ReadonlySet<string> {
    if (names === undefined) return new Set();
    if (names === "any" || [...names].some((name) => !this.#services.has(name))) return this.#services;
    // What stands before a Service stands before its further ports.
    return new Set([...names].flatMap((name) => [name, ...(this.#ports.get(name) ?? [])]));
  }

  #protectorsOf(service: string): Key[] {
    return [...this.#protectors.keys()].filter((key) => this.servicesOf(key).has(service));
  }

  /** These Services, with all that protects those of them that were there, and leads to them. */
  #around(services: ReadonlySet<string>): Key[] {
    return [...services].flatMap((service) => {
      const key = serviceKey(service);
      if (!this.#before.has(key)) return [key];
      const routes = [...this.#routed].filter(([, names]) => names === "any" || names.has(service));
      return [key, ...this.#protectorsOf(service), ...routes.map(([route]) => route)];
    });
  }

  #add(key: Key, spec: Fields): void {
    const kind = kindOf(key);
    if (isProtector(kind)) {
      unite(this.#protectors, key, namesIn(spec.targetRefs));
      if (typeof spec.module === "string") unite(this.#modules, key, [spec.module]);
    } else if (kind === "HTTPRoute" || kind === "GRPCRoute") {
      const backends = Array.isArray(spec.rules) ? spec.rules.map((rule) => fieldsOf(rule).backendRefs ?? []) : [];
      unite(this.#parents, key, namesIn(spec.parentRefs));
      for (const references of [spec.parentRefs, ...backends]) unite(this.#routed, key, namesIn(references));
    } else if (kind === "Service") {
      if (typeof spec.portOf === "string")
        for (const name of nameOf(key, kind))
          this.#ports.set(spec.portOf, (this.#ports.get(spec.portOf) ?? new Set()).add(name));
      const [inbound, endpoint] = [fieldsOf(spec.inboundTls), fieldsOf(spec.endpointTls)];
      for (const name of [inbound.certificate, inbound.trust, endpoint.certificate, endpoint.trust]) {
        if (typeof name !== "string") continue;
        this.#secured.set(name, (this.#secured.get(name) ?? new Set()).add(key));
      }
    } else if (kind === "Rollout") {
      const [before, now] = [this.#rollouts.get(key) ?? [], targetsIn(spec.targetRefs)];
      this.#rollouts.set(key, before === "any" || now === "any" ? "any" : [...before, ...now]);
    }
  }
}

type Names = ReadonlySet<string> | "any";

/** What is read of a spec, whatever was written there. */
interface Fields {
  readonly targetRefs?: unknown;
  readonly parentRefs?: unknown;
  readonly backendRefs?: unknown;
  readonly rules?: unknown;
  readonly module?: unknown;
  readonly name?: unknown;
  readonly kind?: unknown;
  readonly portOf?: unknown;
  readonly inboundTls?: unknown;
  readonly endpointTls?: unknown;
  readonly certificate?: unknown;
  readonly trust?: unknown;
}

/** What may be all that stands between a Service and those who must not reach it; the Mesh has no targets, and is for all. */
export function isProtector(kind: Kind): boolean {
  return kind === "FilterPolicy" || kind === "EnvoyPatch" || kind === "Mesh";
}

export function kindOf(key: Key): Kind {
  return key.slice(0, key.indexOf(" ")) as Kind;
}

export function serviceKey(name: string): Key {
  return `Service ${name}`;
}

function moduleKey(name: string): Key {
  return `WasmModule ${name}`;
}

function nameOf(key: Key, kind: Kind): string[] {
  return kindOf(key) === kind ? [key.slice(kind.length + 1)] : [];
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? value : {};
}

function unite(map: Map<Key, Names>, key: Key, names: readonly string[] | "any"): void {
  const before = map.get(key) ?? new Set<string>();
  map.set(key, before === "any" || names === "any" ? "any" : new Set([...before, ...names]));
}

function namesOf(names: Names | undefined): ReadonlySet<string> {
  return names === undefined || names === "any" ? new Set() : names;
}

/** The names in a list of references; "any" where it cannot be read, or is not there and so means all. */
function namesIn(references: unknown): readonly string[] | "any" {
  if (!Array.isArray(references)) return "any";
  const names = references.map((reference) => fieldsOf(reference).name);
  return names.every((name) => typeof name === "string") ? names : "any";
}

function targetsIn(references: unknown): readonly Key[] | "any" {
  if (!Array.isArray(references)) return "any";
  const targets = references.map(fieldsOf);
  return targets.every(({ kind, name }) => typeof kind === "string" && typeof name === "string")
    ? targets.map(({ kind, name }) => `${kind as Kind} ${name as string}` as const)
    : "any";
}
