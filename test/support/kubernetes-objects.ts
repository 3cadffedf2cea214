import type { KubernetesObject } from "./kubernetes.ts";

// Objects as controllers of a cluster would make them, of which there are none in tests.

/** A core Service. */
export function service(
  namespace: string,
  name: string,
  port: { readonly port: number; readonly name?: string; readonly appProtocol?: string },
): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: { selector: { app: name }, ports: [{ protocol: "TCP", ...port }] },
  };
}

/** A pod that runs, with the annotations that injection leaves. */
export function pod(
  namespace: string,
  name: string,
  podIP: string,
  { injected = false, outboundPort, labels, account }: PodOptions,
): KubernetesObject {
  const annotations = {
    ...(injected ? { "meshwright.dev/injected": "true" } : {}),
    ...(outboundPort === undefined ? {} : { "meshwright.dev/outbound-port": String(outboundPort) }),
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, annotations, ...(labels === undefined ? {} : { labels }) },
    spec: {
      ...(account === undefined ? {} : { serviceAccountName: account }),
      containers: [{ name: "app", image: "example.invalid/app" }],
    },
    status: { phase: "Running", podIP, podIPs: [{ ip: podIP }] },
  };
}

export interface PodOptions {
  readonly injected?: boolean;
  readonly outboundPort?: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** The pod's service account. */
  readonly account?: string;
}

export interface SliceMember {
  readonly pod?: string;
  readonly address: string;
  readonly isReady?: boolean;
  readonly node?: string;
  readonly zone?: string;
}

/** The endpoints of a Service with one port. */
export function endpointSlice(
  namespace: string,
  name: string,
  port: number,
  members: readonly SliceMember[],
): KubernetesObject {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-1`, namespace, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: "", port, protocol: "TCP" }],
    endpoints: members.map(({ pod: podName, address, isReady = true, node, zone }) => ({
      addresses: [address],
      conditions: { ready: isReady },
      ...(podName === undefined ? {} : { targetRef: { kind: "Pod", name: podName, namespace } }),
      ...(node === undefined ? {} : { nodeName: node }),
      ...(zone === undefined ? {} : { zone }),
    })),
  };
}
