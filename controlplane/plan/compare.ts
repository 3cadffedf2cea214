import { resourceJson } from "../inspect/index.ts";
import type { Resource as UserResource } from "../model/index.ts";
import { SERVED_TYPES, typeNameOf, type Resource, type Snapshot } from "../xds/index.ts";
import { disturbanceOf } from "./disturbance.ts";
import { jsonDiff } from "./json-diff.ts";
import type { ChangeKind } from "./report.ts";

/** How one Envoy resource differs. */
export interface Difference {
  readonly change: ChangeKind;
  readonly type: string;
  readonly name: string;
  /** As it is after the change, or was before. */
  readonly resource: Resource;
  readonly diff: string;
  /** Equal for what differs in the same way, though other parts may differ. */
  readonly signature: string;
  readonly disturbance?: string;
}

type Origins = (resource: Resource) => readonly UserResource[];

/** Compares snapshots; what many sidecars have is compared once. */
export class Comparison {
  readonly #known = new Map<string, Difference>();
  readonly #showsConfigurations: boolean;

  constructor(showsConfigurations: boolean) {
    this.#showsConfigurations = showsConfigurations;
  }

  /**
   * In the order in which changes are sent.
   * @param originsOf what the user wrote that a resource of either comes of.
   */
  differences(before: Snapshot | undefined, after: Snapshot | undefined, originsOf: Origins): readonly Difference[] {
    if (before === after) return [];
    return SERVED_TYPES.flatMap((typeUrl) => {
      const [old, now] = [before?.sets.get(typeUrl), after?.sets.get(typeUrl)];
      if (old === now || old?.version === now?.version) return [];
      const names = new Set([...(old?.resources.keys() ?? []), ...(now?.resources.keys() ?? [])]);
      return [...names].sort().flatMap((name) => {
        const [was, is] = [old?.resources.get(name), now?.resources.get(name)];
        return was?.version === is?.version ? [] : this.#difference(was, is, originsOf);
      });
    });
  }

  #difference(before: Resource | undefined, after: Resource | undefined, originsOf: Origins): Difference[] {
    const resource = after ?? before;
    if (resource === undefined) return [];
    const key = JSON.stringify([resource.typeUrl, resource.name, before?.version, after?.version]);
    let known = this.#known.get(key);
    if (known === undefined) this.#known.set(key, (known = this.#make(before, after, resource, originsOf)));
    return [known];
  }

  #make(before: Resource | undefined, after: Resource | undefined, resource: Resource, originsOf: Origins): Difference {
    const change = before === undefined ? "added" : after === undefined ? "removed" : "changed";
    const [type, { name }] = [typeNameOf(resource.typeUrl), resource];
    const showsConfigurations = this.#showsConfigurations;
    const [old, now] = [before, after].map(
      (one) => one && resourceJson(one, { showsConfigurations, origins: originsOf(one) }),
    );
    const disturbance = disturbanceOf(before, after);
    return {
      change,
      type,
      name,
      resource,
      diff: jsonDiff(old, now) || "(only values that are not shown differ)",
      // What is not shown may differ in another way for each.
      signature: JSON.stringify([type, name, jsonDiff(old, now, 0) || [before?.version, after?.version], disturbance]),
      ...(disturbance === undefined ? {} : { disturbance }),
    };
  }
}
