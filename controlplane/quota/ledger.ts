import type { QuotaTerms } from "../model/index.ts";
import { isSpent, openAccount, partsAtFirst, type Account } from "./account.ts";

/** Where accounts are kept. */
export interface Ledger {
  /**
   * Changes the account of a bucket, opened where there is none, by one change after another.
   *
   * @param change may be called more than once, each time with what the account is then; the last time counts.
   * @throws when the account cannot be reached; the change may then have been made all the same.
   */
  update<Result>(key: string, terms: QuotaTerms, change: (account: Account, now: number) => Result): Promise<Result>;
  close(): Promise<void>;
}

/** There are too many buckets, or the store cannot be reached. */
export class LedgerError extends Error {}

export interface MemoryLedgerOptions {
  /** Buckets at most. Default: 100,000. */
  readonly maxBuckets?: number;
  readonly now?: () => number;
}

/** Keeps accounts in this process: all are lost when it ends, and the policy for that says what they begin with then. */
export class MemoryLedger implements Ledger {
  readonly #accounts = new Map<string, { readonly account: Account; terms: QuotaTerms }>();
  readonly #maxBuckets: number;
  readonly #now: () => number;
  readonly #since: number;

  constructor(options: MemoryLedgerOptions = {}) {
    this.#maxBuckets = options.maxBuckets ?? 100_000;
    this.#now = options.now ?? Date.now;
    this.#since = this.#now();
  }

  get size(): number {
    return this.#accounts.size;
  }

  async update<Result>(
    key: string,
    terms: QuotaTerms,
    change: (account: Account, now: number) => Result,
  ): Promise<Result> {
    const now = this.#now();
    let entry = this.#accounts.get(key);
    if (entry === undefined) {
      this.#makeRoom(now);
      entry = { account: openAccount(terms, partsAtFirst(terms, this.#since, now), now), terms };
      this.#accounts.set(key, entry);
    } else {
      // The last one to be used is the last in the map.
      this.#accounts.delete(key);
      this.#accounts.set(key, entry);
    }
    entry.terms = terms;
    return Promise.resolve(change(entry.account, now));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Drops accounts that say nothing, the longest unused first; without one there is no room. */
  #makeRoom(now: number): void {
    // Each new account may look at two old ones, so that what is unused is gone long before there is no room.
    let looks = this.#accounts.size >= this.#maxBuckets ? 64 : 2;
    for (const [key, { account, terms }] of this.#accounts) {
      if (looks-- === 0) break;
      this.#accounts.delete(key);
      if (!isSpent(account, terms, now)) this.#accounts.set(key, { account, terms });
    }
    if (this.#accounts.size >= this.#maxBuckets) throw new LedgerError(`more than ${String(this.#maxBuckets)} buckets`);
  }
}
