import type { Service } from "../model/index.ts";

// "|" cannot be part of a resource's name, so no two of these names are equal.

/** The cluster of an application beside its sidecar. */
export function inboundName(service: Service): string {
  return `inbound|${service.metadata.name}|${service.spec.port}`;
}

/** The listener for requests to a Service, or to a further port of it. */
export function inboundListenerName({ metadata, spec }: Service): string {
  return spec.portOf === undefined ? "inbound" : `inbound|${metadata.name}`;
}

/** The route configuration of a Service's inbound listeners. */
export function inboundRouteName(service: Service): string {
  return `inbound|${service.metadata.name}`;
}

/** The cluster of a Service as its clients see it. */
export function outboundName(service: string, port: number): string {
  return `outbound|${service}|${port}`;
}

/** The route configuration of all outbound listeners. */
export const outboundRouteName = "outbound";

/** The admin interface of a sidecar, as a cluster; its bootstrap has it. */
export const adminCluster = "meshwright-admin";
