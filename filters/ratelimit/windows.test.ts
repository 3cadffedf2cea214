import { before, test } from "node:test";
import fc from "fast-check";
import { filterModule } from "../testing/filter.ts";
import { divideUp, durationText, expectModel, steps, type Answer, type LimitModel } from "../testing/ratelimit.ts";

// The module against models of windows. How long something takes is searched for, not computed.

interface Window {
  readonly requests: number;
  /** Milliseconds. */
  readonly window: number;
}

/** The requests of a key in the window that `at` lies in, and in the one before. Times are in microseconds. */
interface Counts {
  present: bigint;
  before: bigint;
  at: bigint;
}

class Model implements LimitModel {
  readonly #counts = new Map<string, Counts>();
  readonly #requests: bigint;
  readonly #length: bigint;
  readonly #sliding: boolean;

  constructor({ requests, window }: Window, sliding: boolean) {
    this.#requests = BigInt(requests);
    this.#length = BigInt(window) * 1000n;
    this.#sliding = sliding;
  }

  request(key: string, nanoseconds: bigint): Answer {
    const now = nanoseconds / 1000n;
    const stored = this.#counts.get(key) ?? { present: 0n, before: 0n, at: now };
    const counts = this.#at(stored, now);
    const allowed = this.#hasRoom(counts);
    if (allowed) counts.present += 1n;
    // A refusal changes nothing, unless the clock lies before the last change.
    if (allowed || now < stored.at) this.#counts.set(key, counts);
    const left = this.#requests * this.#length - this.#used(counts);
    return {
      status: allowed ? 200 : 429,
      remaining: allowed && left > 0n ? Number(left / this.#length) : 0,
      reset: this.#secondsUntil(counts, (later) => this.#used(later) === 0n),
      retryAfter: allowed
        ? undefined
        : Math.max(
            1,
            this.#secondsUntil(counts, (later) => this.#hasRoom(later)),
          ),
    };
  }

  /** The counts as they are at a time; a time that lies back changes nothing but the time. */
  #at({ present, before, at }: Counts, now: bigint): Counts {
    const windows = now > at ? now / this.#length - at / this.#length : 0n;
    if (windows === 0n) return { present, before, at: now };
    return { present: 0n, before: windows === 1n ? present : 0n, at: now };
  }

  /** What is used, in shares of a request, of which there are as many as a window has microseconds. */
  #used({ present, before, at }: Counts): bigint {
    const rest = this.#length - (at % this.#length);
    return present * this.#length + (this.#sliding ? before * rest : 0n);
  }

  #hasRoom(counts: Counts): boolean {
    return this.#used(counts) + this.#length <= this.#requests * this.#length;
  }

  /** Seconds, rounded up, until something holds that goes on holding. */
  #secondsUntil(counts: Counts, holds: (later: Counts) => boolean): number {
    let [low, high] = [0n, 2n * this.#length];
    while (low < high) {
      const middle = (low + high) / 2n;
      if (holds(this.#at(counts, counts.at + middle))) high = middle;
      else low = middle + 1n;
    }
    return Number(divideUp(low, 1_000_000n));
  }
}

const windows = fc.oneof(
  fc.record({ requests: fc.integer({ min: 1, max: 6 }), window: fc.integer({ min: 1, max: 60_000 }) }),
  // The ends of what a configuration may say.
  fc.record({ requests: fc.constantFrom(1, 2, 1_000_000), window: fc.constantFrom(1, 99_999, 2_678_400_000) }),
);

let module: Uint8Array;

before(async () => {
  module = await filterModule("ratelimit");
});

for (const kind of ["fixedWindow", "slidingWindow"] as const) {
  test(`three workers count by a ${kind} as the model does, whatever the clock does`, async () => {
    await fc.assert(
      fc.asyncProperty(windows, steps, async (window, sequence) => {
        const limit = { [kind]: { requests: window.requests, window: durationText(window.window) } };
        await expectModel(module, limit, new Model(window, kind === "slidingWindow"), sequence);
      }),
      { numRuns: 60 },
    );
  });
}
