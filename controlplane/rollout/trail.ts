import type { Evidence } from "./evidence.ts";
import type { Count } from "../statistics/index.ts";

/** What was measured of each check up to a moment, since the run began, in the order of the checks. */
export interface TrailPoint {
  /** Milliseconds since the epoch: the end of a window. */
  readonly at: number;
  readonly checks: readonly {
    readonly watched: Count;
    readonly control: Count;
    readonly evidence: number;
  }[];
}

/** How the figures of a run came about, for a chart. A long run keeps fewer points, evenly spread over all of its time. */
export class Trail {
  readonly #max: number;
  #points: TrailPoint[] = [];
  /** Of so many points one is kept. */
  #every = 1;
  #count = 0;

  /** @param max points at most. */
  constructor(max = 400) {
    this.#max = max;
  }

  /** The first first; the last is always the latest one that was kept. */
  get points(): readonly TrailPoint[] {
    return this.#points;
  }

  add(at: number, { checks }: Pick<Evidence, "checks">): void {
    if (this.#count++ % this.#every !== 0) return;
    if (this.#points.length >= this.#max) {
      this.#points = this.#points.filter((_, i) => i % 2 === 0);
      this.#every *= 2;
      if ((this.#count - 1) % this.#every !== 0) return;
    }
    this.#points.push({ at, checks: checks.map(({ watched, control, evidence }) => ({ watched, control, evidence })) });
  }
}
