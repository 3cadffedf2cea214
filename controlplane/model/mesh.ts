import type { Mesh, Model, ServedModel, ServedService, Service } from "./resources.ts";
import type { HTTPRouteRule } from "./routes.ts";
import type { ServedServiceSpec, ServiceDefaults } from "./services.ts";

/** The types of a Mesh: schemas/mesh.json, with defaults filled in. */
export interface MeshSpec {
  readonly services?: ServiceDefaults;
  readonly routes?: Pick<HTTPRouteRule, "timeouts" | "retry">;
  readonly unknownHosts: "Refuse" | "Passthrough";
  readonly trustDomainAliases?: readonly string[];
  readonly connections?: {
    readonly idleTimeout?: string;
    readonly maxConnectionDuration?: string;
    readonly streamIdleTimeout?: string;
    readonly requestHeadersTimeout?: string;
  };
}

/** The name of the one Mesh that there may be. */
export const MESH_NAME = "default";

/** What a Service has where neither it nor a Mesh says anything. */
const ofNobody = { mtls: "Off", connectTimeout: "5s" } as const satisfies ServiceDefaults;

/** Where there is no Mesh. */
const noMesh = {};

/** By Mesh: the same Service in the same Mesh is the same object, so what was made of it before need not be made again. */
const served = new WeakMap<object, WeakMap<Service, ServedService>>();
const written = new WeakMap<Service, Service>();

export function meshOf({ meshes }: Pick<Model, "meshes">): Mesh | undefined {
  return meshes.get(MESH_NAME);
}

/** The model with what the Mesh says where Services say nothing. */
export function servedModel(model: Model): ServedModel {
  const mesh = meshOf(model);
  const key = mesh ?? noMesh;
  let known = served.get(key);
  if (known === undefined) served.set(key, (known = new WeakMap()));
  const services = new Map<string, ServedService>();
  for (const [name, service] of model.services) {
    let made = known.get(service);
    if (made === undefined) known.set(service, (made = inMesh(service, mesh)));
    services.set(name, made);
  }
  return { ...model, services };
}

function inMesh(service: Service, mesh: Mesh | undefined): ServedService {
  const spec: ServedServiceSpec = { ...ofNobody, ...mesh?.spec.services, ...service.spec };
  const made = Object.freeze({ ...service, spec: Object.freeze(spec) });
  written.set(made, service);
  return made;
}

/** A Service as it was written. */
export function writtenService(service: Service): Service {
  return written.get(service) ?? service;
}
