// A test that may be looked at after every window, and stopped as soon as it says something. Pure.

import type { Count } from "./proportions.ts";

/** What happened in one window: so many events among so many requests, of those watched and of those they are compared with. */
export interface WindowCounts {
  readonly watched: Count;
  readonly control: Count;
  /** How many times the rate of the control the watched had before, where that is known: so many times is no fault. Default: 1. */
  readonly usual?: number;
  /** As {@link SequentialOptions.caution}, of this window; where it is above that it does not count. It must not depend on what is in the window. */
  readonly caution?: number;
}

export interface SequentialOptions {
  /** The ratio of the rates that is still tolerated. 1 or more. */
  readonly tolerated: number;
  /**
   * From 0 (excluded) to 1: the part of the evidence that counts. Failures come in bursts, and the test takes them as independent; a part
   * below 1 keeps the promise of few false alarms for bursts of up to its inverse. Default: 0.5.
   */
  readonly caution?: number;
}

/** How much worse the watched may be, as multiples of what is tolerated. Each is a hypothesis, all of equal weight. */
const MULTIPLES = [1.25, 1.5, 2, 3, 5, 10, 30, 100] as const;

/**
 * Whether events are more frequent among the watched than `tolerated` times their rate in the control.
 *
 * Given how many events there were in a window, the number of them among the watched is binomial, with a share that depends on the
 * two numbers of requests and the ratio of the rates alone. {@link evidence} is the likelihood ratio of worse ratios, mixed, against the tolerated one,
 * multiplied over the windows: a non-negative martingale while the rates are as tolerated, and less while they are better. So by Ville's
 * inequality the probability that it ever reaches `1 / alpha` is at most `alpha`, however often one looks (A. Wald 1945; J. Ville 1939;
 * P. Grünwald, R. de Heide, W. Koolen 2024, "Safe testing").
 */
export class SequentialTest {
  readonly #tolerated: number;
  readonly #caution: number;
  readonly #logs: Float64Array = new Float64Array(MULTIPLES.length);

  constructor({ tolerated, caution = 0.5 }: SequentialOptions) {
    if (!(tolerated >= 1)) throw new RangeError(`tolerated must be 1 or more, found ${tolerated}`);
    if (!(caution > 0 && caution <= 1)) throw new RangeError(`caution must be above 0 and at most 1, found ${caution}`);
    this.#tolerated = tolerated;
    this.#caution = caution;
  }

  /** Takes a window. One in which the control or the watched had no request says nothing. */
  add({ watched, control, usual = 1, caution = 1 }: WindowCounts): void {
    if (watched.all <= 0 || control.all <= 0) return;
    const events = watched.of + control.of;
    const expected = this.#tolerated * usual * watched.all;
    const scale = expected + control.all;
    const counts = Math.min(caution, this.#caution);
    MULTIPLES.forEach((multiple, i) => {
      const worse = multiple * expected + control.all;
      this.#add(i, counts * (watched.of * Math.log(multiple) + events * Math.log(scale / worse)));
    });
  }

  /**
   * Takes a window of which the control is a rate that was measured before, as for the same sidecars without the change.
   * @param rate events a request; take an upper bound, for the test takes it as known.
   * @param caution as {@link WindowCounts.caution}.
   */
  addAgainstRate(watched: Count, rate: number, caution = 1): void {
    if (watched.all <= 0 || !(rate > 0)) return;
    const expected = this.#tolerated * rate * watched.all;
    const counts = Math.min(caution, this.#caution);
    MULTIPLES.forEach((multiple, i) => {
      this.#add(i, counts * (watched.of * Math.log(multiple) - (multiple - 1) * expected));
    });
  }

  /** The evidence against "as tolerated": 1 says nothing, 100 would be reached once in 100 rollouts without a fault. */
  get evidence(): number {
    return this.#logs.reduce((sum, log) => sum + Math.exp(log), 0) / MULTIPLES.length;
  }

  #add(i: number, log: number): void {
    // Above this, exp() is near the end of what a number holds.
    this.#logs[i] = Math.min((this.#logs[i] ?? 0) + log, 700);
  }
}

/** An upper bound of a rate, for {@link SequentialTest.addAgainstRate}: as if one more event had been seen. Of nothing it is 1. */
export function cautiousRate({ of, all }: Count): number {
  return all <= 0 ? 1 : Math.min(1, (of + 1) / all);
}
