import type { JsonValue } from "@bufbuild/protobuf";
import type { EnvoyPatch, Model, Patch, Problem } from "../model/index.ts";
import { createResourceSet, SERVED_TYPES, snapshotOf } from "../xds/index.ts";
import type { Resource, ResourceSet, Snapshot } from "../xds/index.ts";
import { addedResource, applyPatch } from "./apply.ts";
import type { MessageFault } from "./json-faults.ts";
import { mayHold, typeUrlOf } from "./places.ts";
import { envoyRegistry } from "./registry.ts";

/** Names of secrets that the control plane gives to sidecars itself. */
const reservedSecrets: readonly string[] = ["workload", "trust"];

/** One patch of a resource, in its place among all that are applied. */
interface Step {
  readonly owner: EnvoyPatch;
  readonly index: number;
  readonly patch: Patch;
}

/**
 * Applies the EnvoyPatches of a model to what sidecars are served: by order, then by name, then as they are written. What several
 * sidecars share stays shared.
 */
export class EnvoyPatches {
  readonly #patches: readonly EnvoyPatch[];
  readonly #steps = new Map<string, readonly Step[]>();
  readonly #added = new Map<Step, Resource | undefined>();
  /** What became of a resource, or a set, by the EnvoyPatches that were applied. */
  readonly #resources = new Map<string, WeakMap<Resource, Resource>>();
  readonly #sets = new Map<string, WeakMap<ResourceSet, ResourceSet>>();
  /** What resources were before they were changed, and by what. */
  readonly #changed = new WeakMap<Resource, { readonly before: Resource; readonly patches: readonly EnvoyPatch[] }>();
  readonly #problems = new Map<string, Problem>();
  /** Types and names of resources, for messages. */
  readonly #names = new Set<string>();
  readonly #tried = new Set<Step["patch"]>();
  readonly #matched = new Set<Step["patch"]>();

