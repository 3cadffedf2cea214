// The bucket sets of a limit in the memory of this VM: the scope `worker`.

import { Bytes } from "proxy-wasm-assemblyscript-sdk";
import { MAX_SIZE } from "./bucket-set";
import { Storage, setOf } from "./storage";

/** Sets that are made at a time, so that a limit of few keys takes little memory and one of many little of the collector's time. */
// @ts-ignore: decorator
@inline const CHUNK: u32 = 256;
/** Bytes of a set: its size in four, then what `BucketSet.bytes` gives. */
// @ts-ignore: decorator
@inline const STRIDE: u32 = MAX_SIZE + 8;

/** Keeps the sets of one limit until the plugin is configured anew. */
@final
export class MemoryStorage extends Storage {
  private chunks: StaticArray<StaticArray<u8> | null>;
  private at: usize = 0;

  constructor(private sets: u32) {
    super();
    this.chunks = new StaticArray<StaticArray<u8> | null>(<i32>((sets + CHUNK - 1) / CHUNK));
  }

  read(key: u64): Bytes | null {
    const set = setOf(key, this.sets);
    const index = <i32>(set / CHUNK);
    let chunk = unchecked(this.chunks[index]);
    if (chunk === null) {
      chunk = new StaticArray<u8>(<i32>(min(CHUNK, this.sets) * STRIDE));
      unchecked((this.chunks[index] = chunk));
    }
    this.at = changetype<usize>(chunk) + (set % CHUNK) * STRIDE;
    const size = load<i32>(this.at);
    return size ? Bytes.at(this.at + 8, size) : null;
  }

  write(set: Bytes): bool {
    store<i32>(this.at, set.size);
    memory.copy(this.at + 8, set.pointer, set.size);
    return true;
  }
}
