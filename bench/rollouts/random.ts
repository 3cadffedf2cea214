/** Numbers that look random, the same in every run (mulberry32). */
export class Random {
  #state: number;
  /** Of Knuth's way: the exponentials of means that come again and again. */
  readonly #limits = new Map<number, number>();

  constructor(seed: number) {
    this.#state = Math.imul(seed + 1, 0x9e3779b1);
  }

  /** From 0 (included) to 1 (excluded). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** Of the standard normal distribution (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  /** How often something happens that happens so often on average. Above 30 as good as normal. */
  poisson(mean: number): number {
    if (mean <= 0) return 0;
    if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.normal()));
    let limit = this.#limits.get(mean);
    if (limit === undefined) this.#limits.set(mean, (limit = Math.exp(-mean)));
    let count = 0;
    for (let product = this.next(); product > limit; product *= this.next()) ++count;
    return count;
  }
}
