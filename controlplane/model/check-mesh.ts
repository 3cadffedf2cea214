import { isIP } from "node:net";
import type { Found } from "./claims.ts";
import { checkTimeouts } from "./check-routes.ts";
import { checkDefaults, positive } from "./check-services.ts";
import { MESH_NAME, meshOf } from "./mesh.ts";
import type { Model } from "./resources.ts";

/** Finds the faults of the Mesh that a JSON Schema cannot, and what in Services does not go with it. */
export function checkMesh(model: Model): Found {
  const others = [...model.meshes.values()].filter(({ metadata }) => metadata.name !== MESH_NAME);
  const found: Found = others.map(({ metadata, origin }) =>
    origin.problem(["metadata", "name"], `the one Mesh has the name ${MESH_NAME}, found ${metadata.name}`),
  );
  const mesh = meshOf(model);
  if (mesh === undefined) return found;
  const { origin, spec } = mesh;
  const { maxConnectionDuration } = spec.connections ?? {};
  return [
    ...found,
    ...checkDefaults(spec.services ?? {}, origin, ["spec", "services"]),
    ...(maxConnectionDuration === undefined
      ? []
      : positive(maxConnectionDuration, origin, ["spec", "connections", "maxConnectionDuration"])),
    ...checkTimeouts(spec.routes ?? {}, ["spec", "routes"], origin),
    ...(spec.unknownHosts === "Passthrough" ? checkPassthrough(model) : []),
  ];
}

/** Through a sidecar that lets all hosts through, whoever reaches it reaches whatever it does: its own machine, for one. */
function checkPassthrough({ services }: Model): Found {
  return [...services.values()].flatMap(({ spec, origin }) =>
    spec.endpoints.map(({ sidecar }, index) => {
      if (sidecar?.outboundPort === undefined || isLoopback(sidecar.outboundAddress)) return undefined;
      return origin.problem(
        ["spec", "endpoints", index, "sidecar", "outboundAddress"],
        `expected a loopback address, since unknownHosts of the Mesh is Passthrough, found ${sidecar.outboundAddress}`,
      );
    }),
  );
}

function isLoopback(address: string): boolean {
  return (isIP(address) === 4 && address.startsWith("127.")) || address === "::1";
}
