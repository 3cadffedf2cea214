import { Bytes, asciiLower } from "../bytes";
import { ByteWriter } from "../encoding/byte-writer";
import { HeaderList } from "../http/header-list";
import { HeaderName } from "../http/header-name";
import { arenaAllocate } from "../runtime/arena";

/** Size of the two sizes before a header's name and value. */
// @ts-ignore: decorator
@inline const SIZES: i32 = 8;

/** Headers of one request, over those that a call always sends. Its memory is used again by every request. */
@final
export class HeadersOnce {
  /** For each header the sizes of name and value, then the two. */
  private written: ByteWriter = new ByteWriter(128);
  private count: i32 = 0;

  get isEmpty(): bool {
    return this.count == 0;
  }

  clear(): void {
    this.written.clear();
    this.count = 0;
  }

  add(name: HeaderName, value: Bytes): void {
    const sizes = this.written.reserve(SIZES);
    store<i32>(sizes, name.size);
    store<i32>(sizes, value.size, 4);
    this.written.advance(SIZES);
    this.written.write(Bytes.at(name.pointer, name.size)).write(value);
    ++this.count;
  }

  /** The list as the host reads it (see `HeaderList.encode`) with these in place of those of the same names. */
  encodeOver(list: HeaderList): Bytes {
    const kept = list.length;
    let count = this.count;
    let size = 4 + this.written.size + count * 2;
    for (let i = 0; i < kept; ++i) {
      if (this.has(list.nameAt(i))) continue;
      size += list.nameAt(i).length + list.valueAt(i).length + 10;
      ++count;
    }
    const pointer = arenaAllocate(size);
    store<u32>(pointer, count);
    sizeAt = pointer + 4;
    textAt = sizeAt + (count << 3);
    for (let i = 0; i < kept; ++i) {
      const name = list.nameAt(i);
      if (this.has(name)) continue;
      const value = list.valueAt(i);
      put(name.dataStart, name.length);
      put(value.dataStart, value.length);
    }
    const written = this.written.bytes;
    const end = written.pointer + written.size;
    for (let at = written.pointer; at < end;) {
      const nameSize = load<i32>(at);
      const valueSize = load<i32>(at, 4);
      at += SIZES;
      put(at, nameSize);
      put(at + nameSize, valueSize);
      at += nameSize + valueSize;
    }
    return Bytes.at(pointer, size);
  }

  private has(name: Uint8Array): bool {
    const written = this.written.bytes;
    const end = written.pointer + written.size;
    for (let at = written.pointer; at < end;) {
      const size = load<i32>(at);
      if (size == name.length && isSameName(at + SIZES, name)) return true;
      at += SIZES + size + load<i32>(at, 4);
    }
    return false;
  }
}

/** Whether a name that is lower case at `lower` is this one, in whatever case. */
function isSameName(lower: usize, name: Uint8Array): bool {
  for (let i = 0; i < name.length; ++i) {
    if (load<u8>(lower + i) != asciiLower(name[i])) return false;
  }
  return true;
}

// Where the next size and the next text go.
let sizeAt: usize = 0;
let textAt: usize = 0;

function put(from: usize, size: i32): void {
  store<u32>(sizeAt, size);
  memory.copy(textAt, from, size);
  store<u8>(textAt + size, 0);
  sizeAt += 4;
  textAt += size + 1;
}
