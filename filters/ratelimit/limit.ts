// One limit: whether it is for a request, and whether that request may pass.

import { Bytes, Counter, Hasher64, currentTimeNanoseconds, hash64 } from "proxy-wasm-assemblyscript-sdk";
import { Algorithm } from "./algorithms/algorithm";
import { BucketSet, WAYS } from "./bucket-set";
import { BucketStore } from "./bucket-store";
import { LimitConfig } from "./config";

/** What a limit says to a request. */
export enum Verdict {
  /** The limit is not for this request. */
  NotApplicable,
  Allowed,
  Limited,
  /** Other workers changed the bucket at each attempt. */
  Contended,
}

/** How often a change is tried: each failure is another worker's success, so this many in a row hardly happen. */
// @ts-ignore: decorator
@inline const ATTEMPTS: i32 = 16;

const hasher: Hasher64 = new Hasher64();

/** A limit and what it said to the current request; one object serves all requests. */
@final
export class Limit {
  readonly allowed: Counter;
  readonly limited: Counter;
  readonly contended: Counter;
  readonly shared: Counter;

  /** What the limit said to the current request. */
  verdict: Verdict = Verdict.NotApplicable;

  /** The limit as `ratelimit-policy` names it: its quota, and the seconds in which all of it comes back. */
  readonly policy: Uint8Array;

  private buckets: BucketStore;
  private set: BucketSet = new BucketSet();
  private seed: u64;
  private key: u64 = 0;
  private way: i32 = 0;
  /** When the bucket was looked at, in microseconds since 1970. */
  private now: u64 = 0;

  /** @param seed Of all limits; the parts of the key are mixed in, so that another key finds new buckets. */
  constructor(
    private config: LimitConfig,
    seed: u64,
  ) {
    const name = config.name;
    const ids: string[] = [];
    for (let i = 0; i < config.key.length; ++i) ids.push(config.key[i].id);
    this.seed = hash64(Bytes.utf8(ids.join("\n")), seed);
    this.policy = Bytes.utf8(`"${name}";q=${config.algorithm.quota};w=${config.algorithm.window}`).copy();
    this.buckets = new BucketStore(config.kind, name, config.slots / WAYS);
    this.allowed = new Counter(`ratelimit.${name}.allowed`);
    this.limited = new Counter(`ratelimit.${name}.${config.shadow ? "shadow_limited" : "limited"}`);
    this.contended = new Counter(`ratelimit.${name}.contended`);
    this.shared = new Counter(`ratelimit.${name}.shared`);
  }

  get name(): string {
    return this.config.name;
  }

  /** Requests that the limit lets pass at once while nothing is used. */
  get quota(): u64 {
    return this.algorithm.quota;
  }

  /** Requests that it still lets pass at once, as of the last look. */
  get remaining(): u64 {
    return this.algorithm.remaining(this.used, this.now);
  }

  /** Seconds, rounded up, until it lets a request pass. */
  get secondsUntilRoom(): u64 {
    return this.algorithm.secondsUntilRoom(this.used, this.now);
  }

  /** Seconds, rounded up, until nothing is used. */
  get secondsUntilUnused(): u64 {
    return this.algorithm.secondsUntilUnused(this.used, this.now);
  }

  /** Whether the limit only counts what it would refuse. */
  get shadow(): bool {
    return this.config.shadow;
  }

  /** Looks at the bucket of the current request without changing it. */
  check(): Verdict {
    this.verdict = Verdict.NotApplicable;
    if (this.config.match.matches() && this.hashKey()) this.look();
    return this.verdict;
  }

  /** Charges the request that `check` allowed, or finds that other workers used up what was left. */
  charge(): Verdict {
    for (let attempt = 0; attempt < ATTEMPTS; ++attempt) {
      if (attempt && this.look() == Verdict.Limited) return this.verdict;
      this.set.setUsed(this.way, this.algorithm.charge(this.used));
      if (!this.buckets.write(this.set.bytes)) continue;
      if (this.set.shared) this.shared.increment();
      return this.verdict;
    }
    this.contended.increment();
    this.verdict = Verdict.Contended;
    return this.verdict;
  }

  /** Takes back what `charge` did. */
  refund(): void {
    for (let attempt = 0; attempt < ATTEMPTS; ++attempt) {
      this.open(this.buckets.read(this.key));
      const way = this.set.find(this.key);
      // Another key has the bucket by now, with all that is used of it.
      if (way < 0) return;
      this.set.setUsed(way, this.algorithm.refund(this.set.used(way)));
      if (this.buckets.write(this.set.bytes)) return;
    }
    this.contended.increment();
  }

  private look(): Verdict {
    this.open(this.buckets.read(this.key));
    const goneBack = this.set.clockWentBack;
    this.way = this.set.claim(this.key);
    this.verdict = this.algorithm.hasRoom(this.used, this.now) ? Verdict.Allowed : Verdict.Limited;
    // A refusal changes nothing, but a clock that was set back must not stop what comes back until it has caught up.
    if (goneBack && this.verdict == Verdict.Limited) this.buckets.write(this.set.bytes);
    return this.verdict;
  }

  private open(stored: Bytes | null): void {
    // The clock is read after the bucket, so of two workers the one that writes later has the later time.
    this.now = currentTimeNanoseconds() / 1000;
    this.set.open(stored, this.now, this.algorithm);
  }

  /** What is used of the request's bucket. */
  private get used(): u64 {
    return this.set.used(this.way);
  }

  private get algorithm(): Algorithm {
    return this.config.algorithm;
  }

  /** Hashes the parts of the key, each with its length before it. False when one is missing and that skips the limit. */
  private hashKey(): bool {
    hasher.reset(this.seed);
    const parts = this.config.key;
    for (let i = 0; i < parts.length; ++i) {
      const part = parts[i].read();
      if (part !== null) hasher.updateU32(part.size).update(part);
      else if (this.config.skipMissing) return false;
      else hasher.updateU32(0);
    }
    this.key = hasher.digest();
    return true;
  }
}
