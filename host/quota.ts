/** A module used more of the host's memory than its quota allows. It ends the module like a trap. */
export class QuotaExceeded extends Error {}

/**
 * Bounds what a module can make the host keep outside of its own linear memory: log lines, shared data, queues, metrics,
 * callouts. Envoy has no such bound; the check of an untrusted module needs one.
 */
export class Quota {
  readonly #limit: number;
  #used = 0;

  /** `limit` is in bytes. */
  constructor(limit: number = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
  }

  /** How many bytes may still be charged. */
  get left(): number {
    return this.#limit - this.#used;
  }

  charge(bytes: number, what: string): void {
    // Each item costs something even if it is empty.
    this.#used += bytes + 64;
    if (this.#used > this.#limit) {
      throw new QuotaExceeded(`the module made the host keep more than ${this.#limit} bytes (the last of it: ${what})`);
    }
  }
}
