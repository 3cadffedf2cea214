/**
 * A report that many may ask for, and that costs time to make: made at most once at a time, and again only after `rest` times as long as it
 * took, so that whoever asks often takes no more than its share of the process.
 */
export class Paced<T> {
  readonly #make: () => T | Promise<T>;
  readonly #rest: number;
  readonly #clock: () => number;
  #last: { readonly value: T; readonly until: number } | undefined;
  #making: Promise<T> | undefined;

  constructor(make: () => T | Promise<T>, rest = 10, clock = (): number => performance.now()) {
    this.#make = make;
    this.#rest = rest;
    this.#clock = clock;
  }

  /** The report, or the one before while that is young enough. */
  async get(): Promise<T> {
    if (this.#last !== undefined && this.#clock() < this.#last.until) return this.#last.value;
    this.#making ??= this.#do().finally(() => (this.#making = undefined));
    return await this.#making;
  }

  /** What it is made from changed, and whoever asks next is to see it. */
  forget(): void {
    this.#last = undefined;
  }

  async #do(): Promise<T> {
    const startedAt = this.#clock();
    const value = await this.#make();
    const now = this.#clock();
    this.#last = { value, until: now + this.#rest * (now - startedAt) };
    return value;
  }
}
