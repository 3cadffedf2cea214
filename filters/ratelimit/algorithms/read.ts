import {
  ConfigObject,
  Duration,
  MAX_FILL_INTERVAL_MILLISECONDS,
  MAX_TOKENS,
  TokenBucket,
} from "proxy-wasm-assemblyscript-sdk";
import { Algorithm } from "./algorithm";
import { FixedWindow } from "./fixed-window";
import { SlidingWindow } from "./sliding-window";
import { TokenBucketAlgorithm } from "./token-bucket";

/** The fields of a limit that stand for the algorithms, one of which it has. */
export const ALGORITHMS: string[] = ["tokenBucket", "gcra", "fixedWindow", "slidingWindow"];

/** Reads what a limit says of its algorithm. */
export function readAlgorithm(kind: string, object: ConfigObject): Algorithm {
  if (kind == "tokenBucket") {
    const maxTokens = object.integer("maxTokens", 1, MAX_TOKENS);
    const tokensPerFill = object.integerOr("tokensPerFill", 1, MAX_TOKENS, 1);
    return new TokenBucketAlgorithm(new TokenBucket(maxTokens, tokensPerFill, readInterval(object, "fillInterval")));
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
  const duration = Duration.parse(text);
  const interval: i64 = duration === null ? 0 : duration.milliseconds;
  if (interval >= 1 && interval <= MAX_FILL_INTERVAL_MILLISECONDS) return interval;
  if (text.length) object.error(field, 'a duration from 1ms to 744h such as "60s" or "1h30m"');
  return 1;
}
