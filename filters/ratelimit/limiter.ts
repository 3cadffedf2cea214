// All limits together: a request passes when every limit lets it, and only then is it charged to them.

import { LimitConfig } from "./config";
import { Limit, Verdict } from "./limit";

/** The limits of a configuration. */
@final
export class Limiter {
  private limits: Limit[] = [];

  /** @param seed What keys are hashed with. */
  constructor(limits: LimitConfig[], seed: u64) {
    for (let i = 0; i < limits.length; ++i) this.limits.push(new Limit(limits[i], seed));
  }

  /**
   * Decides on the current request. Every limit is looked at first; when one refuses, none is charged. Then each is charged
   * in turn; when other workers used up one in between, those charged before get theirs back.
   * @returns The limit that refuses, or null when the request may pass.
   */
  decide(): Limit | null {
    const refusing = this.check();
    if (refusing !== null) return refusing;
    for (let i = 0; i < this.limits.length; ++i) {
      const limit = this.limits[i];
      if (limit.verdict != Verdict.Allowed || limit.charge() == Verdict.Allowed) continue;
      limit.limited.increment();
      if (limit.shadow) continue;
      this.refund(i);
      return limit;
    }
    this.countAllowed();
    return null;
  }

  /** Of the limits that let the request pass, the one with the fewest requests left; null when none was for it. */
  get tightest(): Limit | null {
    let tightest: Limit | null = null;
    for (let i = 0; i < this.limits.length; ++i) {
      const limit = this.limits[i];
      if (limit.shadow || limit.verdict != Verdict.Allowed) continue;
      if (tightest === null || isTighter(limit, tightest)) tightest = limit;
    }
    return tightest;
  }

  /** Of the limits that refuse, the one that refuses longest. */
  private check(): Limit | null {
    let longest: Limit | null = null;
    let wait: u64 = 0;
    for (let i = 0; i < this.limits.length; ++i) {
      const limit = this.limits[i];
      if (limit.check() != Verdict.Limited) continue;
      limit.limited.increment();
      if (limit.shadow) continue;
      const seconds = limit.secondsUntilRoom;
      if (longest !== null && seconds <= wait) continue;
      longest = limit;
      wait = seconds;
    }
    return longest;
  }

  private refund(end: i32): void {
    for (let i = 0; i < end; ++i) {
      if (this.limits[i].verdict == Verdict.Allowed) this.limits[i].refund();
    }
  }

  private countAllowed(): void {
    for (let i = 0; i < this.limits.length; ++i) {
      if (this.limits[i].verdict == Verdict.Allowed) this.limits[i].allowed.increment();
    }
  }
}

function isTighter(a: Limit, b: Limit): bool {
  const left = a.remaining;
  const right = b.remaining;
  if (left != right) return left < right;
  return a.secondsUntilUnused > b.secondsUntilUnused;
}
