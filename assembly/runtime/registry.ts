// The plugins that a module offers, by root id.

import { logError } from "../log";
import { Bytes } from "../bytes";
import { HttpContext, RootContext } from "../context";

const rootIds: string[] = [];
const factories: (() => RootContext)[] = [];

/**
 * Offers a plugin under a root id (`root_id` in Envoy's plugin configuration). To be called at module top level, once for
 * each root id. A module with one plugin also serves a configuration that gives no root id.
 */
export function registerRootContext(rootId: string, create: () => RootContext): void {
  rootIds.push(rootId);
  factories.push(create);
}

/** As `registerRootContext`, for a filter that has no configuration: `create` makes the context of each stream. */
export function registerHttpContext(rootId: string, create: () => HttpContext): void {
  rootIds.push(rootId);
  httpFactories.set(rootIds.length - 1, create);
  factories.push(() => new HttpRoot());
}

const httpFactories: Map<i32, () => HttpContext> = new Map<i32, () => HttpContext>();

class HttpRoot extends RootContext {
  create: (() => HttpContext) | null = null;

  createHttpContext(): HttpContext | null {
    const create = this.create;
    return create === null ? null : create();
  }
}

/** Stands for a plugin that the module does not have, and refuses its configuration. */
class UnknownRoot extends RootContext {
  constructor(private rootId: string) {
    super();
  }

  onConfigure(configuration: Bytes): bool {
    logError(`root_id: expected one of "${rootIds.join('", "')}", found "${this.rootId}"`);
    return false;
  }
}

export function createRootContext(rootId: string): RootContext {
  let index = rootIds.indexOf(rootId);
  if (index < 0 && rootId.length == 0 && rootIds.length == 1) index = 0;
  if (index < 0) return new UnknownRoot(rootId);
  const root = factories[index]();
  if (httpFactories.has(index)) changetype<HttpRoot>(root).create = httpFactories.get(index);
  return root;
}
