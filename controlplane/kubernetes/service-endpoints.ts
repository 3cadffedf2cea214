import { inboundPorts } from "./inbound-ports.ts";
import { nodeId, type ObjectName } from "./names.ts";
import type { CoreService, EndpointSlice, NodePlace, Pod, ServicePort, SliceEndpoint } from "./objects.ts";

/** What makes the endpoints of a Service. */
export interface EndpointParts {
  readonly service: CoreService;
  readonly slices: readonly EndpointSlice[];
  readonly findPod: (name: ObjectName) => Pod | undefined;
  /** The core Service to which a pod's sidecar belongs, by name in the pod's namespace. */
  readonly ownerOf: (pod: Pod) => string | undefined;
  /** Where a node of the cluster is, if that is known. */
  readonly placeOf: (node: string) => NodePlace | undefined;
  /** Whether an address is that of a pod with a sidecar, of whatever namespace. */
  readonly isOfSidecar: (address: string) => boolean;
}

/** The endpoints of a port, as a file has them. */
export interface Found {
  readonly endpoints: readonly object[];
  /** Pods that get no requests, since something was to stand before them and they have no sidecar. */
  readonly withoutSidecar: readonly string[];
}

/**
 * The endpoints of each of a Service's ports.
 *
 * @param ports the first of them, then those that are Services of their own in the model.
 * @param isProtected whether something is to stand before every endpoint of a port.
 */
export function endpointsByPort(
  parts: EndpointParts,
  ports: readonly ServicePort[],
  isProtected: (port: ServicePort) => boolean,
): ReadonlyMap<ServicePort, Found> {
  const { service, slices } = parts;
  if (service.type === "ExternalName") return new Map(ports.map((port) => [port, external(service, port)]));
  const collected = ports.map((port) => ({ port, endpoints: new Map<string, object>(), without: [] as string[] }));
  for (const slice of slices) {
    const targets = targetsIn(slice, ports);
    for (const endpoint of slice.endpoints) {
      const at = endpointAt(parts, endpoint, ports, targets);
      if (at === undefined) continue;
      for (const { port, endpoints, without } of collected) {
        const target = targets.get(port);
        if (target === undefined) continue;
        const made = at.make(target);
        if (made === "without sidecar" && isProtected(port)) without.push(endpoint.pod ?? at.address);
        else if (made === "without sidecar" && endpoint.isReady)
          endpoints.set(`${at.address}:${String(target)}`, at.place(target));
        else if (typeof made === "object") endpoints.set(`${at.address}:${String(target)}`, made);
      }
    }
  }
  return new Map(
    collected.map(({ port, endpoints, without }) => {
      const sorted = [...endpoints].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
      return [port, { endpoints: sorted, withoutSidecar: without.sort() }];
    }),
  );
}

function external({ externalName }: CoreService, { port }: ServicePort): Found {
  const endpoints = externalName === undefined ? [] : [{ address: externalName.replace(/\.$/, ""), port }];
  return { endpoints, withoutSidecar: [] };
}

/** The port of the pods for each port of the Service. One that leads where another one does already is none of its own. */
function targetsIn({ ports: known }: EndpointSlice, ports: readonly ServicePort[]): ReadonlyMap<ServicePort, number> {
  const byName = new Map(known.map(({ name, port }) => [name, port]));
  const found = new Map<ServicePort, number>();
  const taken = new Set<number>();
  for (const port of ports) {
    const target = byName.get(port.name ?? "");
    if (target === undefined || taken.has(target)) continue;
    taken.add(target);
    found.set(port, target);
  }
  return found;
}

interface EndpointAt {
  readonly address: string;
  readonly place: (target: number) => object;
  /** The endpoint for a port of the pod, of which a sidecar is part; undefined where there is no way to it. */
  readonly make: (target: number) => object | "without sidecar" | undefined;
}

function endpointAt(
  { service, findPod, ownerOf, placeOf, isOfSidecar }: EndpointParts,
  endpoint: SliceEndpoint,
  [first]: readonly ServicePort[],
  targets: ReadonlyMap<ServicePort, number>,
): EndpointAt | undefined {
  const { addresses, pod: podName, isReady } = endpoint;
  // Further addresses are of the same endpoint, and the first is the one that is used, as Kubernetes has it.
  const [address] = addresses;
  if (address === undefined) return undefined;
  const pod = podName === undefined ? undefined : findPod({ namespace: service.namespace, name: podName });
  const locality = localityOf(endpoint, placeOf);
  const place = (port: number): object => ({ address, port, ...locality, ...(isReady ? {} : { ready: false }) });
  if (pod?.sidecar === undefined) {
    // Anybody can write an EndpointSlice with any address: it leads past no sidecar.
    return isOfSidecar(address) ? undefined : { address, place, make: () => "without sidecar" };
  }
  // The sidecar of another Service would not know this one, and past it the filters of that one would not run.
  if (ownerOf(pod) !== service.name || !pod.sidecar.addresses.includes(address)) return undefined;
  const { outboundPort, account } = pod.sidecar;
  const node = nodeId(pod);
  const firstTarget = first && targets.get(first);
  const own = inboundPorts(pod.sidecar, [...targets.values()]);
  const serviceAccount = { namespace: pod.namespace, name: account };
  const make = (target: number): object | undefined => {
    const inboundPort = own.get(target);
    // It is a sidecar of its Service, which is called by the first port.
    if (firstTarget === undefined || inboundPort === undefined) return undefined;
    // And nothing leads from it to itself.
    if (target === outboundPort || [...own.values()].includes(target)) return undefined;
    // It has one listener for what it calls.
    const outbound = target === firstTarget ? { outboundPort } : {};
    return { ...place(target), sidecar: { node, inboundPort, ...outbound, serviceAccount } };
  };
  return { address, place, make };
}

/** The zone that its EndpointSlice says, with the region of its node. */
function localityOf(
  { node, zone }: SliceEndpoint,
  placeOf: EndpointParts["placeOf"],
): { readonly locality?: { readonly region: string; readonly zone?: string } } {
  const place = node === undefined ? undefined : placeOf(node);
  const known = zone ?? place?.zone;
  if (known === undefined && place?.region === undefined) return {};
  return { locality: { region: place?.region ?? "", ...(known === undefined ? {} : { zone: known }) } };
}
