// What SHA-1 and the SHA-2 family have in common (FIPS 180-4, section 5): blocks, padding, and a digest of the state's words.

import { Bytes } from "../bytes";
import { arenaAllocate } from "../runtime/arena";

/** A hash that takes its input in parts. */
export abstract class BlockHash {
  private state: StaticArray<u8>;
  private block: StaticArray<u8>;
  private length: u64 = 0;

  /**
   * @param digestSize Size of a digest in bytes.
   * @param blockSize Size of the blocks that the hash works on, in bytes.
   * @param stateSize Size of all words of the state in bytes.
   * @param wordSize Size of one, 4 or 8.
   */
  protected constructor(
    readonly digestSize: i32,
    readonly blockSize: i32,
    stateSize: i32,
    private wordSize: i32,
  ) {
    this.state = new StaticArray<u8>(stateSize);
    this.block = new StaticArray<u8>(blockSize);
    this.begin(changetype<usize>(this.state));
  }

  /** Stores the initial hash value. */
  protected abstract begin(state: usize): void;

  /** Works one block into the state. */
  protected abstract compress(state: usize, block: usize): void;

  /** Starts over. */
  reset(): this {
    this.begin(changetype<usize>(this.state));
    this.length = 0;
    return this;
  }

  /** Goes to where another hash of the same kind stands. */
  resumeFrom(other: this): this {
    memory.copy(changetype<usize>(this.state), changetype<usize>(other.state), this.state.length);
    memory.copy(changetype<usize>(this.block), changetype<usize>(other.block), this.block.length);
    this.length = other.length;
    return this;
  }

  update(data: Bytes): this {
    const state = changetype<usize>(this.state);
    const block = changetype<usize>(this.block);
    const blockSize = <usize>this.blockSize;
    const held = (<usize>this.length) & (blockSize - 1);
    let at = data.pointer;
    const end = at + data.size;
    this.length += data.size;
    if (held) {
      const taken = min(blockSize - held, <usize>data.size);
      memory.copy(block + held, at, taken);
      at += taken;
      if (held + taken < blockSize) return this;
      this.compress(state, block);
    }
    for (; end - at >= blockSize; at += blockSize) this.compress(state, at);
    memory.copy(block, at, end - at);
    return this;
  }

  /** The digest, in memory of this callback. `reset` comes before any further use. */
  digest(): Bytes {
    const out = arenaAllocate(this.state.length);
    this.digestTo(out);
    return Bytes.at(out, this.digestSize);
  }

  /** As `digest`, to an address that has room for all words of the state. Allocates nothing. */
  digestTo(out: usize): void {
    const state = changetype<usize>(this.state);
    const block = changetype<usize>(this.block);
    const blockSize = <usize>this.blockSize;
    // The length takes two words; what is in the upper one is zero.
    const lengthAt = blockSize - <usize>(this.wordSize << 1);
    let held = (<usize>this.length) & (blockSize - 1);
    store<u8>(block + held++, 0x80);
    if (held > lengthAt) {
      memory.fill(block + held, 0, blockSize - held);
      this.compress(state, block);
      held = 0;
    }
    memory.fill(block + held, 0, blockSize - 8 - held);
    store<u64>(block + blockSize - 8, bswap<u64>(this.length << 3));
    this.compress(state, block);
    const size = <usize>this.state.length;
    if (this.wordSize == 4) {
      for (let i: usize = 0; i < size; i += 4) store<u32>(out + i, bswap<u32>(load<u32>(state + i)));
    } else {
      for (let i: usize = 0; i < size; i += 8) store<u64>(out + i, bswap<u64>(load<u64>(state + i)));
    }
  }
}
