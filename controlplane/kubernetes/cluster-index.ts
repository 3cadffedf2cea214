import type { CustomObject, EndpointSlice, ServicePort } from "./objects.ts";

/** What belongs to which Service. Services and pods are named `namespace/name`. */
export class ClusterIndex {
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();
  /** By pod: how many slices of a Service have it. */
  readonly #pods = new Map<string, Map<string, number>>();
  /** By address: how many endpoints of a Service have it. */
  readonly #addresses = new Map<string, Map<string, number>>();
  /** By node: how many endpoints of a Service are on it. */
  readonly #nodes = new Map<string, Map<string, number>>();
  /** By Service: the FilterPolicies for it, with which of its ports each one names. */
  readonly #protectors = new Map<string, Map<string, readonly PortName[]>>();

  slicesOf(service: string): readonly EndpointSlice[] {
    return [...(this.#slices.get(service)?.values() ?? [])];
  }

  servicesOf(pod: string): Iterable<string> {
    return this.#pods.get(pod)?.keys() ?? [];
  }

  /** Services with an endpoint at an address. */
  servicesAt(address: string): Iterable<string> {
    return this.#addresses.get(address)?.keys() ?? [];
  }

  /** Services with an endpoint on a node. */
  servicesOn(node: string): Iterable<string> {
    return this.#nodes.get(node)?.keys() ?? [];
  }

  /** Services that have a pod with this one in common. */
  sharingPodsWith(service: string): ReadonlySet<string> {
    const pods = this.slicesOf(service).flatMap(podsOf);
    return new Set(pods.flatMap((pod) => [...this.servicesOf(pod)]));
  }

  /** Whether a FilterPolicy is for a port of a Service. */
  isProtected(service: string, { port, name }: Pick<ServicePort, "port" | "name">): boolean {
    const refs = [...(this.#protectors.get(service)?.values() ?? [])].flat();
    return refs.some((ref) => (ref.port ?? port) === port && (ref.sectionName ?? name) === name);
  }

  /** @returns the Services that this concerns. */
  setSlice(key: string, now: EndpointSlice | undefined, before: EndpointSlice | undefined): ReadonlySet<string> {
    const concerned = new Set<string>();
    if (before !== undefined) this.#removeSlice(key, before, concerned);
    if (now !== undefined) this.#addSlice(key, now, concerned);
    return concerned;
  }

  /** @returns the Services that this concerns. */
  setProtector(key: string, now: CustomObject | undefined, before: CustomObject | undefined): ReadonlySet<string> {
    const [old, current] = [targetsOf(before), targetsOf(now)];
    for (const service of old.keys()) {
      const protectors = this.#protectors.get(service);
      protectors?.delete(key);
      if (protectors?.size === 0) this.#protectors.delete(service);
    }
    for (const [service, ports] of current) {
      const protectors = this.#protectors.get(service) ?? new Map<string, readonly PortName[]>();
      this.#protectors.set(service, protectors.set(key, ports));
    }
    return new Set([...old.keys(), ...current.keys()]);
  }

  #removeSlice(key: string, slice: EndpointSlice, concerned: Set<string>): void {
    const service = serviceOf(slice);
    concerned.add(service);
    const slices = this.#slices.get(service);
    slices?.delete(key);
    if (slices?.size === 0) this.#slices.delete(service);
    for (const pod of podsOf(slice)) {
      for (const other of this.servicesOf(pod)) concerned.add(other);
      count(this.#pods, pod, service, -1);
    }
    for (const address of addressesOf(slice)) count(this.#addresses, address, service, -1);
    for (const node of nodesOf(slice)) count(this.#nodes, node, service, -1);
  }

  #addSlice(key: string, slice: EndpointSlice, concerned: Set<string>): void {
    const service = serviceOf(slice);
    concerned.add(service);
    const slices = this.#slices.get(service) ?? new Map<string, EndpointSlice>();
    this.#slices.set(service, slices.set(key, slice));
    for (const pod of podsOf(slice)) {
      count(this.#pods, pod, service, 1);
      for (const other of this.servicesOf(pod)) concerned.add(other);
    }
    for (const address of addressesOf(slice)) count(this.#addresses, address, service, 1);
    for (const node of nodesOf(slice)) count(this.#nodes, node, service, 1);
  }
}

/** Counts up or down, and forgets what is none. */
function count(counts: Map<string, Map<string, number>>, key: string, service: string, by: 1 | -1): void {
  const services = counts.get(key) ?? new Map<string, number>();
  const next = (services.get(service) ?? 0) + by;
  if (next > 0) services.set(service, next);
  else services.delete(service);
  if (services.size > 0) counts.set(key, services);
  else counts.delete(key);
}

function serviceOf({ namespace, service }: EndpointSlice): string {
  return `${namespace}/${service}`;
}

function podsOf({ namespace, endpoints }: EndpointSlice): string[] {
  return endpoints.flatMap(({ pod }) => (pod === undefined ? [] : [`${namespace}/${pod}`]));
}

function addressesOf({ endpoints }: EndpointSlice): readonly string[] {
  return endpoints.flatMap(({ addresses }) => addresses);
}

function nodesOf({ endpoints }: EndpointSlice): string[] {
  return endpoints.flatMap(({ node }) => node ?? []);
}

/** What a reference says of the port, as the API has it. */
interface PortName {
  readonly port?: unknown;
  readonly sectionName?: unknown;
}

function targetsOf(policy: CustomObject | undefined): ReadonlyMap<string, readonly PortName[]> {
  const refs: unknown = policy?.spec["targetRefs"];
  const found = new Map<string, PortName[]>();
  for (const ref of Array.isArray(refs) ? (refs as (({ readonly name?: unknown } & PortName) | null)[]) : []) {
    if (typeof ref?.name !== "string") continue;
    const service = `${policy?.metadata.namespace ?? ""}/${ref.name}`;
    found.set(service, [...(found.get(service) ?? []), ref]);
  }
  return found;
}
