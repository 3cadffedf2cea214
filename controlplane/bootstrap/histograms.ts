import { create } from "@bufbuild/protobuf";
import { HistogramBucketSettingsSchema, type HistogramBucketSettings } from "#gen/envoy/config/metrics/v3/stats_pb.js";

/** Twelve to a decade, each about 21 % wider than the one before: the preferred values E12 of IEC 60063. */
const E12 = [1, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 3.9, 4.7, 5.6, 6.8, 8.2];

/**
 * Bounds of the ranges in which times of requests are reported, in milliseconds. Envoy's own are 0.5, 1, 5, 10, 25, 50, 100
 * and so on, between which a percentile can be wrong by more than half.
 *
 * Envoy keeps two digits of a time and counts it below a bound if these are not above it. So bounds lie half a digit lower:
 * 12 is between 11.5 and 14.5 as 13 and 14 are, and the middle of a range is that of the times in it.
 */
export const LATENCY_BOUNDS: readonly number[] = [
  ...[0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5],
  ...[10, 100, 1_000].flatMap((decade) => E12.map((step) => Math.round((step - 0.05) * decade * 10) / 10)),
  ...[9_500, 14_500, 21_500, 32_500, 46_500, 59_500, 295_000],
];

/** Of those that the control plane reads percentiles from; the others keep Envoy's bounds. */
const LATENCIES = "http\\.(inbound|outbound)\\.downstream_rq_time|wasmcustom\\..+";

export function latencyBuckets(): HistogramBucketSettings {
  return create(HistogramBucketSettingsSchema, {
    match: { matchPattern: { case: "safeRegex", value: { regex: LATENCIES } } },
    buckets: [...LATENCY_BOUNDS],
  });
}
