import { quotaTerms, type Quota, type QuotaTerms } from "../model/index.ts";

/** The id of a bucket: `envoy.service.rate_limit_quota.v3.BucketId`. */
export type BucketId = Readonly<Record<string, string>>;

/** The quota that a bucket has. */
export interface QuotaOf {
  readonly name: string;
  readonly terms: QuotaTerms;
}

const ANY = "*";

/** Finds the quota of a bucket. Of two that are for it the one with fewer `*` counts, then the first by name. */
export class Quotas {
  /** By domain and the names of the bucket's keys. */
  readonly #byKeys = new Map<string, { readonly bucket: BucketId; readonly quota: QuotaOf }[]>();

  /** @param quotas in order of name. */
  constructor(quotas: Iterable<Quota>) {
    for (const { metadata, spec } of quotas) {
      const keys = keysOf(spec.domain, spec.bucket);
      const list = this.#byKeys.get(keys) ?? [];
      list.push({ bucket: spec.bucket, quota: { name: metadata.name, terms: quotaTerms(spec) } });
      this.#byKeys.set(keys, list);
    }
    const wildcards = (bucket: BucketId): number => Object.values(bucket).filter((value) => value === ANY).length;
    for (const list of this.#byKeys.values()) list.sort((a, b) => wildcards(a.bucket) - wildcards(b.bucket));
  }

  find(domain: string, bucket: BucketId): QuotaOf | undefined {
    const list = this.#byKeys.get(keysOf(domain, bucket));
    return list?.find(({ bucket: pattern }) =>
      Object.entries(pattern).every(([key, value]) => value === ANY || value === bucket[key]),
    )?.quota;
  }
}

function keysOf(domain: string, bucket: BucketId): string {
  return JSON.stringify([domain, ...Object.keys(bucket).sort()]);
}

/** The bucket's name in a ledger. */
export function bucketKey(domain: string, bucket: BucketId): string {
  return JSON.stringify([domain, ...Object.entries(bucket).sort(([a], [b]) => (a < b ? -1 : 1))]);
}
