import type { Cursor } from "./cursor.ts";
import type { TokenBucket } from "./rate-limit-configuration.ts";

/** A `TokenBucket` of Envoy. */
export function tokenBucket(bucket: Cursor): TokenBucket {
  bucket.only("max_tokens", "tokens_per_fill", "fill_interval");
  const number = (name: string, preset: number): number => {
    const field = bucket.get(name);
    const value = field?.integer() ?? preset;
    if (value >= 1 && value <= 1_000_000) return value;
    (field ?? bucket).report(value < 1 ? "error" : "loss", `${name}: expected 1 to 1000000, found ${value}`);
    return Math.min(Math.max(value, 1), 1_000_000);
  };
  return {
    maxTokens: number("max_tokens", 0),
    tokensPerFill: number("tokens_per_fill", 1),
    fillInterval: interval(bucket),
  };
}

/** A `Duration` of protobuf's JSON as the filter has it. */
function interval(bucket: Cursor): string {
  const field = bucket.get("fill_interval");
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(field?.string() ?? "")?.[1];
  const milliseconds = Math.round(Number(seconds ?? 0) * 1000);
  if (milliseconds < 50 || milliseconds > 744 * 3_600_000) {
    (field ?? bucket).report("error", "expected a time from 0.05s to 744h in seconds, such as 60s");
    return "1s";
  }
  if (milliseconds % 1000 !== 0)
    return `${Math.floor(milliseconds / 1000)}s${milliseconds % 1000}ms`.replace(/^0s/, "");
  return milliseconds <= 99_999_000
    ? `${milliseconds / 1000}s`
    : `${Math.floor(milliseconds / 60_000)}m${(milliseconds / 1000) % 60}s`;
}
