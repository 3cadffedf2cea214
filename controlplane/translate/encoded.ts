import type { Resource } from "../xds/index.ts";

/**
 * What was made of parts of a model. These never change, and a part of one model that is in the next too, as most are,
 * need not be encoded again.
 */
export class Encoded {
  readonly #resources = new WeakMap<object, Map<string, Resource>>();

  /**
   * @param part of a model, on which the resource depends.
   * @param what tells apart the resources that are made of one part; it names everything else on which they depend.
   */
  get(part: object, what: string, make: () => Resource): Resource {
    let made = this.#resources.get(part);
    if (made === undefined) this.#resources.set(part, (made = new Map<string, Resource>()));
    let resource = made.get(what);
    if (resource === undefined) made.set(what, (resource = make()));
    return resource;
  }
}
