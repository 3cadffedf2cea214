import type { Model, Resource } from "./resources.ts";
import type { RolloutTarget, RolloutTargetKind } from "./rollouts.ts";

/** Where a model has the resources that a Rollout may be about. */
const places = {
  FilterPolicy: "filterPolicies",
  HTTPRoute: "httpRoutes",
  GRPCRoute: "grpcRoutes",
  Service: "services",
  EnvoyPatch: "envoyPatches",
  Telemetry: "telemetries",
  Mesh: "meshes",
} as const satisfies Record<RolloutTargetKind, keyof Model>;

/** A resource that a Rollout may be about. */
export type TargetResource = Resource & { readonly kind: RolloutTargetKind };

/** All resources of a kind, by name, in order of name. */
export function targetsOfKind(kind: RolloutTargetKind, model: Model): ReadonlyMap<string, TargetResource> {
  return model[places[kind]];
}

/** The resource that a Rollout names; undefined where there is none. */
export function targetIn({ kind, name }: RolloutTarget, model: Model): TargetResource | undefined {
  return targetsOfKind(kind, model).get(name);
}

/** The model with other resources of some kinds. Maps are by name, in order of name. */
export function withTargets(
  model: Model,
  targets: ReadonlyMap<RolloutTargetKind, ReadonlyMap<string, TargetResource>>,
): Model {
  const changed = [...targets].map(([kind, resources]) => [places[kind], resources] as const);
  return { ...model, ...Object.fromEntries(changed) };
}
