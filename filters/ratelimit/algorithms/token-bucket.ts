import { TokenBucket } from "proxy-wasm-assemblyscript-sdk";
import { Algorithm, divideUp, secondsOf } from "./algorithm";

/** Tokens come back one by one, up to a full bucket. A number is the parts that are spent; see `TokenBucket`. */
@final
export class TokenBucketAlgorithm extends Algorithm {
  constructor(private bucket: TokenBucket) {
    super();
  }

  get quota(): u64 {
    return this.bucket.maxTokens;
  }

  get window(): u64 {
    return this.bucket.secondsUntilFull(this.bucket.capacity);
  }

  get unit(): u64 {
    return this.bucket.token;
  }

  convert(used: u64, unit: u64): u64 {
    return this.bucket.rescale(used, unit);
  }

  advance(used: u64, from: u64, to: u64): u64 {
    return this.bucket.refill(used, to - from);
  }

  hasRoom(used: u64, hits: u64, now: u64): bool {
    return used + hits * this.bucket.token <= this.bucket.capacity;
  }

  charge(used: u64, hits: u64, now: u64): u64 {
    return min(used + hits * this.bucket.token, this.bucket.capacity);
  }

  refund(used: u64, hits: u64, chargedAt: u64, now: u64): u64 {
    return used - min(used, hits * this.bucket.token);
  }

  remaining(used: u64, now: u64): u64 {
    return this.bucket.remaining(used);
  }

  secondsUntilRoom(used: u64, hits: u64, now: u64): u64 {
    const needed = used + min(hits, this.quota) * this.bucket.token;
    if (needed <= this.bucket.capacity) return 0;
    return secondsOf(divideUp(needed - this.bucket.capacity, this.bucket.tokensPerFill));
  }

  secondsUntilUnused(used: u64, now: u64): u64 {
    return this.bucket.secondsUntilFull(used);
  }
}
