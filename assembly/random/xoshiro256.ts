// xoshiro256** 1.0 by David Blackman and Sebastiano Vigna (2018), seeded by SplitMix64 as its authors advise. Fast and
// statistically good; who sees some of its numbers can tell the others, so it is not for secrets.

/** A generator of random numbers, the same ones for the same seed; not for secrets. */
@final
export class Xoshiro256 {
  private s0: u64 = 0;
  private s1: u64 = 0;
  private s2: u64 = 0;
  private s3: u64 = 0;
  private mix: u64 = 0;

  constructor(seed: u64) {
    this.seed(seed);
  }

  /** Begins the sequence of a seed. */
  seed(seed: u64): void {
    this.mix = seed;
    this.s0 = this.splitMix64();
    this.s1 = this.splitMix64();
    this.s2 = this.splitMix64();
    this.s3 = this.splitMix64();
  }

  /** Begins with a whole state, which must not be four zeros. */
  setState(s0: u64, s1: u64, s2: u64, s3: u64): void {
    this.s0 = s0;
    this.s1 = s1;
    this.s2 = s2;
    this.s3 = s3;
  }

  /** The next number of 64 bits. */
  next(): u64 {
    const result = rotl(this.s1 * 5, 7) * 9;
    const shifted = this.s1 << 17;
    this.s2 ^= this.s0;
    this.s3 ^= this.s1;
    this.s1 ^= this.s2;
    this.s0 ^= this.s3;
    this.s2 ^= shifted;
    this.s3 = rotl(this.s3, 45);
    return result;
  }

  /** A number from 0 up to, not including, `bound`, each as likely as another; 0 for a bound of 0. */
  below(bound: u32): u32 {
    // Lemire's method: the high half of a product, without the few low halves that would favour some results.
    const unfair: u32 = bound ? (0 - bound) % bound : 0;
    let product: u64 = 0;
    do {
      product = (this.next() >> 32) * <u64>bound;
    } while (<u32>product < unfair);
    return <u32>(product >> 32);
  }

  /** A number from 0 up to, not including, 1, of 53 bits. */
  float(): f64 {
    return <f64>(this.next() >> 11) * (1.0 / 9007199254740992.0);
  }

  private splitMix64(): u64 {
    this.mix += 0x9e3779b97f4a7c15;
    let z = this.mix;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
}
