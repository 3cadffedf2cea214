// All limits together: a request passes when every limit lets it, and only then is it charged to them.

import { Counter } from "proxy-wasm-assemblyscript-sdk";
import { MatchList } from "../common/match-list";
import { RequestMatch } from "../common/request-match";
import { RateLimitConfig } from "./config";
import { LeaseClients } from "./fleet/lease-client";
import { Limit } from "./limit";
import { Verdict } from "./scopes/store";

/** The limits of a configuration. */
@final
export class Limiter {
  /** In their order, those that the current request matches; `currentCount` of them. */
  readonly current: Limit[] = [];
  currentCount: i32 = 0;
  /** Whether the current request is one that no limit is for. */
  isExempt: bool = false;
  private limits: Limit[] = [];
  private matches: MatchList = new MatchList([]);
  private allow: MatchList;
  private exempt: Counter = new Counter("ratelimit.exempt");

  /** @param seed What keys are hashed with. */
  constructor(config: RateLimitConfig, seed: u64) {
    this.allow = config.allow;
    const clients = new LeaseClients();
    const matches: RequestMatch[] = [];
    for (let i = 0; i < config.limits.length; ++i) {
      const limit = new Limit(config.limits[i], seed, clients);
      this.limits.push(limit);
      this.current.push(limit);
      matches.push(config.limits[i].match);
    }
    this.matches = new MatchList(matches);
  }

  /** Whether anything is to be done for a request after it passed. */
  get settles(): bool {
    for (let i = 0; i < this.limits.length; ++i) {
      if (this.limits[i].holds || this.limits[i].responseCost !== null) return true;
    }
    return false;
  }

  /** Microseconds in which hits that are held must be renewed; 0 where none are. */
  get renewal(): u64 {
    let least: u64 = 0;
    for (let i = 0; i < this.limits.length; ++i) {
      const renewal = this.limits[i].renewal;
      if (renewal && (!least || renewal < least)) least = renewal;
    }
    return least;
  }

  /**
   * Decides on the current request. Every limit is looked at first; when one refuses, none is charged. Then each is charged
   * in turn; when other workers used up one in between, those charged before get theirs back.
   * @returns The limit that refuses, or null when the request may pass.
   */
  decide(): Limit | null {
    this.currentCount = 0;
    this.isExempt = this.allow.first() >= 0;
    if (this.isExempt) {
      this.exempt.increment();
      return null;
    }
    const refusing = this.check();
    if (refusing !== null) return refusing;
    for (let i = 0; i < this.currentCount; ++i) {
      const limit = unchecked(this.current[i]);
      if (limit.verdict != Verdict.Allowed || limit.charge() == Verdict.Allowed) continue;
      limit.limited.increment();
      if (limit.shadow) continue;
      this.refund(i);
      return limit;
    }
    return null;
  }

  /** Counts the current request as one that its limits let pass. */
  countAllowed(): void {
    for (let i = 0; i < this.currentCount; ++i) {
      const limit = unchecked(this.current[i]);
      if (limit.verdict == Verdict.Allowed) limit.allowed.increment();
    }
  }

  /** Of the limits that let the request pass, the one with the fewest hits left; null when none was for it. */
  get tightest(): Limit | null {
    let tightest: Limit | null = null;
    for (let i = 0; i < this.currentCount; ++i) {
      const limit = unchecked(this.current[i]);
      if (limit.shadow || limit.verdict != Verdict.Allowed) continue;
      if (tightest === null || isTighter(limit, tightest)) tightest = limit;
    }
    return tightest;
  }

  /** Names of the shadow limits that would have refused the request, with commas between; empty for none. */
  get shadowRefusals(): string {
    let names = "";
    for (let i = 0; i < this.currentCount; ++i) {
      const limit = unchecked(this.current[i]);
      if (!limit.shadow || (limit.verdict != Verdict.Limited && limit.verdict != Verdict.Contended)) continue;
      names += names.length ? `,${limit.name}` : limit.name;
    }
    return names;
  }

  /** Looks at the limits that the request matches. Of those that refuse, the one that refuses longest. */
  private check(): Limit | null {
    let longest: Limit | null = null;
    let wait: u64 = 0;
    const matches = this.matches;
    matches.begin();
    for (let i = matches.next(); i >= 0; i = matches.next()) {
      const limit = unchecked(this.limits[i]);
      unchecked((this.current[this.currentCount++] = limit));
      if (limit.check() != Verdict.Limited) continue;
      limit.limited.increment();
      if (limit.shadow) continue;
      const seconds = limit.store.secondsUntilRoom;
      if (longest !== null && seconds <= wait) continue;
      longest = limit;
      wait = seconds;
    }
    return longest;
  }

  private refund(end: i32): void {
    for (let i = 0; i < end; ++i) {
      const limit = unchecked(this.current[i]);
      if (limit.verdict == Verdict.Allowed) limit.refund();
    }
  }
}

function isTighter(a: Limit, b: Limit): bool {
  const left = a.store.remaining;
  const right = b.store.remaining;
  if (left != right) return left < right;
  return a.store.secondsUntilUnused > b.store.secondsUntilUnused;
}
