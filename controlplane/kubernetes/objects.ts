// What the source keeps of the objects of a cluster.

import type { InboundPorts } from "./inbound-ports.ts";

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Any object, as the API has it. */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** A resource of Meshwright or of the Gateway API. */
export interface CustomObject {
  readonly metadata: ObjectMeta;
  readonly spec: Readonly<Record<string, unknown>>;
}

export interface CoreService {
  readonly namespace: string;
  readonly name: string;
  readonly creationTimestamp?: string;
  readonly type: string;
  readonly isHeadless: boolean;
  readonly externalName?: string;
  readonly trafficDistribution?: string;
  readonly ports: readonly ServicePort[];
}

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly protocol: string;
  readonly appProtocol?: string;
  /** Of the pods: a number, or the name that they have for it. */
  readonly target: number | string;
}

export interface EndpointSlice {
  readonly namespace: string;
  readonly service: string;
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  readonly endpoints: readonly SliceEndpoint[];
}

export interface SliceEndpoint {
  readonly addresses: readonly string[];
  readonly isReady: boolean;
  readonly pod?: string;
  readonly node?: string;
  readonly zone?: string;
}

/** Where a node is, as its labels say. */
export interface NodePlace {
  readonly region?: string;
  readonly zone?: string;
}

export interface Pod {
  readonly namespace: string;
  readonly name: string;
  /** Of an injected pod: its addresses, the ports of its sidecar, and the Service to which it belongs where that was written. */
  readonly sidecar?: PodSidecar;
}

export interface PodSidecar extends InboundPorts {
  readonly addresses: readonly string[];
  readonly service?: string;
  /** The name of its service account. */
  readonly account: string;
}

const DEFAULT_INBOUND_PORT = 15006;
const DEFAULT_OUTBOUND_PORT = 15001;

/** Annotations of pods that have a sidecar, as injection writes them. */
export const podAnnotations = {
  injected: "meshwright.dev/injected",
  service: "meshwright.dev/service",
  inboundPort: "meshwright.dev/inbound-port",
  redirected: "meshwright.dev/redirected-ports",
  outboundPort: "meshwright.dev/outbound-port",
} as const;

export function keepPod({ metadata, spec, status }: KubernetesObject): Pod {
  const { namespace = "", name, annotations = {} } = metadata;
  if (annotations[podAnnotations.injected] !== "true") return { namespace, name };
  const service = annotations[podAnnotations.service];
  const { serviceAccountName = "default" } = (spec ?? {}) as { serviceAccountName?: string };
  const { phase, podIP, podIPs } = (status ?? {}) as { phase?: string; podIP?: string; podIPs?: { ip?: string }[] };
  const ips = podIPs?.map(({ ip }) => ip) ?? [podIP];
  // What has ended keeps its address in its status, and another pod may have it by now.
  const hasEnded = phase === "Succeeded" || phase === "Failed";
  return {
    namespace,
    name,
    sidecar: {
      addresses: hasEnded ? [] : ips.filter((ip) => ip !== undefined),
      inboundPort: portOf(annotations[podAnnotations.inboundPort]) ?? DEFAULT_INBOUND_PORT,
      outboundPort: portOf(annotations[podAnnotations.outboundPort]) ?? DEFAULT_OUTBOUND_PORT,
      redirected: redirectedPorts(annotations[podAnnotations.redirected] ?? ""),
      ...(service === undefined || service === "" ? {} : { service }),
      account: serviceAccountName,
    },
  };
}

function portOf(text: string | undefined): number | undefined {
  const port = text === undefined || !/^\d{1,5}$/.test(text) ? 0 : Number(text);
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** Of `8080=15006,9000=15100`. What is none of injection's is left out. */
function redirectedPorts(text: string): ReadonlyMap<number, number> {
  const pairs = text.split(",").flatMap((pair): [number, number][] => {
    const [from, to, more] = pair.split("=").map(portOf);
    return from === undefined || to === undefined || more !== undefined ? [] : [[from, to]];
  });
  // Two ports of the application at one of the sidecar could not be told apart.
  return new Set(pairs.map(([, to]) => to)).size === pairs.length ? new Map(pairs) : new Map();
}

export function keepService({ metadata, spec }: KubernetesObject): CoreService {
  const { namespace = "", name, creationTimestamp } = metadata;
  const {
    type = "ClusterIP",
    clusterIP,
    externalName,
    trafficDistribution,
    ports = [],
  } = (spec ?? {}) as {
    type?: string;
    clusterIP?: string;
    externalName?: string;
    trafficDistribution?: string;
    ports?: { name?: string; port: number; protocol?: string; appProtocol?: string; targetPort?: number | string }[];
  };
  return {
    namespace,
    name,
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    type,
    isHeadless: clusterIP === "None",
    ...(externalName === undefined ? {} : { externalName }),
    ...(trafficDistribution === undefined ? {} : { trafficDistribution }),
    ports: ports.map(({ name: portName, port, protocol = "TCP", appProtocol, targetPort = port }) => ({
      ...(portName === undefined || portName === "" ? {} : { name: portName }),
      port,
      protocol,
      ...(appProtocol === undefined ? {} : { appProtocol }),
      target: targetPort,
    })),
  };
}

export function keepSlice(object: KubernetesObject): EndpointSlice {
  const { namespace = "", labels = {} } = object.metadata;
  const { ports, endpoints } = object as {
    ports?: { name?: string; port?: number }[] | null;
    endpoints?:
      | {
          addresses?: string[];
          conditions?: { ready?: boolean };
          targetRef?: { kind?: string; name?: string };
          nodeName?: string;
          zone?: string;
        }[]
      | null;
  };
  return {
    namespace,
    service: labels["kubernetes.io/service-name"] ?? "",
    ports: (ports ?? []).flatMap(({ name = "", port }) => (port === undefined ? [] : [{ name, port }])),
    endpoints: (endpoints ?? []).map(({ addresses = [], conditions, targetRef, nodeName, zone }) => ({
      addresses,
      // Unknown counts as ready.
      isReady: conditions?.ready ?? true,
      ...(targetRef?.kind === "Pod" && targetRef.name !== undefined ? { pod: targetRef.name } : {}),
      ...(nodeName === undefined ? {} : { node: nodeName }),
      ...(zone === undefined ? {} : { zone }),
    })),
  };
}

export function keepNode({ metadata: { labels = {} } }: KubernetesObject): NodePlace {
  const { "topology.kubernetes.io/region": region, "topology.kubernetes.io/zone": zone } = labels;
  return { ...(region === undefined ? {} : { region }), ...(zone === undefined ? {} : { zone }) };
}

/** Without what changes with each status, and what others write into annotations. */
export function keepCustom({ metadata, spec }: KubernetesObject): CustomObject {
  const { name, namespace, uid, generation, creationTimestamp, labels, annotations } = metadata;
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !key.startsWith("kubectl.kubernetes.io/"));
  return {
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(generation === undefined ? {} : { generation }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      ...(labels === undefined ? {} : { labels }),
      ...(kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) }),
    },
    spec: (spec ?? {}) as Readonly<Record<string, unknown>>,
  };
}
