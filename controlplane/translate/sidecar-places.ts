import { furtherPorts } from "../model/index.ts";
import type { Endpoint, ServedModel, ServedService, Sidecar } from "../model/index.ts";

/** A port that a sidecar serves. */
export interface PortPlace {
  readonly service: ServedService;
  readonly endpoint: Endpoint;
  readonly sidecar: Sidecar;
}

/** A sidecar and where it stands. */
export interface SidecarPlace extends PortPlace {
  /** The further ports of its Service, each with what of the sidecar is for it. */
  readonly ports: readonly PortPlace[];
}

/** Every sidecar of a model, by node id. */
export function sidecarPlaces({ services }: ServedModel): ReadonlyMap<string, SidecarPlace> {
  const further = furtherPorts(services);
  const places = new Map<string, SidecarPlace>();
  for (const service of services.values()) {
    if (service.spec.portOf !== undefined) continue;
    const ports = portsByNode(further.get(service.metadata.name) ?? []);
    for (const place of placesIn(service)) {
      const { node } = place.sidecar;
      places.set(node, { ...place, ports: ports.get(node) ?? [] });
    }
  }
  return places;
}

function portsByNode(further: readonly ServedService[]): ReadonlyMap<string, readonly PortPlace[]> {
  const found = new Map<string, PortPlace[]>();
  for (const place of further.flatMap(placesIn)) {
    const { node } = place.sidecar;
    found.set(node, [...(found.get(node) ?? []), place]);
  }
  return found;
}

function placesIn(service: ServedService): PortPlace[] {
  return service.spec.endpoints.flatMap((endpoint) =>
    endpoint.sidecar === undefined ? [] : [{ service, endpoint, sidecar: endpoint.sidecar }],
  );
}
