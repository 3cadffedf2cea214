/** A stream remembers this many names of a type one by one; with thousands of streams, each costs. */
const MAX_NAMES = 64;

/** When things last happened to names: of the latest exactly, of all others no later than is said. */
export class RecentTimes {
  /** The latest last. */
  readonly #times = new Map<string, number>();
  #others: number | undefined;

  set(name: string, time: number): void {
    this.#times.delete(name);
    this.#times.set(name, time);
    if (this.#times.size <= MAX_NAMES) return;
    for (const [oldest, at] of this.#times) {
      this.#times.delete(oldest);
      this.#others = at;
      return;
    }
  }

  /** As {@link set} for each name. */
  setAll(names: readonly { readonly name: string }[], time: number): void {
    if (names.length <= MAX_NAMES) {
      for (const { name } of names) this.set(name, time);
      return;
    }
    // Had they been set one by one, this is what would be known of most of them.
    this.#times.clear();
    this.#others = time;
  }

  /** `undefined` if nothing ever happened, as far as is known. */
  get(name: string): number | undefined {
    return this.#times.get(name) ?? this.#others;
  }
}
