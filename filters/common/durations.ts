import { ConfigObject, Duration } from "proxy-wasm-assemblyscript-sdk";

/** A duration such as `200ms` that may be left out, in milliseconds. */
export function durationOr(object: ConfigObject, field: string, min: i64, max: i64, absent: i64): i64 {
  if (!object.has(field)) return absent;
  const duration = Duration.parse(object.string(field));
  if (duration !== null && duration.milliseconds >= min && duration.milliseconds <= max) return duration.milliseconds;
  object.error(field, `a duration from ${min}ms to ${max}ms such as "${absent}ms"`);
  return absent;
}
