// From a key to its place: the algorithms that can be chosen. README.md, "Who gets what", defines them.

import { Bytes, hash64 } from "proxy-wasm-assemblyscript-sdk";
import { PLACES } from "./allocation";

/** Names of the algorithms, in the order of `bucketing`. */
export const ALGORITHMS: string[] = ["xxh64", "growthbook", "unleash"];

/** The algorithm whose weights may have any sum. */
// @ts-ignore: decorator
@inline export const UNLEASH: i32 = 2;

/** Gives every key its place, 0 to 9,999 or below Unleash's total: a pure function of seed and key. */
export abstract class Bucketing {
  abstract placeOf(key: Bytes): u32;
}

/**
 * @param algorithm An index of `ALGORITHMS`.
 * @param salt Empty for none.
 * @param name That of the experiment.
 * @param total The sum of all weights.
 */
export function bucketing(algorithm: i32, salt: string, name: string, total: u32): Bucketing {
  const seed = salt.length ? salt : name;
  if (algorithm == 1) return new GrowthBook(seed);
  if (algorithm == UNLEASH) return new Unleash(seed, total);
  return new Xxh64(salt, name);
}

/** XXH64 with a seed, which is the XXH64 of salt, a zero byte and the name; the upper half is scaled to the places. */
@final
export class Xxh64 extends Bucketing {
  private seed: u64;

  constructor(salt: string, name: string) {
    super();
    this.seed = hash64(Bytes.utf8(`${salt}\0${name}`));
  }

  placeOf(key: Bytes): u32 {
    return <u32>(((hash64(key, this.seed) >> 32) * PLACES) >> 32);
  }
}

/** Version 2 of GrowthBook's hash: FNV-1a of the decimal FNV-1a of seed and key. */
@final
export class GrowthBook extends Bucketing {
  /** The state of FNV-1a behind the seed. */
  private start: u32;

  constructor(seed: string) {
    super();
    this.start = fnv1a(FNV_OFFSET, Bytes.utf8(seed));
  }

  placeOf(key: Bytes): u32 {
    return fnv1aDecimal(fnv1a(this.start, key)) % PLACES;
  }
}

/** Unleash's variants: MurmurHash3 of `group:key` with Unleash's seed for variants, modulo the sum of the weights. */
@final
export class Unleash extends Bucketing {
  private prefix: Uint8Array;

  constructor(
    group: string,
    private total: u32,
  ) {
    super();
    this.prefix = Bytes.utf8(`${group}:`).copy();
  }

  placeOf(key: Bytes): u32 {
    return murmur3(Bytes.concat(Bytes.of(this.prefix), key), UNLEASH_SEED) % this.total;
  }
}

// @ts-ignore: decorator
@inline const UNLEASH_SEED: u32 = 86_028_157;
// @ts-ignore: decorator
@inline export const FNV_OFFSET: u32 = 0x811c9dc5;
// @ts-ignore: decorator
@inline const FNV_PRIME: u32 = 0x01000193;

/** FNV-1a of 32 bits, continued. */
export function fnv1a(state: u32, bytes: Bytes): u32 {
  for (let i = 0; i < bytes.size; ++i) state = (state ^ load<u8>(bytes.pointer + i)) * FNV_PRIME;
  return state;
}

/** FNV-1a of a number's decimal digits. */
function fnv1aDecimal(value: u32): u32 {
  let power: u32 = 1;
  while (value / power >= 10) power *= 10;
  let state = FNV_OFFSET;
  for (; power; power /= 10) state = (state ^ (0x30 + ((value / power) % 10))) * FNV_PRIME;
  return state;
}

/** MurmurHash3, x86, 32 bits. */
export function murmur3(bytes: Bytes, seed: u32): u32 {
  const size = bytes.size;
  const tail = size & ~3;
  let hash = seed;
  for (let at = 0; at < tail; at += 4) {
    hash = rotl<u32>(hash ^ scramble(load<u32>(bytes.pointer + at)), 13) * 5 + 0xe6546b64;
  }
  let rest: u32 = 0;
  for (let at = size - 1; at >= tail; --at) rest = (rest << 8) | load<u8>(bytes.pointer + at);
  hash ^= scramble(rest) ^ size;
  hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
  return hash ^ (hash >> 16);
}

function scramble(word: u32): u32 {
  return rotl<u32>(word * 0xcc9e2d51, 15) * 0x1b873593;
}
