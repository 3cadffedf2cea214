// One limit: whether it is for a request, and whether that request may pass.

import { Counter, Hasher64 } from "proxy-wasm-assemblyscript-sdk";
import { MatchList } from "../common/match-list";
import { RequestMatch } from "../common/request-match";
import { ResponseCost } from "./cost";
import { LeaseClients } from "./fleet/lease-client";
import { LimitConfig } from "./limit-config";
import { Rate, seedOf } from "./rate";
import { StoreCounters } from "./scopes/bucket-store";
import { Store, Verdict } from "./scopes/store";

const hasher: Hasher64 = new Hasher64();

/** A limit and what it said to the current request; one object serves all requests. */
@final
export class Limit {
  readonly allowed: Counter;
  readonly limited: Counter;
  readonly unlimited: Counter;

  /** What the limit said to the current request. */
  verdict: Verdict = Verdict.NotApplicable;
  /** The rate that is for the current request. */
  rate: Rate;
  /** The values of the current request that the limit counts by, hashed. */
  key: u64 = 0;
  /** What the current request costs. */
  hits: u64 = 1;

  private readonly mainRate: Rate;
  private readonly overrides: Rate[] = [];
  private overrideMatches: MatchList = new MatchList([]);

  /** @param seed What the keys of all limits are hashed with. */
  constructor(
    private config: LimitConfig,
    seed: u64,
    clients: LeaseClients,
  ) {
    const name = config.name;
    this.allowed = new Counter(`ratelimit.${name}.allowed`);
    this.limited = new Counter(`ratelimit.${name}.${config.shadow ? "shadow_limited" : "limited"}`);
    this.unlimited = new Counter(`ratelimit.${name}.unlimited`);
    const counters = new StoreCounters(name);
    const ownSeed = seedOf(config, seed);
    const rate = new Rate(name, config.rate, config, ownSeed, counters, clients);
    this.mainRate = rate;
    this.rate = rate;
    const matches: RequestMatch[] = [];
    for (let i = 0; i < config.overrides.length; ++i) {
      const other = config.overrides[i];
      const path = `${name}/${other.name}`;
      this.overrides.push(new Rate(path, other.rate, config, ownSeed, counters, clients));
      matches.push(other.match);
    }
    this.overrideMatches = new MatchList(matches);
  }

  get name(): string {
    return this.config.name;
  }

  /** Whether the limit only counts what it would refuse. */
  get shadow(): bool {
    return this.config.shadow;
  }

  /** What the answer costs beside the request; null for nothing. */
  get responseCost(): ResponseCost | null {
    return this.config.responseCost;
  }

  /** Whether requests in flight are counted. */
  get holds(): bool {
    return this.config.holds;
  }

  /** Microseconds in which hits that are held must be renewed; 0 where none are. */
  get renewal(): u64 {
    let least = this.mainRate.renewal;
    for (let i = 0; i < this.overrides.length; ++i) {
      const other = this.overrides[i].renewal;
      if (other && (!least || other < least)) least = other;
    }
    return least;
  }

  /** Where the current request is counted. There is one unless the verdict is `NotApplicable`. */
  get store(): Store {
    return this.rate.store as Store;
  }

  /** Looks whether the current request, which the limit is for, may pass, and charges nothing. */
  check(): Verdict {
    this.verdict = Verdict.NotApplicable;
    const store = this.findRate();
    if (store === null) {
      this.unlimited.increment();
      return this.verdict;
    }
    if (!this.hashKey()) return this.verdict;
    this.hits = this.config.cost.current;
    // What costs nothing passes while there is room for one.
    this.verdict = store.look(this.key, max<u64>(this.hits, 1));
    return this.verdict;
  }

  /** Charges the request that `check` allowed, or finds that others used up what was left. */
  charge(): Verdict {
    if (this.hits) this.verdict = this.store.take();
    return this.verdict;
  }

  /** Takes back what `charge` did. */
  refund(): void {
    if (this.hits) this.store.giveBack(this.key, this.hits, this.store.takenAt);
  }

  /** Chooses the rate of the current request. @returns Where it counts; null when nothing limits the request. */
  private findRate(): Store | null {
    if (this.config.except.first() >= 0) return null;
    const other = this.overrideMatches.first();
    this.rate = other < 0 ? this.mainRate : unchecked(this.overrides[other]);
    return this.rate.store;
  }

  /** Hashes the parts of the key, each with its length before it. False when one is missing and that skips the limit. */
  private hashKey(): bool {
    hasher.reset(this.rate.seed);
    const parts = this.config.key;
    for (let i = 0; i < parts.length; ++i) {
      const part = unchecked(parts[i]).read();
      if (part !== null) hasher.updateU32(part.size).update(part);
      else if (this.config.skipMissing) return false;
      else hasher.updateU32(0);
    }
    this.key = hasher.digest();
    return true;
  }
}
