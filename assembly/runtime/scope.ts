// Whose code runs: which plugin's, and for which context.
//
// The host answers what a filter began (callouts, timers, queues) by calling the root context. A filter's code goes on where it
// began: for the same stream, and for the same plugin where one module runs several as parts of one host context.

import { Status } from "../abi/enums";
import { proxy_set_effective_context } from "../abi/imports";
import { RootContext } from "../context";
import { forgetHostState } from "./callback";

let context: u32 = 0;
let effective: u32 = 0;
let root: RootContext | null = null;

/** The id of the context whose code runs: that of the callback, or the one that began what is answered now. */
export function contextId(): u32 {
  return context;
}

/** The id of the context that host calls act on. */
export function effectiveContext(): u32 {
  return effective;
}

export function setEffective(id: u32): void {
  effective = id;
}

/** The plugin whose code runs. Null before there is one. */
export function currentRoot(): RootContext | null {
  return root;
}

export function setCurrentContext(id: u32): void {
  context = id;
  effective = id;
}

/** To be called before code of another plugin runs in the same callback. */
export function setCurrentRoot(next: RootContext | null): void {
  root = next;
}

/** A plugin and a context of it, kept to go on there later. */
@final
export class Scope {
  private constructor(
    readonly root: RootContext | null,
    readonly context: u32,
  ) {}

  static current(): Scope {
    return new Scope(root, context);
  }

  /** That of a plugin itself, whichever of its contexts runs. */
  static ofRoot(owner: RootContext | null): Scope {
    return new Scope(owner, owner === null ? context : owner.id);
  }

  /** Makes host calls act on this context, and its plugin the current one. False when the host has let go of the context. */
  enter(): bool {
    forgetHostState();
    if (proxy_set_effective_context(this.context) != Status.Ok) return false;
    this.restore();
    const owner = this.root;
    if (owner !== null && owner.id != this.context) {
      const shared = owner.sharedHttpContext;
      if (shared !== null) shared.id = this.context;
    }
    return true;
  }

  /** Makes this the current scope, where it already is the host's. */
  restore(): void {
    context = this.context;
    effective = this.context;
    root = this.root;
  }
}
