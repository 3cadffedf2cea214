import type { Bin } from "../statistics/index.ts";

/** A range of a histogram. */
export interface Range {
  /** Equal for equal ranges only. */
  readonly key: string;
  readonly low: number;
  readonly width: number;
}

const MAX_REMEMBERED = 10_000;
const remembered = new Map<number, Map<number, Range>>();
let count = 0;

/** One copy of each range, as far as possible: those of a fleet are alike. */
export function rangeOf({ low, width }: Bin): Range {
  const known = remembered.get(low)?.get(width);
  if (known !== undefined) return known;
  // Made up ranges must not fill the memory.
  if (++count > MAX_REMEMBERED) {
    remembered.clear();
    count = 1;
  }
  const range = { key: `${low} ${width}`, low, width };
  const widths = remembered.get(low) ?? new Map<number, Range>();
  remembered.set(low, widths.set(width, range));
  return range;
}
