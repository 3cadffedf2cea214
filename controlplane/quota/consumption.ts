import type { BucketId } from "./quotas.ts";

/** What a bucket consumes. */
export interface Consumption {
  readonly domain: string;
  readonly bucket: BucketId;
  /** The Quota. */
  readonly quota: string;
  /** Requests a second, over about the last minute. */
  readonly allowedPerSecond: number;
  readonly deniedPerSecond: number;
  /** Since this process first heard of it. */
  readonly allowed: number;
  readonly denied: number;
  /** Requests that could pass beyond what sidecars hold; negative where more passed than there was. */
  readonly remaining: number;
  /** Sidecars that hold a lease or did lately. */
  readonly sidecars: number;
}

/** By all requests, refused ones included, or by refused ones alone. */
export type Ranking = "requests" | "denied";

const MINUTE_MS = 60_000;

interface Entry {
  readonly domain: string;
  readonly bucket: BucketId;
  quota: string;
  allowed: number;
  denied: number;
  /** Sums that shrink to 1/e in a minute, as of `at`. */
  recentAllowed: number;
  recentDenied: number;
  at: number;
  remaining: number;
  sidecars: number;
}

/** What sidecars told this process, by bucket; of the least used nothing is kept when there are too many. */
export class Consumptions {
  readonly #entries = new Map<string, Entry>();
  readonly #max: number;

  /** @param max buckets at most. */
  constructor(max = 10_000) {
    this.#max = max;
  }

  add(
    key: string,
    of: Pick<Consumption, "domain" | "bucket" | "quota" | "allowed" | "denied" | "remaining" | "sidecars">,
    now: number,
  ): void {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      if (this.#entries.size >= this.#max) this.#dropLeast(now);
      const { domain, bucket, quota } = of;
      const nothing = { allowed: 0, denied: 0, recentAllowed: 0, recentDenied: 0, remaining: 0, sidecars: 0 };
      entry = { domain, bucket, quota, at: now, ...nothing };
      this.#entries.set(key, entry);
    }
    fade(entry, now);
    entry.quota = of.quota;
    entry.allowed += of.allowed;
    entry.denied += of.denied;
    entry.recentAllowed += of.allowed;
    entry.recentDenied += of.denied;
    entry.remaining = of.remaining;
    entry.sidecars = of.sidecars;
  }

  /** The first buckets by a ranking; by refused ones, only those that have any lately. */
  top(count: number, now: number, by: Ranking = "requests"): Consumption[] {
    for (const entry of this.#entries.values()) fade(entry, now);
    const rank = by === "denied" ? ({ recentDenied }: Entry): number => recentDenied : recent;
    return [...this.#entries.values()]
      .filter((entry) => by !== "denied" || entry.recentDenied >= 0.5)
      .sort((a, b) => rank(b) - rank(a))
      .slice(0, count)
      .map(({ domain, bucket, quota, allowed, denied, recentAllowed, recentDenied, remaining, sidecars }) => ({
        domain,
        bucket,
        quota,
        allowedPerSecond: (recentAllowed / MINUTE_MS) * 1000,
        deniedPerSecond: (recentDenied / MINUTE_MS) * 1000,
        allowed,
        denied,
        remaining,
        sidecars,
      }));
  }

  /** Makes room for a tenth, so that it is not done for each newcomer. */
  #dropLeast(now: number): void {
    for (const entry of this.#entries.values()) fade(entry, now);
    const ranked = [...this.#entries].sort(([, a], [, b]) => recent(a) - recent(b));
    for (const [key] of ranked.slice(0, Math.ceil(this.#max / 10))) this.#entries.delete(key);
  }
}

function recent({ recentAllowed, recentDenied }: Entry): number {
  return recentAllowed + recentDenied;
}

function fade(entry: Entry, now: number): void {
  const factor = Math.exp(-Math.max(0, now - entry.at) / MINUTE_MS);
  entry.recentAllowed *= factor;
  entry.recentDenied *= factor;
  entry.at = Math.max(now, entry.at);
}
