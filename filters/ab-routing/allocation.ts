// Which variant a place gets.

/** Places that are dealt out: a weight of 1 is 0.01 %. */
export const PLACES: u32 = 10_000;

/**
 * Ranges of places that follow one another from 0, each for a variant. A range that grows into its neighbour takes only
 * keys of that neighbour; all other keys stay where they are.
 */
@final
export class Allocation {
  private variants: i32[] = [];
  /** The first place behind each range. */
  private ends: u32[] = [];

  /** Adds a range of so many places for a variant, given by its number. */
  add(variant: i32, weight: u32): void {
    this.variants.push(variant);
    this.ends.push(this.size + weight);
  }

  /** Number of places dealt out. */
  get size(): u32 {
    return this.ends.length ? this.ends[this.ends.length - 1] : 0;
  }

  /** The variant that has a place; the last one for a place behind all ranges, -1 when there is no range. */
  at(place: u32): i32 {
    const last = this.ends.length - 1;
    let i = 0;
    while (i < last && place >= this.ends[i]) ++i;
    return last < 0 ? -1 : this.variants[i];
  }
}
