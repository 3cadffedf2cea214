// The bucket sets of a limit in the shared data of the process, where all workers see them.

import { Bytes, Status, getSharedData, setSharedData } from "proxy-wasm-assemblyscript-sdk";

/** A number that the host gives no value: with it a key is set only while it is absent, so two workers never both create it. */
// @ts-ignore: decorator
@inline const ONLY_IF_ABSENT: u32 = u32.MAX_VALUE;

/** Reads and writes the entries of one limit. */
@final
export class BucketStore {
  /** The key of a set: a prefix for the limit, then the number of the set in four bytes. */
  private key: Uint8Array;
  private cas: u32 = 0;

  /**
   * @param algorithm Its name, since no algorithm can read what another one wrote.
   * @param limit The name of the limit: limits of one name share their buckets, whatever plugin they are of.
   */
  constructor(
    algorithm: string,
    limit: string,
    private sets: u32,
  ) {
    this.key = Bytes.utf8(`ratelimit/2/${algorithm}/${limit}/....`).copy();
  }

  /** Reads the set that a key belongs to, or null when nobody made it yet. */
  read(key: u64): Bytes | null {
    // The upper half of the hash, scaled to the number of sets.
    const set = <u32>(((key >> 32) * <u64>this.sets) >> 32);
    store<u32>(this.key.dataStart + this.key.length - 4, set);
    const value = getSharedData(Bytes.of(this.key));
    this.cas = value === null ? ONLY_IF_ABSENT : value.cas;
    return value === null ? null : value.bytes;
  }

  /** Stores the set that was read last, unless another worker did so since. */
  write(set: Bytes): bool {
    return setSharedData(Bytes.of(this.key), set, this.cas) == Status.Ok;
  }
}

const SEED_KEY: string = "ratelimit/2/seed";

/**
 * A number that all workers of this process hash keys with and that clients cannot know, so that they cannot choose keys
 * which fall into one set.
 * @param proposal Used by who comes first.
 */
export function sharedSeed(proposal: u64): u64 {
  const key = Bytes.utf8(SEED_KEY);
  const seed = changetype<usize>(new StaticArray<u64>(1));
  store<u64>(seed, proposal);
  setSharedData(key, Bytes.at(seed, 8), ONLY_IF_ABSENT);
  const stored = getSharedData(key);
  return stored !== null && stored.bytes.size == 8 ? load<u64>(stored.bytes.pointer) : proposal;
}
