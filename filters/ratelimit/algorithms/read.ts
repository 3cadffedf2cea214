import {
  ConfigObject,
  Duration,
  MAX_FILL_INTERVAL_MILLISECONDS,
  MAX_TOKENS,
  TokenBucket,
} from "proxy-wasm-assemblyscript-sdk";
import { Algorithm } from "./algorithm";
import { Concurrency, MAX_IN_FLIGHT } from "./concurrency";
import { FixedWindow } from "./fixed-window";
import { SlidingWindow } from "./sliding-window";
import { TokenBucketAlgorithm } from "./token-bucket";

/** The fields that stand for the algorithms, one of which a limit has, or for none. */
export const ALGORITHMS: string[] = ["tokenBucket", "gcra", "fixedWindow", "slidingWindow", "concurrency", "unlimited"];

const UNITS: string[] = ["second", "minute", "hour", "day", "week", "month"];
/** A month is 30 days, as for Envoy's rate limit service. */
const UNIT_MILLISECONDS: i64[] = [1000, 60_000, 3_600_000, 86_400_000, 604_800_000, 2_592_000_000];

const MIN_LEASE_MILLISECONDS: i64 = 3000;
const DEFAULT_LEASE: string = "60s";

/** Reads what a limit says of its algorithm. */
export function readAlgorithm(kind: string, object: ConfigObject): Algorithm {
  if (kind == "tokenBucket") {
    const maxTokens = object.integer("maxTokens", 1, MAX_TOKENS);
    const tokensPerFill = object.integerOr("tokensPerFill", 1, MAX_TOKENS, 1);
    return new TokenBucketAlgorithm(new TokenBucket(maxTokens, tokensPerFill, readInterval(object, "fillInterval")));
  }
  if (kind == "concurrency") {
    return new Concurrency(object.integer("requests", 1, MAX_IN_FLIGHT), <u64>readLease(object) * 1000);
  }
  const requests = object.integer("requests", 1, MAX_TOKENS);
  if (kind == "gcra") {
    const period = readInterval(object, "period");
    // With the emission interval T = period / requests and the tolerance (burst - 1) * T, GCRA decides as this bucket does.
    const burst = object.integerOr("burst", 1, MAX_TOKENS, 1);
    return new TokenBucketAlgorithm(new TokenBucket(burst, requests, period));
  }
  const length = <u64>readInterval(object, "window") * 1000;
  if (kind == "fixedWindow") return new FixedWindow(requests, length);
  return new SlidingWindow(requests, length);
}

/** A span of time in milliseconds. */
function readInterval(object: ConfigObject, field: string): i64 {
  const text = object.string(field);
  const unit = UNITS.indexOf(text);
  if (unit >= 0) return UNIT_MILLISECONDS[unit];
  const duration = Duration.parse(text);
  const interval: i64 = duration === null ? 0 : duration.milliseconds;
  if (interval >= 1 && interval <= MAX_FILL_INTERVAL_MILLISECONDS) return interval;
  if (text.length)
    object.error(field, `a duration from 1ms to 744h such as "60s" or "1h30m", or one of ${UNITS.join(", ")}`);
  return 1;
}

function readLease(object: ConfigObject): i64 {
  const lease = Duration.parse(object.stringOr("lease", DEFAULT_LEASE));
  if (lease !== null && lease.milliseconds >= MIN_LEASE_MILLISECONDS && lease.milliseconds <= 3_600_000) {
    return lease.milliseconds;
  }
  object.error("lease", 'a duration from 3s to 1h such as "60s"');
  return 60_000;
}
