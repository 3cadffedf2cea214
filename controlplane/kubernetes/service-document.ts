import { isHttp2, portModelName, servedPorts } from "./service-ports.ts";
import { modelName, nodeId, type ObjectName } from "./names.ts";
import { without } from "../model/index.ts";
import type {
  CoreService,
  CustomObject,
  EndpointSlice,
  NodePlace,
  Pod,
  ServicePort,
  SliceEndpoint,
} from "./objects.ts";

/** All that makes a Service of the mesh. */
export interface ServiceParts {
  readonly service: CoreService;
  readonly slices: readonly EndpointSlice[];
  readonly findPod: (name: ObjectName) => Pod | undefined;
  /** The core Service to which a pod's sidecar belongs, by name in the pod's namespace. */
  readonly ownerOf: (pod: Pod) => string | undefined;
  /** Where a node of the cluster is, if that is known. */
  readonly placeOf: (node: string) => NodePlace | undefined;
  /** Whether an address is that of a pod with a sidecar, of whatever namespace. */
  readonly isOfSidecar: (address: string) => boolean;
  readonly settings: CustomObject | undefined;
  /** Whether a filter is to stand before every endpoint. */
  readonly isProtected: boolean;
  /** What a Service has that does not say it itself. */
  readonly mtls?: unknown;
}

export interface ServiceDocument {
  /** As a file has them: the Service, and one for each of its other ports. */
  readonly documents: readonly object[];
  /** Pods that get no requests, since a filter or mutual TLS was to stand before them and they have no sidecar. */
  readonly withoutSidecar: readonly string[];
}

/** A Service as a file has it, made of what a cluster knows; undefined where none of its ports is for HTTP. */
export function serviceDocument(parts: ServiceParts): ServiceDocument | undefined {
  const { service, settings } = parts;
  const { port: wanted, ...own } = (settings?.spec ?? {}) as { port?: number } & Record<string, unknown>;
  const ports = servedPorts(service, wanted);
  if (ports === undefined) return undefined;
  const { first, others } = ports;
  const { mtls = parts.mtls ?? "Off" } = own;
  const isProtected = parts.isProtected || mtls !== "Off" || own["inboundTls"] !== undefined;
  const { endpoints, withoutSidecar } = endpointsOf(parts, first, isProtected);
  const base = withOwnCertificates(own, service.namespace);
  const main = document(service, modelName(service), first, {
    ...base,
    hostnames: hostnamesOf(service),
    local: { scope: service.namespace, hostnames: [service.name] },
    ...(others.length === 0
      ? {}
      : { otherPorts: others.map(({ port }) => ({ port, service: portModelName(service, { port }) })) }),
    endpoints,
  });
  const ofOthers = without(base, "inboundTls");
  const more = others.map((port) =>
    document(service, portModelName(service, port), port, {
      ...ofOthers,
      // A sidecar takes requests for one port. What is to stand before the Service stands before no other one, so nobody gets there.
      mtls: "Off",
      endpoints: isProtected ? [] : endpointsPastSidecars(parts, port, first),
    }),
  );
  return { documents: [main, ...more], withoutSidecar };
}

function document(service: CoreService, name: string, port: ServicePort, spec: object): object {
  const { creationTimestamp } = service;
  return {
    apiVersion: "meshwright.dev/v1alpha1",
    kind: "Service",
    metadata: { name, ...(creationTimestamp === undefined ? {} : { creationTimestamp }) },
    spec: {
      port: port.port,
      ...(port.name === undefined ? {} : { portName: port.name }),
      ...(isHttp2(port) ? { protocol: "HTTP2" } : {}),
      ...(isNear(service) ? { trafficDistribution: "PreferSameZone" } : {}),
      ...spec,
    },
  };
}

/** A namespace names its own Certificates only: else it could have the private key of any other. */
function withOwnCertificates(spec: Record<string, unknown>, namespace: string): Record<string, unknown> {
  const named = (tls: unknown): unknown =>
    typeof tls !== "object" || tls === null
      ? tls
      : Object.fromEntries(
          Object.entries(tls).map(([field, value]: [string, unknown]) => [
            field,
            (field === "certificate" || field === "trust") && typeof value === "string"
              ? modelName({ namespace, name: value })
              : value,
          ]),
        );
  return Object.fromEntries(
    Object.entries(spec).map(([field, value]) => [
      field,
      field === "inboundTls" || field === "endpointTls" ? named(value) : value,
    ]),
  );
}

