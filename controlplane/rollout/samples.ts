import { mergeSamples, type Sample } from "./sample.ts";

/** How many windows are at hand. */
export const RECENT = 4;

/** What one control plane saw of a run: its latest windows, the latest last. */
export type RecentSamples = readonly Sample[];

/** Puts together what several control planes saw in each window. Those need not tell of it at the same time. */
export class Samples {
  #to: number;

  /** @param to what was seen up to then is left out. */
  constructor(to: number) {
    this.#to = to;
  }

  /**
   * The windows that all have told of since the last time, and those for which the others had the time of a whole window to do so: what comes later is
   * left out.
   */
  next(own: RecentSamples, others: readonly RecentSamples[]): readonly Sample[] {
    const latest = own.at(-1)?.to ?? 0;
    const isComplete = others.every((samples) => (samples.at(-1)?.to ?? 0) >= latest);
    const to = isComplete ? latest : (own.at(-2)?.to ?? 0);
    const from = this.#to;
    if (to <= from) return [];
    this.#to = to;
    const ends = new Map<number, Sample[]>();
    for (const sample of [own, ...others].flat()) {
      if (sample.to <= from || sample.to > to) continue;
      const same = ends.get(sample.to);
      if (same === undefined) ends.set(sample.to, [sample]);
      else same.push(sample);
    }
    return [...ends].sort(([a], [b]) => a - b).map(([end, samples]) => mergeSamples(end, samples));
  }
}
