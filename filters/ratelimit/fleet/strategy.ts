// How much a lease lets pass: envoy.type.v3.RateLimitStrategy.

import { Bytes, ProtobufReader } from "proxy-wasm-assemblyscript-sdk";

/** The forms of a strategy. */
export enum StrategyKind {
  AllowAll,
  DenyAll,
  /** So many tokens, of which some come back at each end of an interval. */
  Tokens,
}

/** Seconds of the units of `RequestsPerTimeUnit`, in their order. */
const UNIT_SECONDS: u64[] = [0, 1, 60, 3600, 86_400, 2_592_000, 31_536_000];

// Longer times do not fit into microseconds.
// @ts-ignore: decorator
@inline const MAX_SECONDS: u64 = 1_000_000_000;

/** A strategy as it came. */
@final
export class Strategy {
  kind: StrategyKind = StrategyKind.DenyAll;
  maxTokens: u64 = 0;
  tokensPerFill: u64 = 0;
  /** Nanoseconds: leases can differ in nothing but these. */
  fillInterval: u64 = 0;

  /** Null for a strategy that this filter does not know. */
  static read(message: Bytes): Strategy | null {
    const strategy = new Strategy();
    let isKnown = false;
    const reader = ProtobufReader.of(message);
    while (reader.next()) {
      isKnown = true;
      if (reader.field == 1) strategy.kind = reader.number == 0 ? StrategyKind.AllowAll : StrategyKind.DenyAll;
      else if (reader.field == 2) isKnown = strategy.readRate(reader.content);
      else if (reader.field == 3) isKnown = strategy.readTokenBucket(reader.content);
      else isKnown = false;
    }
    return isKnown && !reader.malformed ? strategy : null;
  }

  isSame(other: Strategy): bool {
    return (
      this.kind == other.kind &&
      this.maxTokens == other.maxTokens &&
      this.tokensPerFill == other.tokensPerFill &&
      this.fillInterval == other.fillInterval
    );
  }

  private readRate(message: Bytes): bool {
    this.kind = StrategyKind.Tokens;
    const reader = ProtobufReader.of(message);
    while (reader.next()) {
      if (reader.field == 1) this.maxTokens = min<u64>(reader.number, u32.MAX_VALUE);
      else if (reader.field == 2 && reader.number < <u64>UNIT_SECONDS.length) {
        this.fillInterval = UNIT_SECONDS[<i32>reader.number] * 1_000_000_000;
      }
    }
    this.tokensPerFill = this.maxTokens;
    return !reader.malformed && this.fillInterval != 0;
  }

  private readTokenBucket(message: Bytes): bool {
    this.kind = StrategyKind.Tokens;
    this.tokensPerFill = 1;
    const reader = ProtobufReader.of(message);
    while (reader.next()) {
      if (reader.field == 1) this.maxTokens = <u32>reader.number;
      else if (reader.field == 2) this.tokensPerFill = numberIn(reader.content);
      else if (reader.field == 3) this.fillInterval = readDuration(reader.content);
    }
    return !reader.malformed && this.fillInterval != 0;
  }
}

/** The number in a `google.protobuf.UInt32Value`. */
function numberIn(message: Bytes): u64 {
  const reader = ProtobufReader.of(message);
  let number: u64 = 0;
  while (reader.next()) if (reader.field == 1) number = <u32>reader.number;
  return number;
}

/** Nanoseconds of a `google.protobuf.Duration`; 0 for a negative one. */
export function readDuration(message: Bytes): u64 {
  const reader = ProtobufReader.of(message);
  let seconds: u64 = 0;
  let nanoseconds: u64 = 0;
  while (reader.next()) {
    if (reader.field == 1) seconds = reader.number;
    else if (reader.field == 2) nanoseconds = reader.number;
  }
  if (<i64>seconds < 0 || <i64>nanoseconds < 0) return 0;
  return min(seconds, MAX_SECONDS) * 1_000_000_000 + min<u64>(nanoseconds, 999_999_999);
}
