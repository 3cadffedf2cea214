import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  BucketIdSchema,
  RateLimitQuotaResponse_BucketActionSchema,
  type RateLimitQuotaResponse_BucketAction,
  type RateLimitQuotaUsageReports,
} from "#gen/envoy/service/rate_limit_quota/v3/rlqs_pb.js";
import {
  RateLimitStrategy_BlanketRule,
  RateLimitStrategySchema,
  type RateLimitStrategy,
} from "#gen/envoy/type/v3/ratelimit_strategy_pb.js";
import type { QuotaTerms } from "../model/index.ts";
import type { BucketUsage, Decision } from "./lease-service.ts";
import type { BucketId } from "./quotas.ts";

/** Numbers that are to be believed; a sidecar that tells more than this of one bucket in one report is broken. */
const MAX_REQUESTS = 1_000_000_000n;

/** The usages of a report. @throws RangeError for one without an id, or with numbers that cannot be. */
export function usagesOf(reports: RateLimitQuotaUsageReports): BucketUsage[] {
  return reports.bucketQuotaUsages.map(({ bucketId, numRequestsAllowed, numRequestsDenied }) => {
    const bucket = bucketId?.bucket ?? {};
    if (Object.keys(bucket).length === 0) throw new RangeError("a bucket without an id");
    if (numRequestsAllowed > MAX_REQUESTS || numRequestsDenied > MAX_REQUESTS)
      throw new RangeError("too many requests");
    return { bucket, allowed: Number(numRequestsAllowed), denied: Number(numRequestsDenied) };
  });
}

type Strategy = RateLimitStrategy["strategy"];

/** What a sidecar is told. */
export function actionOf(bucket: BucketId, decision: Decision): RateLimitQuotaResponse_BucketAction {
  const bucketId = create(BucketIdSchema, { bucket });
  if (decision.kind === "abandon") {
    return create(RateLimitQuotaResponse_BucketActionSchema, {
      bucketId,
      bucketAction: { case: "abandonAction", value: {} },
    });
  }
  const strategy =
    decision.kind === "lease" ? leaseStrategy(decision.tokens, decision.lease) : policyStrategy(decision.terms);
  return create(RateLimitQuotaResponse_BucketActionSchema, {
    bucketId,
    bucketAction: {
      case: "quotaAssignmentAction",
      value: { assignmentTimeToLive: durationFromMs(decision.ttlMs), rateLimitStrategy: { strategy } },
    },
  });
}

/** The slowest that Envoy refills a token bucket. */
const YEAR_SECONDS = 365 * 24 * 3600;
const NANOSECONDS = 1_000_000_000;

/**
 * A lease: so many requests, and none come back. Envoy goes on with the bucket that it has where the new one is the same by
 * number of tokens and nanoseconds of the interval, so those tell leases apart.
 */
function leaseStrategy(tokens: number, lease: number): Strategy {
  if (tokens === 0) return blanket(RateLimitStrategy_BlanketRule.DENY_ALL);
  return tokenBucket(tokens, 1, { seconds: BigInt(YEAR_SECONDS), nanos: lease % NANOSECONDS });
}

function policyStrategy({ onLoss, burst, requests, periodMs }: QuotaTerms): Strategy {
  if (onLoss.policy === "Allow") return blanket(RateLimitStrategy_BlanketRule.ALLOW_ALL);
  if (onLoss.policy === "Deny") return blanket(RateLimitStrategy_BlanketRule.DENY_ALL);
  // Envoy counts the interval in whole seconds.
  const perSecond = (requests * onLoss.fraction * 1000) / periodMs;
  const seconds = Math.max(1, Math.ceil(1 / perSecond));
  const tokens = Math.max(1, Math.floor(burst * onLoss.fraction));
  return tokenBucket(tokens, Math.max(1, Math.floor(perSecond * seconds)), { seconds: BigInt(seconds), nanos: 0 });
}

function blanket(rule: RateLimitStrategy_BlanketRule): Strategy {
  return { case: "blanketRule", value: rule };
}

function tokenBucket(maxTokens: number, perFill: number, fillInterval: { seconds: bigint; nanos: number }): Strategy {
  return create(RateLimitStrategySchema, {
    strategy: { case: "tokenBucket", value: { maxTokens, tokensPerFill: perFill, fillInterval } },
  }).strategy;
}
