// Which keys have been seen in which variant, so that each is counted once. In bounded memory: the oldest are forgotten.

import { Bytes, SharedUpdate, SharedUpdateResult, updateSharedData } from "proxy-wasm-assemblyscript-sdk";

/** Fingerprints that a worker remembers by itself, in each of two halves. */
// @ts-ignore: decorator
@inline const HALF: i32 = 16_384;
/** Entries of the shared data. */
// @ts-ignore: decorator
@inline const BLOCKS: u32 = 4096;
/** Fingerprints of an entry. */
// @ts-ignore: decorator
@inline const BLOCK: i32 = 64;
/** Bytes of an entry: how many fingerprints were ever put in, then the fingerprints, each in the place of the oldest. */
// @ts-ignore: decorator
@inline const BLOCK_SIZE: i32 = 8 + BLOCK * 8;

/** The number of fingerprints that an Envoy remembers. */
export const REMEMBERED: i32 = <i32>BLOCKS * BLOCK;

/**
 * A set of 64-bit fingerprints that all workers of an Envoy share. A worker asks the others only about what it has not seen itself.
 */
@final
export class Exposures extends SharedUpdate {
  private own: RecentSet = new RecentSet();
  private name: Uint8Array = Bytes.utf8("ab/seen/....").copy();
  private block: StaticArray<u8> = new StaticArray<u8>(BLOCK_SIZE);
  private fingerprint: u64 = 0;
  private isNew: bool = false;

  /** Whether nobody in this Envoy has seen the fingerprint yet; from now on it is seen. */
  add(fingerprint: u64): bool {
    if (!this.own.add(fingerprint)) return false;
    this.fingerprint = fingerprint;
    this.isNew = false;
    const name = this.name;
    store<u32>(name.dataStart + name.length - 4, <u32>(fingerprint >> 32) % BLOCKS);
    return updateSharedData(Bytes.of(name), this) == SharedUpdateResult.Written && this.isNew;
  }

  update(current: Bytes | null): Bytes | null {
    const block = changetype<usize>(this.block);
    if (current !== null && current.size == BLOCK_SIZE) memory.copy(block, current.pointer, BLOCK_SIZE);
    else memory.fill(block, 0, BLOCK_SIZE);
    for (let i = 0; i < BLOCK; ++i) {
      if (load<u64>(block + 8 + i * 8) == this.fingerprint) return null;
    }
    const count = load<u64>(block);
    store<u64>(block + 8 + <usize>(count % BLOCK) * 8, this.fingerprint);
    store<u64>(block, count + 1);
    this.isNew = true;
    return Bytes.at(block, BLOCK_SIZE);
  }
}

/** The last fingerprints of a worker: two tables, of which the older is given up when the newer is full. */
@final
class RecentSet {
  private newer: StaticArray<u64> = new StaticArray<u64>(HALF * 2);
  private older: StaticArray<u64> = new StaticArray<u64>(HALF * 2);
  private count: i32 = 0;

  /** Whether it was not in it. */
  add(fingerprint: u64): bool {
    // Zero stands for a free slot.
    const value = fingerprint == 0 ? 1 : fingerprint;
    const slot = slotOf(this.newer, value);
    if (unchecked(this.newer[slot]) == value) return false;
    const isKnown = unchecked(this.older[slotOf(this.older, value)]) == value;
    unchecked((this.newer[slot] = value));
    if (++this.count == HALF) {
      const given = this.older;
      this.older = this.newer;
      this.newer = given;
      this.count = 0;
      memory.fill(changetype<usize>(given), 0, (<usize>given.length) << 3);
    }
    return !isKnown;
  }
}

/** Where the value is, or the free slot where it would be. */
function slotOf(table: StaticArray<u64>, value: u64): i32 {
  const mask = table.length - 1;
  let slot = (<i32>value) & mask;
  while (unchecked(table[slot]) != 0 && unchecked(table[slot]) != value) slot = (slot + 1) & mask;
  return slot;
}
