// Tokens that were verified, so that a token is verified once.

import { Bytes, hash64 } from "proxy-wasm-assemblyscript-sdk";
import { Identity } from "./caller";
import { sameBytes } from "./text";

/** Slots among which a token has its place. */
// @ts-ignore: decorator
@inline const WAYS: i32 = 4;

/** Longer tokens are verified each time. */
// @ts-ignore: decorator
@inline const MAX_SIZE: i32 = 4096;

/** A token with who it speaks of. */
@final
class CachedToken {
  constructor(
    readonly hash: u64,
    readonly token: Uint8Array,
    readonly identity: Identity,
  ) {}
}

/**
 * A set-associative cache of fixed size. A hit needs every byte of the token, signature included, so a forged token can
 * never be one; only good tokens come in, so a flood of bad ones does not push them out. The caller looks at the time.
 */
@final
export class TokenCache {
  private slots: StaticArray<CachedToken | null>;
  private setMask: u64;

  /**
   * @param size Number of tokens, rounded up to a power of two; 0 for no cache.
   * @param seed Of the hash, so that nobody can choose tokens that compete for one place.
   */
  constructor(
    size: i32,
    private seed: u64,
  ) {
    let sets = 1;
    while (sets * WAYS < size) sets <<= 1;
    this.setMask = sets - 1;
    this.slots = new StaticArray<CachedToken | null>(size ? sets * WAYS : 0);
  }

  get(token: Bytes): Identity | null {
    if (this.slots.length == 0 || token.size > MAX_SIZE) return null;
    const hash = hash64(token, this.seed);
    const start = this.startOf(hash);
    for (let i = start; i < start + WAYS; ++i) {
      const entry = unchecked(this.slots[i]);
      if (entry !== null && entry.hash == hash && sameBytes(token, entry.token)) return entry.identity;
    }
    return null;
  }

  /** Keeps a token in place of the one of its set that expires first. */
  set(token: Bytes, identity: Identity): void {
    if (this.slots.length == 0 || token.size > MAX_SIZE) return;
    const hash = hash64(token, this.seed);
    const start = this.startOf(hash);
    let victim = start;
    let earliest = f64.POSITIVE_INFINITY;
    for (let i = start; i < start + WAYS; ++i) {
      const entry = unchecked(this.slots[i]);
      const expires: f64 = entry === null ? -1 : entry.identity.notAfter;
      if (expires >= earliest) continue;
      victim = i;
      earliest = expires;
    }
    unchecked((this.slots[victim] = new CachedToken(hash, token.copy(), identity)));
  }

  private startOf(hash: u64): i32 {
    return <i32>(hash & this.setMask) * WAYS;
  }
}
