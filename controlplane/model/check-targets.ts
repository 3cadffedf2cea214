import { repeated } from "./claims.ts";
import type { Found } from "./claims.ts";
import { checkServiceRef } from "./references.ts";
import type { MayExist } from "./references.ts";
import type { Model, Resource } from "./resources.ts";

/** Finds the faults of `spec.targetRefs`: Services that there are not, or that are named twice. */
export function checkTargets(
  { origin }: Pick<Resource, "origin">,
  targetRefs: readonly { readonly name: string }[] = [],
  model: Model,
  mayExist: MayExist,
): Found {
  const names = targetRefs.map(({ name }) => name);
  return [
    ...repeated(names, "target", origin, (t) => ["spec", "targetRefs", t, "name"]),
    ...targetRefs.map((ref, t) => checkServiceRef(ref, ["spec", "targetRefs", t], origin, model, mayExist)),
  ];
}
