// What a filter began and waits for.

import { Scope } from "../runtime/scope";

/** One thing that is awaited. */
@final
export class Pending<H> {
  /** Another one of the same context. */
  next: Pending<H> | null = null;

  constructor(
    readonly token: u32,
    readonly handler: H,
    readonly scope: Scope,
  ) {}
}

/** What is awaited, by the token of the host and by the context that began it. */
@final
export class PendingTable<H> {
  private byToken: Map<u32, Pending<H>> = new Map<u32, Pending<H>>();
  private byContext: Map<u32, Pending<H>> = new Map<u32, Pending<H>>();

  get size(): i32 {
    return this.byToken.size;
  }

  /** @param scope Who waits for it. */
  add(token: u32, handler: H, scope: Scope = Scope.current()): void {
    this.take(token);
    const pending = new Pending<H>(token, handler, scope);
    const context = scope.context;
    if (this.byContext.has(context)) pending.next = this.byContext.get(context);
    this.byContext.set(context, pending);
    this.byToken.set(token, pending);
  }

  get(token: u32): Pending<H> | null {
    return this.byToken.has(token) ? this.byToken.get(token) : null;
  }

  /** Gives and removes. */
  take(token: u32): Pending<H> | null {
    if (!this.byToken.has(token)) return null;
    const pending = this.byToken.get(token);
    this.byToken.delete(token);
    const context = pending.scope.context;
    let before = this.byContext.get(context);
    if (before === pending) {
      const next = pending.next;
      if (next === null) this.byContext.delete(context);
      else this.byContext.set(context, next);
      return pending;
    }
    let next = before.next;
    while (next !== null && next !== pending) {
      before = next;
      next = next.next;
    }
    before.next = pending.next;
    return pending;
  }

  /** Removes what a context began, and gives it as a chain of `next`. */
  takeContext(context: u32): Pending<H> | null {
    if (!this.byContext.has(context)) return null;
    const first = this.byContext.get(context);
    this.byContext.delete(context);
    for (let pending: Pending<H> | null = first; pending !== null; pending = pending.next) {
      this.byToken.delete(pending.token);
    }
    return first;
  }
}
