// The arithmetic of a token bucket: exact, in integers, without overflow.
//
// A bucket is described by what is spent of it, not by what is left: a new one has spent nothing, and a larger bucket
// has at once more left. Time is in microseconds. Spent tokens are counted in parts so small that a refill is a whole
// number of them: one token is as many parts as the fill interval has microseconds, so each microsecond gives back
// exactly `tokensPerFill` parts.

/** Limits of a configuration; with them no product below reaches 2^63. */
export const MAX_TOKENS: i64 = 1_000_000;
/** 31 days. */
export const MAX_FILL_INTERVAL_MILLISECONDS: i64 = 2_678_400_000;

// @ts-ignore: decorator
@inline const MICROSECONDS_PER_SECOND: u64 = 1_000_000;

/** What buckets of one kind hold and how they refill. It has no state: what is spent of a bucket is an argument. */
@final
export class TokenBucket {
  /** The parts of one token: the fill interval in microseconds. */
  readonly token: u64;
  /** The parts of all tokens. */
  readonly capacity: u64;

  /**
   * @param maxTokens What a full bucket holds, 1 to `MAX_TOKENS`.
   * @param tokensPerFill Tokens that come back in an interval, 1 to `MAX_TOKENS`; they come back one by one, not in a lump.
   * @param fillIntervalMilliseconds 1 to `MAX_FILL_INTERVAL_MILLISECONDS`.
   */
  constructor(
    readonly maxTokens: u64,
    readonly tokensPerFill: u64,
    fillIntervalMilliseconds: u64,
  ) {
    this.token = fillIntervalMilliseconds * 1000;
    this.capacity = maxTokens * this.token;
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

function divideUp(value: u64, by: u64): u64 {
  return value / by + u64(value % by != 0);
}
