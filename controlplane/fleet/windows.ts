/**
 * How long the windows of a series are, in milliseconds, and how many are kept: fine ones, and coarse ones that reach
 * further back. The fine ones together are at least as long as a coarse one.
 */
export interface Windows {
  readonly fineMs: number;
  readonly fine: number;
  readonly coarseMs: number;
  readonly coarse: number;
}

/** For how many columns more there is room when there is none left: few, since each takes a cell in every row. */
const MORE = 16;

export const DEFAULT_WINDOW_MS = 5_000;

const COARSE_MS = 60_000;

/** Windows of this length for a minute, then minutes for half an hour. */
export function windowsOf(fineMs: number): Windows {
  return { fineMs, fine: Math.ceil(COARSE_MS / fineMs), coarseMs: COARSE_MS, coarse: 30 };
}

/**
 * Running sums, and what they were at the end of each window. So what came in a span of time is the difference of two
 * rows, however long it is.
 *
 * A row is that of a time's window: all that was added in the window belongs to it, also what came after the time. What
 * was added before the series has reached back to is in every row.
 */
export class WindowedSums {
  readonly #windows: Windows;
  #capacity = 0;
  #columns = 0;
  #now = new Float64Array(0);
  /** Rows of fine windows, then those of coarse ones, each a ring. */
  #past = new Float64Array(0);
  #fine = 0;
  #coarse = 0;

  /** @param at when the first values are added. */
  constructor(windows: Windows, at: number) {
    this.#windows = windows;
    this.#fine = Math.floor(at / windows.fineMs);
    this.#coarse = Math.floor(at / windows.coarseMs);
  }

  get columns(): number {
    return this.#columns;
  }

  /** Bytes that the sums take. */
  get bytes(): number {
    return this.#now.byteLength + this.#past.byteLength;
  }

  /** Adds a column, which was 0 so far, and gives its number. */
  addColumn(): number {
    if (this.#columns === this.#capacity) this.#grow();
    return this.#columns++;
  }

  /** Keeps these columns only, in this order; they are numbered anew. */
  keep(columns: readonly number[]): void {
    this.#resize(columns.length, (to, from) => {
      columns.forEach((column, i) => (to[i] = from[column] ?? 0));
    });
    this.#columns = columns.length;
  }

  /** Whether a column is now what it was when the oldest window that is kept was over. */
  isStill(column: number): boolean {
    return this.at(-Infinity)[column] === this.#now[column];
  }

  /** Lets time pass; time that goes back counts as none. */
  advance(at: number): void {
    const { fineMs, fine, coarseMs, coarse } = this.#windows;
    this.#fine = this.#fill(this.#fine, Math.floor(at / fineMs), fine, 0);
    this.#coarse = this.#fill(this.#coarse, Math.floor(at / coarseMs), coarse, fine);
  }

  add(column: number, value: number): void {
    this.#now[column] = (this.#now[column] ?? 0) + value;
  }

  /** What was added in all. */
  sum(column: number): number {
    return this.#now[column] ?? 0;
  }

  /** The sums as of a time's window; read it by column before anything is added. */
  at(time: number): Float64Array {
    const { fineMs, fine, coarseMs, coarse } = this.#windows;
    const end = this.end(time);
    if (end === Infinity) return this.#now;
    if (this.#isFine(time)) return this.#row(slot(end / fineMs - 1, fine));
    return this.#row(fine + slot(end / coarseMs - 1, coarse));
  }

  /** When the window of a time ends, such that all that was added before is in the time's row. */
  end(time: number): number {
    const { fineMs, coarseMs, coarse } = this.#windows;
    if (this.#isFine(time)) {
      const window = Math.floor(time / fineMs);
      return window >= this.#fine ? Infinity : (window + 1) * fineMs;
    }
    const window = Math.max(Math.floor(time / coarseMs), this.#coarse - coarse);
    return (Math.min(window, this.#coarse - 1) + 1) * coarseMs;
  }

  #isFine(time: number): boolean {
    return this.#fine - Math.floor(time / this.#windows.fineMs) <= this.#windows.fine;
  }

  /** Writes the rows of all windows that are over. */
  #fill(from: number, to: number, kept: number, offset: number): number {
    if (to <= from) return from;
    for (let window = Math.max(from, to - kept); window < to; ++window) {
      this.#row(offset + slot(window, kept)).set(this.#now);
    }
    return to;
  }

  #row(index: number): Float64Array {
    return this.#past.subarray(index * this.#capacity, (index + 1) * this.#capacity);
  }

  #grow(): void {
    this.#resize(this.#capacity + MORE, (to, from) => to.set(from));
  }

  #resize(capacity: number, copy: (to: Float64Array, from: Float64Array) => void): void {
    const rows = this.#windows.fine + this.#windows.coarse;
    const past = new Float64Array(rows * capacity);
    for (let row = 0; row < rows; ++row) copy(past.subarray(row * capacity, (row + 1) * capacity), this.#row(row));
    const now = new Float64Array(capacity);
    copy(now, this.#now);
    this.#capacity = capacity;
    this.#past = past;
    this.#now = now;
  }
}

/** Where a window stands in a ring. */
function slot(window: number, kept: number): number {
  return ((window % kept) + kept) % kept;
}
