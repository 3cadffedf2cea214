/**
 * A set of small numbers in the order in which they came in, emptied at no cost (Briggs and Torczon, "An Efficient
 * Representation for Sparse Sets", 1993).
 */
@final
export class SparseSet {
  size: i32 = 0;
  private dense: StaticArray<i32> = new StaticArray<i32>(0);
  private places: StaticArray<i32> = new StaticArray<i32>(0);

  /** Makes room for the numbers below `limit`. Empties the set. */
  reserve(limit: i32): void {
    this.size = 0;
    if (limit <= this.dense.length) return;
    this.dense = new StaticArray<i32>(limit);
    this.places = new StaticArray<i32>(limit);
  }

  // @ts-ignore: decorator
  @inline
  clear(): void {
    this.size = 0;
  }

  /** The address of the first of `size` numbers. */
  get data(): usize {
    return changetype<usize>(this.dense);
  }

  has(value: i32): bool {
    const place = unchecked(this.places[value]);
    return <u32>place < <u32>this.size && unchecked(this.dense[place]) == value;
  }

  add(value: i32): void {
    if (this.has(value)) return;
    unchecked((this.dense[this.size] = value));
    unchecked((this.places[value] = this.size++));
  }
}
