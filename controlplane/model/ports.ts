import type { Model, PortRef, Service } from "./resources.ts";

// A Service with several ports is several in the model: one that owns the sidecars, and its further ports.

/** The name of the Service whose sidecars a Service has: its own, unless it is a further port of another. */
export function ownerOf({ metadata, spec }: Service): string {
  return spec.portOf ?? metadata.name;
}

/** The further ports of each Service, by its name. */
export function furtherPorts<S extends Service>(services: ReadonlyMap<string, S>): ReadonlyMap<string, readonly S[]> {
  const found = new Map<string, S[]>();
  for (const service of services.values()) {
    const { portOf } = service.spec;
    if (portOf === undefined) continue;
    const ports = found.get(portOf);
    if (ports === undefined) found.set(portOf, [service]);
    else ports.push(service);
  }
  return found;
}

/** A Service and its further ports. */
export function allPorts({ metadata, spec }: Service, { services }: Pick<Model, "services">): readonly Service[] {
  const further = spec.otherPorts.map(({ service }) => services.get(service));
  const own = services.get(metadata.name);
  return [own, ...further.filter((other) => other?.spec.portOf === metadata.name)].filter(
    (service) => service !== undefined,
  );
}

/** Whether a reference to a Service means this port of it: without a port it means all of them. */
export function meansPort({ port, sectionName }: Omit<PortRef, "name">, { spec }: Service): boolean {
  return (port === undefined || port === spec.port) && (sectionName === undefined || sectionName === spec.portName);
}
