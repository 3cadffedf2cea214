// Maps and lists as the host hands them over.

import { Bytes } from "../bytes";
import { arenaAllocate } from "../runtime/arena";

/**
 * A map or a list in the host's form (a count, the size of each key and value, then each of them with a zero byte after it),
 * read in place. A list has its items as keys, and empty values. Valid until the callback returns.
 * Bytes that do not have this form read as an empty map.
 */
@unmanaged
@final
export class Pairs {
  /** Number of entries, or of items. */
  count: i32;
  private pointer: usize;

  static of(bytes: Bytes): Pairs {
    const pairs = changetype<Pairs>(arenaAllocate(offsetof<Pairs>()));
    pairs.pointer = bytes.pointer;
    pairs.count = isWellFormed(bytes) ? load<i32>(bytes.pointer) : 0;
    return pairs;
  }

  /** The key at an index from 0 up to, not including, `count`; empty beyond. In a list, the item. */
  keyAt(index: i32): Bytes {
    if (<u32>index >= <u32>this.count) return Bytes.at(0, 0);
    return Bytes.at(this.entry(index), this.keySize(index));
  }

  /** The value at an index from 0 up to, not including, `count`; empty beyond. */
  valueAt(index: i32): Bytes {
    if (<u32>index >= <u32>this.count) return Bytes.at(0, 0);
    return Bytes.at(this.entry(index) + this.keySize(index) + 1, this.valueSize(index));
  }

  /** The value of a key in ASCII, or null when the map lacks it. The host keeps entries in no order. */
  find(key: string): Bytes | null {
    for (let i = 0, count = this.count; i < count; ++i) {
      if (this.keySize(i) == key.length && this.keyAt(i).is(key)) return this.valueAt(i);
    }
    return null;
  }

  private keySize(index: i32): u32 {
    return load<u32>(this.pointer + ((<usize>index) << 3), 4);
  }

  private valueSize(index: i32): u32 {
    return load<u32>(this.pointer + ((<usize>index) << 3), 8);
  }

  private entry(index: i32): usize {
    let at = this.pointer + 4 + ((<usize>this.count) << 3);
    for (let i = 0; i < index; ++i) at += this.keySize(i) + this.valueSize(i) + 2;
    return at;
  }
}

/** Whether count and sizes add up to what is there. */
function isWellFormed(bytes: Bytes): bool {
  if (bytes.size < 4) return false;
  const count = <u64>load<u32>(bytes.pointer);
  // In 64 bits, in which sizes of a hostile host cannot wrap around.
  let size = 4 + 8 * count;
  if (size > <u64>bytes.size) return false;
  for (let i: u64 = 0; i < 2 * count; ++i) size += <u64>load<u32>(bytes.pointer + 4 + 4 * <usize>i) + 1;
  return size == bytes.size;
}
