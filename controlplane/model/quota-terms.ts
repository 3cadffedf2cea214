import { durationMilliseconds } from "./duration.ts";
import type { QuotaSpec } from "./resources.ts";

/** A quota in numbers. Tokens are counted in parts, so that what comes back in a millisecond is a whole number of them. */
export interface QuotaTerms {
  /** Tokens at once. */
  readonly burst: number;
  readonly partsPerToken: number;
  /** What comes back in a millisecond. */
  readonly partsPerMs: number;
  readonly requests: number;
  readonly periodMs: number;
  readonly leaseMs: number;
  readonly onLoss: QuotaSpec["onLoss"];
}

/** The numbers of a Quota that its schema has found valid. */
export function quotaTerms(spec: QuotaSpec): QuotaTerms {
  const { requests, onLoss } = spec;
  const periodMs = durationMilliseconds(spec.period);
  const divisor = greatestCommonDivisor(requests, periodMs);
  return {
    burst: spec.burst ?? requests,
    partsPerToken: periodMs / divisor,
    partsPerMs: requests / divisor,
    requests,
    periodMs,
    leaseMs: spec.lease === undefined ? defaultLease(periodMs) : durationMilliseconds(spec.lease),
    onLoss,
  };
}

function defaultLease(periodMs: number): number {
  return Math.min(30_000, Math.max(1000, Math.round(periodMs / 10)));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
