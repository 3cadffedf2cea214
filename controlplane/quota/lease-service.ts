import type { QuotaTerms } from "../model/index.ts";
import { remaining, report, type Answer, type Reporter, type Usage } from "./account.ts";
import { Consumptions, type Consumption, type Ranking } from "./consumption.ts";
import type { Ledger } from "./ledger.ts";
import { bucketKey, type BucketId, type QuotaOf, type Quotas } from "./quotas.ts";

/** What a sidecar tells of one bucket. */
export interface BucketUsage extends Usage {
  readonly bucket: BucketId;
}

/**
 * What a sidecar is to do with a bucket. `policy`: the counts cannot be reached, and the quota's policy for that holds.
 */
export type Decision =
  | { readonly kind: "lease"; readonly tokens: number; readonly lease: number; readonly ttlMs: number }
  | { readonly kind: "policy"; readonly terms: QuotaTerms; readonly ttlMs: number }
  | { readonly kind: "abandon" };

export interface LeaseServiceOptions {
  readonly ledger: Ledger;
  /** The quotas that hold now. */
  readonly quotas: () => Quotas;
  readonly now?: () => number;
  /** Is told when the ledger fails, and when it works again. */
  readonly onLedger?: (error: Error | undefined) => void;
  /** Is told of each decision. */
  readonly onDecision?: (decision: Decision) => void;
}

/** What sidecars told while the ledger could not be reached, at most. */
const MAX_UNTOLD = 100_000;

/** Answers reports, whatever they come by. */
export class LeaseService {
  readonly #ledger: Ledger;
  readonly #quotas: () => Quotas;
  readonly #now: () => number;
  readonly #onLedger: (error: Error | undefined) => void;
  readonly #onDecision: (decision: Decision) => void;
  readonly #consumptions = new Consumptions();
  readonly #untold = new Map<string, Usage>();
  #failing = false;

  constructor(options: LeaseServiceOptions) {
    this.#ledger = options.ledger;
    this.#quotas = options.quotas;
    this.#now = options.now ?? Date.now;
    this.#onLedger = options.onLedger ?? (() => undefined);
    this.#onDecision = options.onDecision ?? (() => undefined);
  }

  /** Decides on the buckets of a report. Never fails. */
  async report(from: Reporter, domain: string, usages: readonly BucketUsage[]): Promise<Decision[]> {
    const decisions = await Promise.all(usages.map((usage) => this.#decide(from, domain, usage)));
    for (const decision of decisions) this.#onDecision(decision);
    return decisions;
  }

  /** The buckets with the most requests, or refused ones, of those that sidecars told this process of. */
  top(count: number, by: Ranking = "requests"): Consumption[] {
    return this.#consumptions.top(count, this.#now(), by);
  }

  async #decide(from: Reporter, domain: string, { bucket, allowed, denied }: BucketUsage): Promise<Decision> {
    const quota = this.#quotas().find(domain, bucket);
    // The sidecar then does what its configuration says of a bucket without a lease.
    if (quota === undefined) return { kind: "abandon" };
    const key = bucketKey(domain, bucket);
    const ttlMs = quota.terms.leaseMs;
    const untoldKey = JSON.stringify([from.id, key]);
    const untold = this.#untold.get(untoldKey);
    this.#untold.delete(untoldKey);
    const usage = { allowed: allowed + (untold?.allowed ?? 0), denied: denied + (untold?.denied ?? 0) };
    const shown = { allowed, denied };
    try {
      const { answer, left, sidecars } = await this.#ledger.update(key, quota.terms, (account, now) => ({
        answer: report(account, quota.terms, from, usage, now),
        left: remaining(account),
        sidecars: Object.keys(account.holders).length,
      }));
      this.#consumed(key, domain, bucket, quota, shown, left, sidecars);
      this.#works(undefined);
      return answer === "abandon" ? { kind: "abandon" } : lease(answer, ttlMs);
    } catch (error) {
      if (this.#untold.size < MAX_UNTOLD) this.#untold.set(untoldKey, usage);
      this.#consumed(key, domain, bucket, quota, shown, 0, 0);
      this.#works(error instanceof Error ? error : new Error(String(error)));
      return { kind: "policy", terms: quota.terms, ttlMs };
    }
  }

  #consumed(
    key: string,
    domain: string,
    bucket: BucketId,
    { name }: QuotaOf,
    usage: Usage,
    left: number,
    sidecars: number,
  ): void {
    this.#consumptions.add(key, { domain, bucket, quota: name, ...usage, remaining: left, sidecars }, this.#now());
  }

  #works(error: Error | undefined): void {
    if ((error !== undefined) === this.#failing) return;
    this.#failing = error !== undefined;
    this.#onLedger(error);
  }
}

function lease({ tokens, lease: number }: Exclude<Answer, "abandon">, ttlMs: number): Decision {
  return { kind: "lease", tokens, lease: number, ttlMs };
}
