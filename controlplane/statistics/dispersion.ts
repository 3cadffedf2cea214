import type { Count } from "./proportions.ts";

/**
 * How far groups that are alike differ from one another, as a multiple of what chance makes of independent events: 1 for those, more where events come in bursts
 * or some groups have more of them. Pearson's statistic over its degrees of freedom (P. McCullagh, J. A. Nelder 1989, 4.5), summed over windows; what all groups have in
 * common in a window does not count.
 */
export class Dispersion {
  #sum = 0;
  #degrees = 0;

  /** Takes what groups had in one window. One without events says nothing. */
  add(groups: readonly Count[]): void {
    const some = groups.filter(({ all }) => all > 0);
    let [events, requests] = [0, 0];
    for (const { of, all } of some) {
      events += of;
      requests += all;
    }
    if (some.length < 2 || events <= 0) return;
    const rate = events / requests;
    for (const { of, all } of some) this.#sum += (of - rate * all) ** 2 / (rate * all);
    this.#degrees += some.length - 1;
  }

  /** Undefined where too little was seen to say. */
  get index(): number | undefined {
    return this.#degrees < MIN_DEGREES ? undefined : this.#sum / this.#degrees;
  }
}

const MIN_DEGREES = 10;