  constructor({ envoyPatches }: Pick<Model, "envoyPatches">) {
    this.#patches = [...envoyPatches.values()].sort(
      (a, b) => a.spec.order - b.spec.order || (a.metadata.name < b.metadata.name ? -1 : 1),
    );
  }

  /** What is wrong with the patches, as far as they have been applied; and those that found nothing to change. */
  problems(): Problem[] {
    const missed = this.#patches.flatMap(({ origin, spec }) =>
      spec.patches.flatMap((patch, index): Problem[] => {
        if (!this.#tried.has(patch) || this.#matched.has(patch)) return [];
        return [origin.problem(["spec", "patches", index, "target"], this.#missed(patch), "key")];
      }),
    );
    return [...this.#problems.values(), ...missed];
  }

  /** What a resource was before, and which EnvoyPatches changed or added it, in their order. */
  originOf(resource: Resource): { readonly before: Resource; readonly patches: readonly EnvoyPatch[] } {
    return this.#changed.get(resource) ?? { before: resource, patches: [] };
  }

  /** What a sidecar of a Service is to have in place of a snapshot. A patch that cannot be applied changes nothing. */
  apply(snapshot: Snapshot, service: string): Snapshot {
    const steps = this.#stepsFor(service);
    if (steps.length === 0) return snapshot;
    for (const { patch } of steps) this.#tried.add(patch);
    const key = [...new Set(steps.map(({ owner }) => owner.metadata.name))].join(" ");
    const added = steps.flatMap((step) => this.#add(step, steps, snapshot) ?? []);
    const typeUrls = new Set([...snapshot.sets.keys(), ...added.map(({ typeUrl }) => typeUrl)]);
    return snapshotOf(
      [...typeUrls].flatMap((typeUrl) => {
        const set = snapshot.sets.get(typeUrl);
        const more = added.filter((resource) => resource.typeUrl === typeUrl);
        if (set === undefined) return more.length === 0 ? [] : [createResourceSet(typeUrl, more)];
        return [this.#applyToSet(set, more, steps, key)];
      }),
    );
  }

  #missed(patch: Patch): string {
    const message = "fits nothing that its sidecars are served";
    if (patch.operation === "AddResource") return message;
    const type = `${typeUrlOf(patch.target)} `;
    const names = [...this.#names].filter((name) => name.startsWith(type)).map((name) => name.slice(type.length));
    if (names.length === 0) return message;
    return `${message}; there are: ${names.slice(0, 10).join(", ")}${names.length > 10 ? ", ..." : ""}`;
  }

  #applyToSet(set: ResourceSet, added: readonly Resource[], steps: readonly Step[], key: string): ResourceSet {
    const known = remembered(this.#sets, key);
    let result = known.get(set);
    if (result === undefined) {
      const resources = [...set.resources.values()];
      const patched = resources.map((resource) => this.#applyToResource(resource, steps, key));
      const isSame = added.length === 0 && patched.every((resource, index) => resource === resources[index]);
      known.set(set, (result = isSame ? set : createResourceSet(set.typeUrl, [...patched, ...added])));
    }
    return result;
  }

  #applyToResource(resource: Resource, steps: readonly Step[], key: string): Resource {
    const known = remembered(this.#resources, key);
    let result = known.get(resource);
    if (result !== undefined) return result;
    result = resource;
    this.#names.add(`${resource.typeUrl} ${resource.name}`);
    const owners = new Set<EnvoyPatch>();
    for (const step of steps) {
      const { patch } = step;
      if (patch.operation === "AddResource" || !mayHold(patch.target, resource)) continue;
      const patched = applyPatch(patch, result, envoyRegistry());
      if (patched.isMatched) this.#matched.add(patch);
      this.#report(step, patched.faults);
      if (patched.resource !== result) owners.add(step.owner);
      result = patched.resource;
    }
    if (owners.size > 0) this.#changed.set(result, { before: resource, patches: [...owners] });
    known.set(resource, result);
    return result;
  }

  /** The resource of a step that adds one. */
  #add(step: Step, steps: readonly Step[], snapshot: Snapshot): Resource | undefined {
    const { patch } = step;
    if (patch.operation !== "AddResource") return undefined;
    if (!this.#added.has(step)) {
      const { resource, faults } = addedResource(patch.value as Record<string, JsonValue>, envoyRegistry());
      this.#report(step, faults);
      this.#matched.add(patch);
      this.#added.set(step, resource);
      if (resource !== undefined) this.#changed.set(resource, { before: resource, patches: [step.owner] });
    }
    const resource = this.#added.get(step);
    if (resource === undefined) return undefined;
    const refusal = this.#refusal(resource, steps.slice(0, steps.indexOf(step)), snapshot);
    if (refusal !== undefined) this.#report(step, [{ path: ["value"], at: "value", message: refusal }]);
    return refusal === undefined ? resource : undefined;
  }

  #refusal({ typeUrl, name }: Resource, before: readonly Step[], snapshot: Snapshot): string | undefined {
    const type = typeUrl.slice(typeUrl.lastIndexOf(".") + 1);
    if (!SERVED_TYPES.includes(typeUrl)) return `a ${type} is no resource that sidecars ask for`;
    if (snapshot.sets.get(typeUrl)?.resources.has(name) === true)
      return `sidecars are served the ${type} ${name} already; change it with Merge or JSONPatch`;
    if (type === "Secret" && reservedSecrets.includes(name))
      return `the name ${name} is that of the control plane's own`;
    const first = before.find((step) => {
      const other = this.#added.get(step);
      return other?.typeUrl === typeUrl && other.name === name;
    });
    return first === undefined ? undefined : `EnvoyPatch ${first.owner.metadata.name} adds the ${type} ${name} already`;
  }

  #report({ owner, index }: Step, faults: readonly MessageFault[]): void {
    for (const { path, at, message } of faults) {
      const problem = owner.origin.problem(["spec", "patches", index, ...path], message, at);
      this.#problems.set(JSON.stringify(problem), problem);
    }
  }

  #stepsFor(service: string): readonly Step[] {
    let steps = this.#steps.get(service);
    if (steps === undefined) {
      steps = this.#patches
        .filter(({ spec }) => spec.targetRefs?.some(({ name }) => name === service) ?? true)
        .flatMap((owner) => stepsOf(owner));
      this.#steps.set(service, steps);
    }
    return steps;
  }
}

const known = new WeakMap<EnvoyPatch, readonly Step[]>();

function stepsOf(owner: EnvoyPatch): readonly Step[] {
  let steps = known.get(owner);
  if (steps === undefined)
    known.set(owner, (steps = owner.spec.patches.map((patch, index) => ({ owner, index, patch }))));
  return steps;
}

function remembered<K extends object, V>(maps: Map<string, WeakMap<K, V>>, key: string): WeakMap<K, V> {
  let map = maps.get(key);
  if (map === undefined) maps.set(key, (map = new WeakMap<K, V>()));
  return map;
}
