// Which object serves which stream.

import { HttpContext, RootContext } from "../context";

/** What the table knows of a stream: its context, or only its root where one context serves all streams. */
@final
export class ContextTable {
  // Open addressing with linear probing; key 0, which no stream has, marks a free slot.
  private keys: StaticArray<u32> = new StaticArray<u32>(64);
  private streams: StaticArray<HttpContext | null> = new StaticArray<HttpContext | null>(64);
  private used: u32 = 0;

  /** Number of streams. */
  get size(): u32 {
    return this.used;
  }

  get(id: u32): HttpContext | null {
    const slot = this.slotOf(id);
    return unchecked(this.keys[slot]) == id ? unchecked(this.streams[slot]) : null;
  }

  set(id: u32, stream: HttpContext): void {
    if (this.used * 2 >= <u32>this.keys.length) this.grow();
    const slot = this.slotOf(id);
    if (unchecked(this.keys[slot]) != id) ++this.used;
    unchecked((this.keys[slot] = id));
    unchecked((this.streams[slot] = stream));
  }

  delete(id: u32): void {
    let hole = this.slotOf(id);
    if (unchecked(this.keys[hole]) != id) return;
    --this.used;
    // Moves later entries of the probe sequence back, so that no entry is behind a free slot.
    const mask = this.keys.length - 1;
    for (let slot = (hole + 1) & mask; unchecked(this.keys[slot]) != 0; slot = (slot + 1) & mask) {
      const home = this.home(unchecked(this.keys[slot]));
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      unchecked((this.keys[hole] = this.keys[slot]));
      unchecked((this.streams[hole] = this.streams[slot]));
      hole = slot;
    }
    unchecked((this.keys[hole] = 0));
    unchecked((this.streams[hole] = null));
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
    const streams = this.streams;
    this.keys = new StaticArray<u32>(keys.length * 2);
    this.streams = new StaticArray<HttpContext | null>(keys.length * 2);
    this.used = 0;
    for (let i = 0; i < keys.length; ++i) {
      const stream = unchecked(streams[i]);
      if (stream !== null) this.set(unchecked(keys[i]), stream);
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
