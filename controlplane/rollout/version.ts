import { createHash } from "node:crypto";
import {
  noteSchema,
  schemaOf,
  targetIn,
  targetsOfKind,
  withTargets,
  type FilterPolicy,
  type Model,
  type Resource,
  type RolloutTarget,
  type RolloutTargetKind,
  type TargetResource,
  type WasmModule,
} from "../model/index.ts";
import { completed, rolledOut } from "./at-once.ts";

/** The content of the targets of a Rollout at one time, with the modules of its FilterPolicies. Plain JSON. */
export interface Version {
  /** SHA-256 of the targets and of their content. */
  readonly id: string;
  readonly targets: readonly RolloutTarget[];
  /** In the order of the targets; one that did not exist is left out. */
  readonly resources: readonly VersionedResource[];
}

export interface VersionedResource {
  readonly kind: RolloutTarget["kind"];
  readonly metadata: Resource["metadata"];
  readonly spec: unknown;
  /** SHA-256 of a FilterPolicy's module. */
  readonly module?: string;
}

/** A version with other targets: what it says of those that it has, and for others what another version says. */
export function retargeted(version: Version, targets: readonly RolloutTarget[], rest: Version): Version {
  const resources = targets.flatMap((target) => {
    const isOf = (one: { readonly kind: string; readonly name: string }): boolean =>
      one.kind === target.kind && one.name === target.name;
    const from = version.targets.some(isOf) ? version : rest;
    return from.resources.filter(({ kind, metadata }) => isOf({ kind, name: metadata.name }));
  });
  return { id: idOf(targets, resources), targets, resources };
}

/** What the targets are in a model. */
export function versionOf(
  targets: readonly RolloutTarget[],
  model: Model,
  modules: ReadonlyMap<string, { readonly sha256: string }>,
): Version {
  const resources = targets.flatMap((target): VersionedResource[] => {
    const resource = targetIn(target, model);
    if (resource === undefined) return [];
    const { kind, metadata } = resource;
    const module = kind === "FilterPolicy" ? modules.get(resource.spec.module)?.sha256 : undefined;
    return [{ kind, metadata, spec: rolledOut(resource), ...(module === undefined ? {} : { module }) }];
  });
  return { id: idOf(targets, resources), targets, resources };
}

function idOf(targets: readonly RolloutTarget[], resources: readonly VersionedResource[]): string {
  return createHash("sha256").update(canonical({ targets, resources })).digest("hex");
}

/** A model and its modules in which some targets have the content of a version. */
export interface Content<Module> {
  readonly model: Model;
  readonly modules: ReadonlyMap<string, Module>;
}

/**
 * The content of a model with pinned targets. A pinned FilterPolicy keeps its module, even where the WasmModule of that name has other
 * bytes by now or is gone: it gets a name of its own for it.
 * @param find finds the bytes of a module by their SHA-256.
 */
export function withPins<Module>(
  { model, modules }: Content<Module>,
  pins: readonly Version[],
  find: (sha256: string) => Module | undefined,
): Content<Module> {
  if (pins.length === 0) return { model, modules };
  const changed = new Map<RolloutTargetKind, Map<string, TargetResource>>();
  const ofKind = (kind: RolloutTargetKind): Map<string, TargetResource> => {
    let resources = changed.get(kind);
    if (resources === undefined) changed.set(kind, (resources = new Map(targetsOfKind(kind, model))));
    return resources;
  };
  const wasmModules = new Map(model.wasmModules);
  const allModules = new Map(modules);
  for (const { targets, resources } of pins) {
    for (const target of targets) {
      const { kind, name } = target;
      const now = targetIn(target, model);
      const pinned = resources.find((one) => one.kind === kind && one.metadata.name === name);
      // Sidecars are those of Services as they are now, so none is kept that is gone.
      let spec = kind === "Service" && now === undefined ? undefined : completed(kind, pinned?.spec, now?.spec);
      if (spec === undefined) {
        ofKind(kind).delete(name);
        continue;
      }
      // Faults are shown where the resource is written now, or else where something is.
      const origin = (now ?? [...model.rollouts.values()][0])?.origin;
      if (kind === "FilterPolicy" && pinned?.module !== undefined) {
        const policy = spec as FilterPolicy["spec"];
        const alias = `${policy.module}.${pinned.module.slice(0, 16)}`;
        const module = find(pinned.module);
        if (module !== undefined) allModules.set(alias, module);
        const pinnedTo = pinnedModule(alias, origin);
        wasmModules.set(alias, pinnedTo);
        // What of its configuration is secret is told by the schema that there is now.
        const current = model.wasmModules.get(policy.module);
        if (current !== undefined) noteSchema(pinnedTo, schemaOf(current));
        spec = { ...policy, module: alias, rootId: policy.rootId ?? policy.module };
      }
      const metadata = pinned?.metadata ?? now?.metadata ?? { name };
      ofKind(kind).set(name, { kind, metadata, spec, origin } as TargetResource);
    }
  }
  const pinnedTargets = new Map([...changed].map(([kind, resources]) => [kind, sorted(resources)]));
  return {
    model: Object.freeze({ ...withTargets(model, pinnedTargets), wasmModules: sorted(wasmModules) }),
    modules: allModules,
  };
}

function pinnedModule(name: string, origin: WasmModule["origin"] | undefined): WasmModule {
  return { kind: "WasmModule", metadata: { name }, spec: { file: "" }, filePath: "", origin } as WasmModule;
}

function sorted<T>(map: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  return new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** JSON in which the order of keys is that of their names: writing a field elsewhere is no change. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
