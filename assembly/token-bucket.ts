// The arithmetic of a token bucket: exact, in integers, without overflow.
//
// A bucket is described by what is spent of it, not by what is left: a new one has spent nothing, and a larger bucket
// has at once more left. Time is in microseconds. Spent tokens are counted in parts so small that a refill is a whole
// number of them: one token is as many parts as the fill interval has microseconds, so each microsecond gives back
// exactly `tokensPerFill` parts.

import { Bytes } from "./bytes";

/** The most tokens of a bucket and of a fill; with this and the next no product below reaches 2^63. */
export const MAX_TOKENS: i64 = 1_000_000;
/** 31 days. */
export const MAX_FILL_INTERVAL_MILLISECONDS: i64 = 2_678_400_000;

// @ts-ignore: decorator
@inline const MICROSECONDS_PER_SECOND: u64 = 1_000_000;

/**
 * What buckets of one kind hold and how they refill. It has no state: what is spent of a bucket is an argument; see
 * `TokenBucketState` for one that has.
 */
@final
export class TokenBucket {
  /** What a full bucket holds. */
  readonly maxTokens: u64;
  /** Tokens that come back in an interval; they come back one by one, not in a lump. */
  readonly tokensPerFill: u64;
  /** The parts of one token: the fill interval in microseconds. */
  readonly token: u64;
  /** The parts of all tokens. */
  readonly capacity: u64;

  /**
   * What is out of range counts as the end of the range.
   * @param maxTokens 1 to `MAX_TOKENS`.
   * @param tokensPerFill 1 to `MAX_TOKENS`.
   * @param fillIntervalMilliseconds 1 to `MAX_FILL_INTERVAL_MILLISECONDS`.
   */
  constructor(maxTokens: u64, tokensPerFill: u64, fillIntervalMilliseconds: u64) {
    this.maxTokens = within(maxTokens, MAX_TOKENS);
    this.tokensPerFill = within(tokensPerFill, MAX_TOKENS);
    this.token = within(fillIntervalMilliseconds, MAX_FILL_INTERVAL_MILLISECONDS) * 1000;
    this.capacity = this.maxTokens * this.token;
  }

  /** What is spent after some microseconds without a request. */
  refill(spent: u64, microseconds: u64): u64 {
    // Compared by division: a long time times the tokens need not fit 64 bits.
    return microseconds > spent / this.tokensPerFill ? 0 : spent - microseconds * this.tokensPerFill;
  }

  /** Whether a token is left. */
  hasToken(spent: u64): bool {
    return spent + this.token <= this.capacity;
  }

  /** Whole tokens left. */
  remaining(spent: u64): u64 {
    return spent >= this.capacity ? 0 : (this.capacity - spent) / this.token;
  }

  /** Seconds, rounded up, until a token is left. */
  secondsUntilToken(spent: u64): u64 {
    return this.hasToken(spent) ? 0 : this.seconds(spent + this.token - this.capacity);
  }

  /** Seconds, rounded up, until the bucket is full. */
  secondsUntilFull(spent: u64): u64 {
    return this.seconds(spent);
  }

  /**
   * What is spent of this bucket, in its parts, by who had spent this much of one with other parts: as many tokens, to the
   * next part, but never more than this one holds.
   */
  rescale(spent: u64, token: u64): u64 {
    if (token == this.token || token == 0) return min(spent, this.capacity);
    const whole = spent / token;
    if (whole >= this.maxTokens) return this.capacity;
    // Below one token, where doubles are exact enough: both intervals are under 2^53.
    const fraction = <u64>Math.ceil((<f64>(spent % token) / <f64>token) * <f64>this.token);
    return min(whole * this.token + min(fraction, this.token), this.capacity);
  }

  private seconds(parts: u64): u64 {
    return divideUp(divideUp(parts, this.tokensPerFill), MICROSECONDS_PER_SECOND);
  }
}

/** Size of what `TokenBucketState.bytes` gives. */
// @ts-ignore: decorator
@inline const STATE_SIZE: i32 = 16;

/**
 * One bucket as it is kept, in shared data for example: the time of the last change in microseconds since 1970, and the parts that
 * are spent, each in eight bytes, the least significant first.
 *
 *     const stored = getSharedData(key);
 *     state.read(stored === null ? null : stored.bytes);
 *     if (!state.take(bucket, currentTimeNanoseconds() / 1000)) return refuse();
 *     setSharedData(key, state.bytes, stored === null ? 0 : stored.cas);   // on CasMismatch, again
 */
@final
export class TokenBucketState {
  private data: StaticArray<u64> = new StaticArray<u64>(2);

  /** Takes over what is stored; a full bucket where nothing, or no bucket, is. */
  read(stored: Bytes | null): void {
    if (stored !== null && stored.size == STATE_SIZE)
      memory.copy(changetype<usize>(this.data), stored.pointer, STATE_SIZE);
    else memory.fill(changetype<usize>(this.data), 0, STATE_SIZE);
  }

  /** What to store; it stays valid and changes with the bucket. */
  get bytes(): Bytes {
    return Bytes.at(changetype<usize>(this.data), STATE_SIZE);
  }

  /** The parts that are spent, as of the last `take` or `advance`. */
  get spent(): u64 {
    return unchecked(this.data[1]);
  }

  /** Lets time pass up to `now`, in microseconds since 1970. When the clock was set back, none passes, and it goes on from there. */
  advance(bucket: TokenBucket, now: u64): void {
    const changed = unchecked(this.data[0]);
    const spent = min(this.spent, bucket.capacity);
    unchecked((this.data[1] = now > changed ? bucket.refill(spent, now - changed) : spent));
    unchecked((this.data[0] = now));
  }

  /** Takes so many tokens, all or none. */
  take(bucket: TokenBucket, now: u64, tokens: u64 = 1): bool {
    this.advance(bucket, now);
    if (tokens > bucket.remaining(this.spent)) return false;
    unchecked((this.data[1] = this.spent + tokens * bucket.token));
    return true;
  }
}

// @ts-ignore: decorator
@inline
function within(value: u64, most: u64): u64 {
  return min(max<u64>(value, 1), most);
}

function divideUp(value: u64, by: u64): u64 {
  return value / by + u64(value % by != 0);
}
