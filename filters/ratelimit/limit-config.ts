// What a configuration says of one limit.

import { ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../common/lists";
import { MatchList } from "../common/match-list";
import { plainName } from "../common/names";
import { RequestMatch } from "../common/request-match";
import { ValueOrDefault } from "../common/values/message-values";
import { readValue } from "../common/values/read";
import { RequestValue } from "../common/values/request-value";
import { Algorithm } from "./algorithms/algorithm";
import { ALGORITHMS, readAlgorithm } from "./algorithms/read";
import { RequestCost, ResponseCost } from "./cost";
import { LeasesConfig } from "./fleet/leases-config";
import { readNames } from "./fleet/service-config";
import { WAYS } from "./scopes/bucket-set";

const MAX_OVERRIDES: i32 = 1000;
const MAX_SLOTS: i64 = 1_048_576;
const DEFAULT_SLOTS: i64 = 65_536;

const MODES: string[] = ["enforce", "shadow"];
const MISSING_KEYS: string[] = ["empty", "skip"];

/** Among whom a limit counts. */
export enum Scope {
  /** All workers of an Envoy. */
  Envoy,
  /** One worker. */
  Worker,
  /** All Envoys that ask one service for leases. */
  Fleet,
  /** Whomever a rate limit service counts for. */
  Service,
}

/** The scopes as the configuration names them, in their order. */
const SCOPES: string[] = ["envoy", "worker", "fleet", "service"];

/** How much passes. */
@final
export class RateConfig {
  /** Null for all that comes. */
  algorithm: Algorithm | null = null;
  /** Tells apart what is counted in other ways: numbers of one kind are nothing to another. */
  kind: string = "";

  static read(object: ConfigObject): RateConfig {
    const rate = new RateConfig();
    const kind = object.alternative(ALGORITHMS);
    if (kind < 0) return rate;
    const field = ALGORITHMS[kind];
    const fields = object.object(field);
    if (field == "unlimited") return rate;
    const algorithm = readAlgorithm(field, fields);
    rate.algorithm = algorithm;
    rate.kind = algorithm.isHeld ? `${field}-${algorithm.unit}` : field;
    return rate;
  }

  /** Whether requests in flight are counted. */
  get isHeld(): bool {
    const algorithm = this.algorithm;
    return algorithm !== null && algorithm.isHeld;
  }
}

/** Another rate for some requests of a limit. */
@final
export class OverrideConfig {
  name: string;
  match: RequestMatch;
  rate: RateConfig;

  constructor(object: ConfigObject) {
    this.name = plainName(object, "name");
    this.match = RequestMatch.read(object.object("match"));
    this.rate = RateConfig.read(object);
  }
}

/** One limit. */
@final
export class LimitConfig {
  name: string = "";
  rate: RateConfig = new RateConfig();
  overrides: OverrideConfig[] = [];
  scope: Scope = Scope.Envoy;
  /** Where leases are asked for; null unless the scope is the fleet. */
  leases: LeasesConfig | null = null;
  /** With the scope `service`, the keys of the descriptor's entries. */
  names: string[] = [];
  /** What the limit counts by; nothing for one bucket for all requests. */
  key: RequestValue[] = [];
  /** Whether a request that lacks a part of the key passes; else the part counts as empty. */
  skipMissing: bool = false;
  match: RequestMatch = new RequestMatch();
  /** Requests that the limit is not for, although they match. */
  except: MatchList = new MatchList([]);
  /** Whether the limit only counts what it would refuse. */
  shadow: bool = false;
  cost: RequestCost = RequestCost.one;
  responseCost: ResponseCost | null = null;
  /** Number of buckets, a multiple of `WAYS`. */
  slots: u32 = 0;

  static read(object: ConfigObject): LimitConfig {
    const limit = new LimitConfig();
    limit.name = plainName(object, "name");
    limit.scope = object.oneOfOr("scope", SCOPES, Scope.Envoy);
    // A service knows by itself how much passes.
    if (limit.scope != Scope.Service) {
      limit.rate = RateConfig.read(object);
      limit.overrides = readOverrides(object);
    }
    limit.key = readKey(object);
    limit.skipMissing = object.oneOfOr("missingKey", MISSING_KEYS, 0) == 1;
    limit.match = RequestMatch.read(object.objectOrNull("match"));
    limit.except = MatchList.read(object, "except");
    limit.shadow = object.oneOfOr("mode", MODES, 0) == 1;
    limit.readCosts(object);
    limit.readLeases(object);
    if (limit.scope == Scope.Service) limit.readService(object);
    const slots = object.integerOr("slots", WAYS, MAX_SLOTS, DEFAULT_SLOTS);
    if (slots % WAYS) object.error("slots", `a multiple of ${WAYS}`);
    limit.slots = <u32>slots;
    return limit;
  }

  /** Whether any of its rates counts requests in flight. */
  get holds(): bool {
    let holds = this.rate.isHeld;
    for (let i = 0; i < this.overrides.length; ++i) holds = holds || this.overrides[i].rate.isHeld;
    return holds;
  }

  private readLeases(object: ConfigObject): void {
    const leases = object.objectOrNull("leases");
    if (this.scope != Scope.Fleet) {
      if (leases !== null) object.error("leases", 'nothing, unless the scope is "fleet"');
      return;
    }
    if (leases === null) object.error("leases", 'an object, since the scope is "fleet"');
    else this.leases = LeasesConfig.read(leases, this.key.length);
    if (this.holds) object.error("scope", '"envoy" or "worker", since requests in flight are counted');
    if (this.overrides.length)
      object.error("overrides", "none, since the service knows what the buckets of the fleet have");
  }

  private readService(object: ConfigObject): void {
    this.names = readNames(object, this.key.length);
    if (this.shadow) object.error("mode", '"enforce", since the service says what is only counted');
    if (this.responseCost !== null)
      object.error("responseCost", "nothing, since the service is asked before the answer");
  }

  private readCosts(object: ConfigObject): void {
    const cost = object.objectOrNull("cost");
    if (cost !== null) this.cost = RequestCost.read(cost);
    const responseCost = object.objectOrNull("responseCost");
    if (responseCost !== null) this.responseCost = ResponseCost.read(responseCost);
    if (!this.holds) return;
    // A request that runs is one request, whatever it costs.
    const expected = "nothing, since requests in flight are counted";
    if (cost !== null) object.error("cost", expected);
    if (responseCost !== null) object.error("responseCost", expected);
  }
}

function readOverrides(object: ConfigObject): OverrideConfig[] {
  const items = object.objects("overrides");
  refuseEmpty(object, "overrides", items.length);
  if (items.length > MAX_OVERRIDES) object.error("overrides", `at most ${MAX_OVERRIDES} overrides`);
  const overrides: OverrideConfig[] = [];
  const names = new Set<string>();
  for (let i = 0; i < items.length; ++i) {
    const other = new OverrideConfig(items[i]);
    if (other.name.length && names.has(other.name)) {
      items[i].error("name", "a name that no override before has");
    }
    names.add(other.name);
    overrides.push(other);
  }
  return overrides;
}

/** Reads the values that a limit counts by, each of which may have a `default`. */
function readKey(object: ConfigObject): RequestValue[] {
  const items = object.objects("key");
  refuseEmpty(object, "key", items.length);
  const values: RequestValue[] = [];
  for (let i = 0; i < items.length; ++i) {
    const value = readValue(items[i]);
    values.push(items[i].has("default") ? new ValueOrDefault(value, items[i].string("default")) : value);
  }
  return values;
}
