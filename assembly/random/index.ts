// Random numbers: from the host for secrets, from a generator that the host seeds for everything else.

import { random_get } from "../abi/wasi";
import { Bytes } from "../bytes";
import { currentTimeNanoseconds } from "../time";
import { Xoshiro256 } from "./xoshiro256";

export { Xoshiro256 } from "./xoshiro256";

/** The most that Envoy gives at a time. */
// @ts-ignore: decorator
@inline const MAX_BLOCK: i32 = 64 * 1024;

const word: usize = memory.data(8);

// @ts-ignore: decorator
@lazy const generator: Xoshiro256 = new Xoshiro256(0);
let isSeeded: bool = false;

/** Bytes of the host's cryptographic generator, in memory of this callback. Null when the host gives none. */
export function randomBytes(size: i32): Bytes | null {
  const bytes = Bytes.allocate(max(size, 0));
  for (let at = 0; at < bytes.size; at += MAX_BLOCK) {
    if (random_get(bytes.pointer + at, min(bytes.size - at, MAX_BLOCK)) != 0) return null;
  }
  return bytes;
}

/** A random number of 64 bits; not for secrets. No call of the host but for the first. */
export function randomU64(): u64 {
  return seeded().next();
}

/** A random number from 0 up to, not including, `bound`; not for secrets. */
export function randomBelow(bound: u32): u32 {
  return seeded().below(bound);
}

/** A random number from 0 up to, not including, 1; not for secrets. */
export function randomF64(): f64 {
  return seeded().float();
}

/** What seeds `Math.random`, through asc's `--use seed=~lib/proxy-wasm-assemblyscript-sdk/random/index/seed`. */
export function seed(): f64 {
  return reinterpret<f64>(hostSeed());
}

function seeded(): Xoshiro256 {
  if (!isSeeded) {
    isSeeded = true;
    generator.seed(hostSeed());
  }
  return generator;
}

function hostSeed(): u64 {
  // A host that restricts random_get leaves the clock, which tells workers apart badly but better than nothing.
  return random_get(word, 8) == 0 ? load<u64>(word) : currentTimeNanoseconds();
}
