// Several filters linked into one module, as one plugin. docs/guides/composition.md says how, docs/decisions/composition.md why so.
// Apart from the SDK's index, because a module with one filter has no use for any of it.

import { RootContext } from "../context";
import { Registration, register } from "../runtime/registry";
import { Composition } from "./composition";
import "./hooks";

/**
 * Offers a plugin under a root id that runs filters of this module as its parts. To be called at module top level, after the
 * imports that register them.
 * @param filters The root ids under which the parts are registered. Which of them run, in which order and how configured, says the
 * plugin's configuration.
 */
export function composeRootContexts(rootId: string, filters: string[]): void {
  register(new ComposedRegistration(rootId, filters));
}

class ComposedRegistration extends Registration {
  constructor(
    rootId: string,
    private filters: string[],
  ) {
    super(rootId);
  }

  createRoot(): RootContext {
    return new Composition(this.rootId, this.filters);
  }
}
