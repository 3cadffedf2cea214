// Which object serves which context of the host.

import { RootContext } from "../context";

/** The streams or connections of this VM: the context of each, and its root. */
@final
export class ContextTable<T> {
  // Open addressing with linear probing; key 0, which no context has, marks a free slot.
  private keys: StaticArray<u32> = new StaticArray<u32>(64);
  private roots: StaticArray<RootContext | null> = new StaticArray<RootContext | null>(64);
  private contexts: StaticArray<T | null> = new StaticArray<T | null>(64);
  private used: u32 = 0;

  /** Number of entries. */
  get size(): u32 {
    return this.used;
  }

  /** The slot of an id, for `rootAt` and `contextAt` until the next change; -1 when there is none. */
  find(id: u32): i32 {
    const slot = this.slotOf(id);
    return id && unchecked(this.keys[slot]) == id ? slot : -1;
  }

  rootAt(slot: i32): RootContext | null {
    return this.roots[slot];
  }

  contextAt(slot: i32): T | null {
    return this.contexts[slot];
  }

  /** @param id Not 0. */
  set(id: u32, root: RootContext, context: T | null): void {
    this.put(id, root, context);
  }

  private put(id: u32, root: RootContext | null, context: T | null): void {
    if (this.used * 2 >= <u32>this.keys.length) this.grow();
    const slot = this.slotOf(id);
    if (unchecked(this.keys[slot]) != id) ++this.used;
    unchecked((this.keys[slot] = id));
    unchecked((this.roots[slot] = root));
    unchecked((this.contexts[slot] = context));
  }

  delete(id: u32): void {
    let hole = this.find(id);
    if (hole < 0) return;
    --this.used;
    // Moves later entries of the probe sequence back, so that no entry is behind a free slot.
    const mask = this.keys.length - 1;
    for (let slot = (hole + 1) & mask; unchecked(this.keys[slot]) != 0; slot = (slot + 1) & mask) {
      const home = this.home(unchecked(this.keys[slot]));
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      unchecked((this.keys[hole] = this.keys[slot]));
      unchecked((this.roots[hole] = this.roots[slot]));
      unchecked((this.contexts[hole] = this.contexts[slot]));
      hole = slot;
    }
    unchecked((this.keys[hole] = 0));
    unchecked((this.roots[hole] = null));
    unchecked((this.contexts[hole] = null));
  }

  private home(id: u32): i32 {
    // The host counts ids up, so the low bits alone spread them well.
    return (<i32>id) & (this.keys.length - 1);
  }

  private slotOf(id: u32): i32 {
    const mask = this.keys.length - 1;
    let slot = this.home(id);
    while (unchecked(this.keys[slot]) != 0 && unchecked(this.keys[slot]) != id) slot = (slot + 1) & mask;
    return slot;
  }

  private grow(): void {
    const keys = this.keys;
    const roots = this.roots;
    const contexts = this.contexts;
    this.keys = new StaticArray<u32>(keys.length * 2);
    this.roots = new StaticArray<RootContext | null>(keys.length * 2);
    this.contexts = new StaticArray<T | null>(keys.length * 2);
    this.used = 0;
    for (let i = 0; i < keys.length; ++i) {
      if (unchecked(keys[i])) this.put(unchecked(keys[i]), unchecked(roots[i]), unchecked(contexts[i]));
    }
  }
}

/** The root contexts of this VM, in the order in which the host made them. There are few: a plugin each. */
@final
export class RootTable {
  private roots: RootContext[] = [];

  get size(): i32 {
    return this.roots.length;
  }

  get(id: u32): RootContext | null {
    for (let i = 0; i < this.roots.length; ++i) {
      const root = unchecked(this.roots[i]);
      if (root.id == id) return root;
    }
    return null;
  }

  at(index: i32): RootContext {
    return this.roots[index];
  }

  add(root: RootContext): void {
    this.roots.push(root);
  }

  delete(id: u32): void {
    for (let i = 0; i < this.roots.length; ++i) {
      if (this.roots[i].id != id) continue;
      this.roots.splice(i, 1);
      return;
    }
  }
}