function isNear({ trafficDistribution }: CoreService): boolean {
  return trafficDistribution === "PreferClose" || trafficDistribution === "PreferSameZone";
}

/** The names that DNS has for it within a cluster. */
function hostnamesOf({ namespace, name }: CoreService): string[] {
  return [`${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`];
}

type Found = { readonly endpoints: readonly object[]; readonly withoutSidecar: readonly string[] };

function external({ externalName }: CoreService, { port }: ServicePort): Found {
  const endpoints = externalName === undefined ? [] : [{ address: externalName.replace(/\.$/, ""), port }];
  return { endpoints, withoutSidecar: [] };
}

/** The endpoints of a port that no sidecar has: the applications themselves. */
function endpointsPastSidecars(parts: ServiceParts, port: ServicePort, first: ServicePort): readonly object[] {
  const { service, slices, findPod, ownerOf, placeOf, isOfSidecar } = parts;
  if (service.type === "ExternalName") return external(service, port).endpoints;
  const found = new Map<string, object>();
  for (const slice of slices) {
    const target = targetIn(slice, port);
    if (target === undefined || target === targetIn(slice, first)) continue;
    for (const endpoint of slice.endpoints) {
      const [address] = endpoint.addresses;
      if (address === undefined || !endpoint.isReady) continue;
      if (isOfSidecar(address)) {
        const { pod: name } = endpoint;
        const pod = name === undefined ? undefined : findPod({ namespace: service.namespace, name });
        const isOwn = pod?.sidecar?.addresses.includes(address) === true && ownerOf(pod) === service.name;
        // Past the sidecar of another Service, or to a port of the sidecar itself, nobody is led.
        if (!isOwn || [pod.sidecar.inboundPort, pod.sidecar.outboundPort].includes(target)) continue;
      }
      found.set(`${address}:${String(target)}`, { address, port: target, ...localityOf(endpoint, placeOf) });
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
}

function targetIn({ ports }: EndpointSlice, { name = "" }: ServicePort): number | undefined {
  return ports.find((port) => port.name === name)?.port;
}

function endpointsOf(
  { service, slices, findPod, ownerOf, placeOf, isOfSidecar }: ServiceParts,
  port: ServicePort,
  isProtected: boolean,
): Found {
  if (service.type === "ExternalName") return external(service, port);
  const endpoints = new Map<string, object>();
  const withoutSidecar: string[] = [];
  for (const slice of slices) {
    const target = targetIn(slice, port);
    if (target === undefined) continue;
    for (const endpoint of slice.endpoints) {
      const { addresses, pod: podName, isReady } = endpoint;
      // Further addresses are of the same endpoint, and the first is the one that is used, as Kubernetes has it.
      const [address] = addresses;
      if (address === undefined) continue;
      const pod = podName === undefined ? undefined : findPod({ namespace: service.namespace, name: podName });
      const place = {
        address,
        port: target,
        ...localityOf(endpoint, placeOf),
        ...(isReady ? {} : { ready: false }),
      };
      const key = `${address}:${String(target)}`;
      if (pod?.sidecar === undefined) {
        // Anybody can write an EndpointSlice with any address: it leads past no sidecar.
        if (isOfSidecar(address)) continue;
        if (isProtected) withoutSidecar.push(podName ?? address);
        else if (isReady) endpoints.set(key, place);
      } else if (ownerOf(pod) === service.name && pod.sidecar.addresses.includes(address)) {
        const { inboundPort, outboundPort, account } = pod.sidecar;
        const serviceAccount = { namespace: pod.namespace, name: account };
        endpoints.set(key, { ...place, sidecar: { node: nodeId(pod), inboundPort, outboundPort, serviceAccount } });
      }
      // The sidecar of another Service would not know this one, and past it the filters of that one would not run.
    }
  }
  const sorted = [...endpoints].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
  return { endpoints: sorted, withoutSidecar: withoutSidecar.sort() };
}

/** The zone that its EndpointSlice says, with the region of its node. */
function localityOf(
  { node, zone }: SliceEndpoint,
  placeOf: ServiceParts["placeOf"],
): { readonly locality?: { readonly region: string; readonly zone?: string } } {
  const place = node === undefined ? undefined : placeOf(node);
  const known = zone ?? place?.zone;
  if (known === undefined && place?.region === undefined) return {};
  return { locality: { region: place?.region ?? "", ...(known === undefined ? {} : { zone: known }) } };
}
