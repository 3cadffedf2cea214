import { repeated } from "./claims.ts";
import type { Found } from "./claims.ts";
import { checkServiceRef } from "./references.ts";
import type { MayExist } from "./references.ts";
import type { Model, PortRef, Resource } from "./resources.ts";

/** Finds the faults of `spec.targetRefs`: Services that there are not, or that are named twice. */
export function checkTargets(
  { origin }: Pick<Resource, "origin">,
  targetRefs: readonly PortRef[] = [],
  model: Model,
  mayExist: MayExist,
): Found {
  const names = targetRefs.map(({ name, port, sectionName }) => [name, port, sectionName].filter(Boolean).join(" "));
  return [
    ...repeated(names, "target", origin, (t) => ["spec", "targetRefs", t, "name"]),
    ...targetRefs.map((ref, t) => {
      const path = ["spec", "targetRefs", t];
      const { portOf, port } = model.services.get(ref.name)?.spec ?? {};
      if (portOf === undefined) return checkServiceRef(ref, path, origin, model, mayExist);
      // It has no sidecars of its own.
      const message = `Service ${ref.name} is port ${port ?? ""} of Service ${portOf}: expected that one`;
      return origin.problem([...path, "name"], message);
    }),
  ];
}
