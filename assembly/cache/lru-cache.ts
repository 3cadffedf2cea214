// A cache that is bounded, for what is dear to work out again: verified tokens, answers of services.

import { Bytes } from "../bytes";
import { hash64 } from "../hash/xxh64";

// @ts-ignore: decorator
@inline const NONE: i32 = -1;

/** What the cache keeps for an entry beside its key and value, in bytes; counted with them. */
export const LRU_ENTRY_OVERHEAD: i32 = 64;


@final
class Entry<V> {
  constructor(
    readonly hash: u64,
    readonly key: Uint8Array,
    public value: V,
    public size: i32,
  ) {}
}

/**
 * Keeps the values that were used last, by keys of any bytes. It never holds more entries nor more bytes than it may, every
 * operation takes the same time however full it is, and a hit allocates nothing. A hit needs every byte of the key: its hash
 * only finds the place. One worker's, like all memory of a filter.
 */
@final
export class LruCache<V> {
  private entries: StaticArray<Entry<V> | null>;
  /** First slot of each hash chain; the number of chains is a power of two. */
  private chains: StaticArray<i32>;
  /** Next slot of the same chain; of a free slot, the next free one. */
  private nextInChain: StaticArray<i32>;
  private newer: StaticArray<i32>;
  private older: StaticArray<i32>;
  private newest: i32 = NONE;
  private oldest: i32 = NONE;
  private free: i32 = NONE;
  private used: i32 = 0;
  private count: i32 = 0;
  private bytes: i64 = 0;

  /**
   * @param maxEntries 0 for a cache that keeps nothing.
   * @param maxBytes Bound of the sizes of all keys and values, and `LRU_ENTRY_OVERHEAD` for each.
   * @param seed Of the hash; where keys come from clients, a number that they cannot know, so that they cannot choose keys that
   *   all fall together.
   */
  constructor(
    readonly maxEntries: i32,
    readonly maxBytes: i64,
    private seed: u64 = 0,
  ) {
    const slots = max(maxEntries, 0);
    let chains = 1;
    while (chains < slots && chains < 1 << 26) chains <<= 1;
    this.entries = new StaticArray<Entry<V> | null>(slots);
    this.chains = new StaticArray<i32>(chains).fill(NONE);
    this.nextInChain = new StaticArray<i32>(slots);
    this.newer = new StaticArray<i32>(slots);
    this.older = new StaticArray<i32>(slots);
  }

  /** Number of entries. */
  get size(): i32 {
    return this.count;
  }

  /** What the entries take, as `maxBytes` counts it. */
  get byteSize(): i64 {
    return this.bytes;
  }

  has(key: Bytes): bool {
    return this.slotOf(key, hash64(key, this.seed)) != NONE;
  }

  /** The value of a key, which thereby is the one used last; null where there is none. */
  get(key: Bytes): V | null {
    const slot = this.slotOf(key, hash64(key, this.seed));
    if (slot == NONE) return null;
    this.touch(slot);
    return this.entryAt(slot).value;
  }

  /**
   * Keeps a value, in place of the one of the same key, and drops those that were not used for longest until all fits.
   * @param size Of the value in bytes.
   * @returns False for one that would not fit an empty cache; the key then has no value.
   */
  set(key: Bytes, value: V, size: i32 = 0): bool {
    const hash = hash64(key, this.seed);
    const total = <i64>key.size + max(size, 0) + LRU_ENTRY_OVERHEAD;
    let slot = this.slotOf(key, hash);
    if (this.maxEntries < 1 || total > this.maxBytes) {
      if (slot != NONE) this.remove(slot);
      return false;
    }
    if (slot != NONE) {
      const entry = this.entryAt(slot);
      this.bytes += <i64>max(size, 0) - entry.size;
      entry.value = value;
      entry.size = max(size, 0);
      this.touch(slot);
    } else {
      if (this.count == this.maxEntries) this.remove(this.oldest);
      slot = this.takeSlot();
      unchecked((this.entries[slot] = new Entry<V>(hash, key.copy(), value, max(size, 0))));
      const chain = this.chainOf(hash);
      unchecked((this.nextInChain[slot] = this.chains[chain]));
      unchecked((this.chains[chain] = slot));
      this.link(slot);
      this.bytes += total;
      ++this.count;
    }
    // What was set is the newest, and fits by itself.
    while (this.bytes > this.maxBytes) this.remove(this.oldest);
    return true;
  }

  /** Whether there was a value of the key. */
  delete(key: Bytes): bool {
    const slot = this.slotOf(key, hash64(key, this.seed));
    if (slot == NONE) return false;
    this.remove(slot);
    return true;
  }

  clear(): void {
    while (this.oldest != NONE) this.remove(this.oldest);
  }

  private entryAt(slot: i32): Entry<V> {
    return unchecked(this.entries[slot]) as Entry<V>;
  }

  private chainOf(hash: u64): i32 {
    return (<i32>hash) & (this.chains.length - 1);
  }

  private slotOf(key: Bytes, hash: u64): i32 {
    let slot = unchecked(this.chains[this.chainOf(hash)]);
    while (slot != NONE) {
      const entry = this.entryAt(slot);
      if (entry.hash == hash && isSame(key, entry.key)) return slot;
      slot = unchecked(this.nextInChain[slot]);
    }
    return NONE;
  }

  private takeSlot(): i32 {
    const slot = this.free;
    if (slot == NONE) return this.used++;
    this.free = unchecked(this.nextInChain[slot]);
    return slot;
  }

  private remove(slot: i32): void {
    const entry = this.entryAt(slot);
    const chain = this.chainOf(entry.hash);
    const next = unchecked(this.nextInChain[slot]);
    let before = unchecked(this.chains[chain]);
    if (before == slot) {
      unchecked((this.chains[chain] = next));
    } else {
      while (unchecked(this.nextInChain[before]) != slot) before = unchecked(this.nextInChain[before]);
      unchecked((this.nextInChain[before] = next));
    }
    this.unlink(slot);
    unchecked((this.entries[slot] = null));
    unchecked((this.nextInChain[slot] = this.free));
    this.free = slot;
    this.bytes -= <i64>entry.key.length + entry.size + LRU_ENTRY_OVERHEAD;
    --this.count;
  }

  private touch(slot: i32): void {
    if (slot == this.newest) return;
    this.unlink(slot);
    this.link(slot);
  }

  /** Makes a slot the newest. */
  private link(slot: i32): void {
    const second = this.newest;
    unchecked((this.older[slot] = second));
    unchecked((this.newer[slot] = NONE));
    if (second == NONE) this.oldest = slot;
    else unchecked((this.newer[second] = slot));
    this.newest = slot;
  }

  private unlink(slot: i32): void {
    const newer = unchecked(this.newer[slot]);
    const older = unchecked(this.older[slot]);
    if (newer == NONE) this.newest = older;
    else unchecked((this.older[newer] = older));
    if (older == NONE) this.oldest = newer;
    else unchecked((this.newer[older] = newer));
  }
}

function isSame(key: Bytes, kept: Uint8Array): bool {
  return key.size == kept.length && memory.compare(key.pointer, kept.dataStart, key.size) == 0;
}
