// The bucket sets of a limit in the shared data of the process, where all workers see them: the scope `envoy`.

import { Bytes, CREATE, Status, getSharedData, setSharedData } from "proxy-wasm-assemblyscript-sdk";
import { Storage, setOf } from "./storage";

/** Reads and writes the entries of one limit. */
@final
export class SharedStorage extends Storage {
  /** The key of a set: a prefix for the limit, then the number of the set in four bytes. */
  private key: Uint8Array;
  private cas: u32 = 0;

  /** @param name Of the limit and its algorithm: who gives the same name shares the sets, whatever plugin it is of. */
  constructor(
    name: string,
    private sets: u32,
  ) {
    super();
    this.key = Bytes.utf8(`ratelimit/2/${name}/....`).copy();
  }

  read(key: u64): Bytes | null {
    store<u32>(this.key.dataStart + this.key.length - 4, setOf(key, this.sets));
    const value = getSharedData(Bytes.of(this.key));
    // With CREATE a key is set only while it is absent, so two workers never both create it.
    this.cas = value === null ? CREATE : value.cas;
    return value === null ? null : value.bytes;
  }

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
  setSharedData(key, Bytes.at(seed, 8), CREATE);
  const stored = getSharedData(key);
  return stored !== null && stored.bytes.size == 8 ? load<u64>(stored.bytes.pointer) : proposal;
}
