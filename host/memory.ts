import type { Memory } from "./webassembly.ts";

/** A module named memory that it does not have. The host function answers InvalidMemoryAccess. */
export class InvalidMemoryAccess extends Error {}

/** Access to a module's linear memory. Every address comes from the module, so every one is checked. */
export class GuestMemory {
  readonly #memory: Memory;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** Bytes of 64 KiB pages that the module has now. */
  get size(): number {
    return this.#memory.buffer.byteLength;
  }

  /** A copy: the module may change or move its memory at any later call. */
  read(pointer: number, size: number): Uint8Array {
    return this.#bytes(pointer, size).slice();
  }

  write(pointer: number, data: Uint8Array): void {
    this.#bytes(pointer, data.length).set(data);
  }

  readU32(pointer: number): number {
    return this.#view(pointer, 4).getUint32(0, true);
  }

  writeU32(pointer: number, value: number): void {
    this.#view(pointer, 4).setUint32(0, value, true);
  }

  writeU64(pointer: number, value: bigint): void {
    this.#view(pointer, 8).setBigUint64(0, value, true);
  }

  writeU16(pointer: number, value: number): void {
    this.#view(pointer, 2).setUint16(0, value, true);
  }

  #bytes(pointer: number, size: number): Uint8Array {
    if (pointer + size > this.#memory.buffer.byteLength || pointer + size > 0xffff_ffff) {
      throw new InvalidMemoryAccess(`${size} bytes at ${pointer} are outside of the ${this.size} bytes of memory`);
    }
    return new Uint8Array(this.#memory.buffer, pointer, size);
  }

  #view(pointer: number, size: number): DataView {
    const bytes = this.#bytes(pointer, size);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}
