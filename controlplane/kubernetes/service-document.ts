import { without } from "../model/index.ts";
import { modelName } from "./names.ts";
import type { CoreService, CustomObject, ServicePort } from "./objects.ts";
import { endpointsByPort, type EndpointParts } from "./service-endpoints.ts";
import { isHttp2, portModelName, servedPorts, type ServedPorts } from "./service-ports.ts";

/** All that makes a Service of the mesh. */
export interface ServiceParts extends EndpointParts {
  readonly settings: CustomObject | undefined;
  /** Whether a filter is to stand before every endpoint of a port. */
  readonly isProtected: (port: ServicePort) => boolean;
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
  const isClosed = mtls !== "Off" || own["inboundTls"] !== undefined;
  const namesOf = (port: ServicePort): ServicePort[] => [
    port,
    ...[...ports.same].flatMap(([name, meant]) => (meant === port ? name : [])),
  ];
  const isProtected = (port: ServicePort): boolean => isClosed || namesOf(port).some(parts.isProtected);
  const found = endpointsByPort(parts, [first, ...others], isProtected);
  const base = withOwnCertificates(own, service.namespace);
  const name = modelName(service);
  const otherPorts = otherPortsOf(service, ports);
  const main = document(service, name, first, {
    ...base,
    hostnames: hostnamesOf(service),
    local: { scope: service.namespace, hostnames: [service.name] },
    ...(otherPorts.length === 0 ? {} : { otherPorts }),
    endpoints: found.get(first)?.endpoints ?? [],
  });
  const further = others.map((port) =>
    document(service, portModelName(service, port), port, {
      // What the first port speaks, and where its health shows, is nothing that another one has to have.
      ...without(base, "protocol", "healthCheck", ...(isHttp2(port) ? [] : ["http2"])),
      portOf: name,
      endpoints: found.get(port)?.endpoints ?? [],
    }),
  );
  const withoutSidecar = [...found.values()].flatMap((one) => one.withoutSidecar);
  return { documents: [main, ...further], withoutSidecar: [...new Set(withoutSidecar)].sort() };
}

/** What clients reach by the ports that are not the first. A port that is not for HTTP leads to a Service that there is not. */
function otherPortsOf(service: CoreService, ports: ServedPorts): object[] {
  const { first, others, same, closed } = ports;
  const leadTo = (port: ServicePort, to: ServicePort): object => ({
    port: port.port,
    service: to === first ? modelName(service) : portModelName(service, to),
  });
  return [
    ...others.map((port) => leadTo(port, port)),
    // What is not here leads to the first.
    ...[...same].filter(([, to]) => to !== first).map(([port, to]) => leadTo(port, to)),
    ...closed.map((port) => leadTo(port, port)),
  ];
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
