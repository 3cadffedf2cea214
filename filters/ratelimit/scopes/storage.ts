import { Bytes } from "proxy-wasm-assemblyscript-sdk";

/** Where the bucket sets of a limit are. A key belongs to one set. */
export abstract class Storage {
  /** Reads the set that a key belongs to, or null when nobody made it yet. */
  abstract read(key: u64): Bytes | null;

  /** Stores the set that was read last. False, with nothing stored, when another worker did so since. */
  abstract write(set: Bytes): bool;
}

/** The number of the set that a key belongs to: the upper half of the hash, scaled to the number of sets. */
// @ts-ignore: decorator
@inline
export function setOf(key: u64, sets: u32): u32 {
  return <u32>(((key >> 32) * <u64>sets) >> 32);
}
