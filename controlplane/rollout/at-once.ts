import { without, type MeshSpec, type RolloutTargetKind, type TargetResource } from "../model/index.ts";

// Some of what a target says reaches all sidecars at once, as if no Rollout named it: where endpoints are, which changes by itself, and what both ends
// of a connection have to agree on, since a wave would part those that have it from those that have not.

const atOnce = {
  Service: ["endpoints", "port", "portName", "mtls", "local"],
  Mesh: ["trustDomainAliases"],
  "Mesh services": ["mtls"],
} as const;

/** What a Mesh says where there is none. */
const NO_MESH: MeshSpec = { unknownHosts: "Refuse" };

/** What of a resource is rolled out. */
export function rolledOut({ kind, spec }: TargetResource): unknown {
  switch (kind) {
    case "Service":
      return without(spec, ...atOnce.Service);
    case "Mesh": {
      const { services } = spec;
      const rest = without(spec, ...atOnce.Mesh);
      return services === undefined ? rest : { ...rest, services: without(services, ...atOnce["Mesh services"]) };
    }
    default:
      return spec;
  }
}

/**
 * What was rolled out of a resource, with the rest as it is now.
 * @param spec undefined where the resource was not there.
 * @param now undefined where it is no more.
 * @returns undefined where all of it is not to be there.
 */
export function completed(kind: RolloutTargetKind, spec: unknown, now: unknown): unknown {
  if (now === undefined) return spec;
  switch (kind) {
    case "Service":
      return spec === undefined ? now : { ...(spec as object), ...only(now as object, atOnce.Service) };
    case "Mesh": {
      const before = (spec ?? NO_MESH) as MeshSpec;
      const mtls = only((now as MeshSpec).services ?? {}, atOnce["Mesh services"]);
      const services = { ...before.services, ...mtls };
      return {
        ...before,
        ...only(now as object, atOnce.Mesh),
        ...(Object.keys(services).length === 0 ? {} : { services }),
      };
    }
    default:
      return spec;
  }
}

function only(value: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(value).filter(([key]) => keys.includes(key)));
}
