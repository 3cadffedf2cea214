// The configuration of the filter; README.md describes the fields.

import { Bytes, Config, ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { plainName } from "../common/names";
import { RequestMatch } from "../common/request-match";
import { RequestValue } from "../common/request-value";
import { Algorithm } from "./algorithms/algorithm";
import { ALGORITHMS, readAlgorithm } from "./algorithms/read";
import { WAYS } from "./bucket-set";
import { HEADERS, Headers } from "./quota-headers";

const MAX_LIMITS: i32 = 64;
const MAX_SLOTS: i64 = 1_048_576;
const DEFAULT_SLOTS: i64 = 65_536;

const FORMATS: string[] = ["text", "json"];
const MODES: string[] = ["enforce", "shadow"];
const MISSING_KEYS: string[] = ["empty", "skip"];
const REFUSAL: string = "rate limited";

/** A configuration that was accepted. */
@final
export class RateLimitConfig {
  limits: LimitConfig[] = [];
  /** How responses tell what is left. */
  headers: Headers = Headers.XRateLimit;
  /** Status of a refusal. */
  status: u32 = 0;
  /** Text of a refusal. */
  body: string = "";
  /** Whether it comes as problem details (RFC 9457). */
  json: bool = false;

  /** Null when the configuration is not good; the log then says why. */
  static read(configuration: Bytes): RateLimitConfig | null {
    const config = new Config(configuration);
    const root = config.root;
    const result = new RateLimitConfig();
    const limits = root.objects("limits");
    if (limits.length == 0 || limits.length > MAX_LIMITS) root.error("limits", `1 to ${MAX_LIMITS} limits`);
    const names: string[] = [];
    for (let i = 0; i < limits.length; ++i) {
      const limit = new LimitConfig(limits[i]);
      if (limit.name.length && names.includes(limit.name)) limits[i].error("name", "a name that no limit before has");
      names.push(limit.name);
      result.limits.push(limit);
    }
    result.headers = root.oneOfOr("headers", HEADERS, Headers.XRateLimit);
    const response = root.objectOrNull("response");
    result.status = response === null ? 429 : <u32>response.integerOr("status", 400, 599, 429);
    result.body = response === null ? REFUSAL : response.stringOr("body", REFUSAL);
    result.json = response !== null && response.oneOfOr("format", FORMATS, 0) == 1;
    return config.accept() ? result : null;
  }
}

/** One of its limits. */
@final
export class LimitConfig {
  name: string;
  algorithm: Algorithm;
  /** The algorithm's name in the configuration. */
  kind: string;
  /** What the limit counts by; nothing for one bucket for all requests. */
  key: RequestValue[];
  /** Whether a request that lacks a part of the key passes; else the part counts as empty. */
  skipMissing: bool;
  match: RequestMatch;
  /** Whether the limit only counts what it would refuse. */
  shadow: bool;
  /** Number of buckets, a multiple of `WAYS`. */
  slots: u32;

  constructor(object: ConfigObject) {
    this.name = plainName(object, "name");
    const kind = ALGORITHMS[max(object.alternative(ALGORITHMS), 0)];
    this.kind = kind;
    this.algorithm = readAlgorithm(kind, object.object(kind));
    this.key = RequestValue.readAll(object, "key");
    this.skipMissing = object.oneOfOr("missingKey", MISSING_KEYS, 0) == 1;
    this.match = RequestMatch.read(object.objectOrNull("match"));
    this.shadow = object.oneOfOr("mode", MODES, 0) == 1;
    const slots = object.integerOr("slots", WAYS, MAX_SLOTS, DEFAULT_SLOTS);
    if (slots % WAYS) object.error("slots", `a multiple of ${WAYS}`);
    this.slots = <u32>slots;
  }
}
