import { Bytes } from "../bytes";
import { arenaAllocate } from "../runtime/arena";

/** Headers that a filter makes: for a local response, or to replace a map. Keeps its content, so it can be made once and used often. */
@final
export class HeaderList {
  private entries: Uint8Array[] = [];

  /** Adds a header; a name may be added more than once. */
  add(name: string, value: string): this {
    this.entries.push(Bytes.utf8(name).copy());
    this.entries.push(Bytes.utf8(value).copy());
    return this;
  }

  /** Adds a header whose value need not be UTF-8. */
  addBytes(name: string, value: Bytes): this {
    this.entries.push(Bytes.utf8(name).copy());
    this.entries.push(value.copy());
    return this;
  }

  /** Adds all of another list. */
  addAll(other: HeaderList): this {
    const entries = other.entries;
    for (let i = 0; i < entries.length; ++i) this.entries.push(entries[i]);
    return this;
  }

  /** Number of headers. */
  get length(): i32 {
    return this.entries.length >> 1;
  }

  /** @param index From 0 to `length - 1`. */
  nameAt(index: i32): Uint8Array {
    return this.entries[index << 1];
  }

  /** @param index From 0 to `length - 1`. */
  valueAt(index: i32): Uint8Array {
    return this.entries[(index << 1) + 1];
  }

  /** The list as the host reads it (count, sizes, then every name and value with a zero byte after it), in memory of this callback. */
  encode(): Bytes {
    const entries = this.entries;
    let size = 4;
    for (let i = 0; i < entries.length; ++i) size += entries[i].length + 5;
    const pointer = arenaAllocate(size);
    store<u32>(pointer, entries.length >> 1);
    let sizes = pointer + 4;
    let at = sizes + (entries.length << 2);
    for (let i = 0; i < entries.length; ++i) {
      const entry = entries[i];
      store<u32>(sizes, entry.length);
      memory.copy(at, entry.dataStart, entry.length);
      store<u8>(at + entry.length, 0);
      sizes += 4;
      at += entry.length + 1;
    }
    return Bytes.at(pointer, size);
  }
}
