// XXH64 (xxHash specification 0.2.0, "XXH64 algorithm description"): a fast 64-bit hash, equal on every platform.
// It is no cryptographic hash: who knows the seed can find two inputs with the same hash.

import { Bytes } from "../bytes";

// @ts-ignore: decorator
@inline const PRIME_1: u64 = 0x9e3779b185ebca87;
// @ts-ignore: decorator
@inline const PRIME_2: u64 = 0xc2b2ae3d27d4eb4f;
// @ts-ignore: decorator
@inline const PRIME_3: u64 = 0x165667b19e3779f9;
// @ts-ignore: decorator
@inline const PRIME_4: u64 = 0x85ebca77c2b2ae63;
// @ts-ignore: decorator
@inline const PRIME_5: u64 = 0x27d4eb2f165667c5;

/** Bytes that one round of the four accumulators takes. */
// @ts-ignore: decorator
@inline const STRIPE: usize = 32;

/** XXH64 of some bytes. */
export function hash64(bytes: Bytes, seed: u64 = 0): u64 {
  hasher.reset(seed);
  return hasher.update(bytes).digest();
}

/**
 * XXH64 of bytes that come in parts: the hash is that of the parts joined. Nothing is allocated, so one hasher can serve
 * all requests. Where parts must not run into one another ("a" and "bc", "ab" and "c"), put the length of each before it:
 *
 *     hasher.reset(seed);
 *     hasher.updateU32(name.size).update(name).updateU32(value.size).update(value);
 *     const hash = hasher.digest();
 */
@final
export class Hasher64 {
  private acc1: u64 = 0;
  private acc2: u64 = 0;
  private acc3: u64 = 0;
  private acc4: u64 = 0;
  private seed: u64 = 0;
  /** Number of bytes so far. */
  private length: u64 = 0;
  /** What does not make a whole stripe yet. */
  private pending: StaticArray<u8> = new StaticArray<u8>(<i32>STRIPE);

  constructor(seed: u64 = 0) {
    this.reset(seed);
  }

  /** Begins anew. */
  reset(seed: u64 = 0): this {
    this.seed = seed;
    this.length = 0;
    this.acc1 = seed + PRIME_1 + PRIME_2;
    this.acc2 = seed + PRIME_2;
    this.acc3 = seed;
    this.acc4 = seed - PRIME_1;
    return this;
  }

  /** Adds bytes. */
  update(bytes: Bytes): this {
    this.add(bytes.pointer, bytes.size);
    return this;
  }

  /** Adds a number as its four bytes, the least significant first. */
  updateU32(value: u32): this {
    store<u32>(word, value);
    this.add(word, 4);
    return this;
  }

  /** The hash of all so far; more can be added after it. */
  digest(): u64 {
    let hash = this.seed + PRIME_5;
    if (this.length >= STRIPE) {
      hash = rotl(this.acc1, 1) + rotl(this.acc2, 7) + rotl(this.acc3, 12) + rotl(this.acc4, 18);
      hash = merge(hash, this.acc1);
      hash = merge(hash, this.acc2);
      hash = merge(hash, this.acc3);
      hash = merge(hash, this.acc4);
    }
    hash += this.length;

    let at = changetype<usize>(this.pending);
    const end = at + this.pendingSize;
    for (; at + 8 <= end; at += 8) hash = rotl(hash ^ round(0, load<u64>(at)), 27) * PRIME_1 + PRIME_4;
    if (at + 4 <= end) {
      hash = rotl(hash ^ (<u64>load<u32>(at) * PRIME_1), 23) * PRIME_2 + PRIME_3;
      at += 4;
    }
    for (; at < end; ++at) hash = rotl(hash ^ (<u64>load<u8>(at) * PRIME_5), 11) * PRIME_1;

    hash = (hash ^ (hash >> 33)) * PRIME_2;
    hash = (hash ^ (hash >> 29)) * PRIME_3;
    return hash ^ (hash >> 32);
  }

  private get pendingSize(): usize {
    return (<usize>this.length) & (STRIPE - 1);
  }

  private add(pointer: usize, size: usize): void {
    const pending = changetype<usize>(this.pending);
    const held = this.pendingSize;
    const end = pointer + size;
    let at = pointer;
    this.length += size;
    if (held) {
      const missing = min(STRIPE - held, size);
      memory.copy(pending + held, at, missing);
      if (held + missing < STRIPE) return;
      this.stripe(pending);
      at += missing;
    }
    for (; at + STRIPE <= end; at += STRIPE) this.stripe(at);
    memory.copy(pending, at, end - at);
  }

  private stripe(at: usize): void {
    this.acc1 = round(this.acc1, load<u64>(at));
    this.acc2 = round(this.acc2, load<u64>(at, 8));
    this.acc3 = round(this.acc3, load<u64>(at, 16));
    this.acc4 = round(this.acc4, load<u64>(at, 24));
  }
}

// @ts-ignore: decorator
@inline
function round(accumulator: u64, lane: u64): u64 {
  return rotl(accumulator + lane * PRIME_2, 31) * PRIME_1;
}

// @ts-ignore: decorator
@inline
function merge(hash: u64, accumulator: u64): u64 {
  return (hash ^ round(0, accumulator)) * PRIME_1 + PRIME_4;
}

const word: usize = memory.data(4);
const hasher: Hasher64 = new Hasher64();
