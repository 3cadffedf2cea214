// One experiment: which variant a request gets, and why.

import { Bytes, hash64 } from "proxy-wasm-assemblyscript-sdk";
import { AnonymousId } from "./anonymous-id";
import { ExperimentConfig } from "./experiment-config";
import { Population } from "./population";
import { Reason } from "./reason";
import { Telling, Variant } from "./variant";

/** An experiment; one object serves all requests. */
@final
export class Experiment {
  readonly name: string;
  private variants: Variant[] = [];
  private names: Uint8Array[] = [];
  private holdout: Population | null;
  /** Tells its fingerprints from those of other experiments. */
  private seed: u64;
  /** Why `choose` gave what it gave. */
  reason: Reason = Reason.NotTargeted;
  /** The rule that decided last. */
  rule: i32 = 0;
  /** The place of the key that the split dealt out last. */
  place: u32 = 0;
  /** Of that key in its variant, where the experiment is measured. */
  fingerprint: u64 = 0;

  constructor(
    private config: ExperimentConfig,
    private anonymousId: AnonymousId | null,
    holdout: Population | null,
  ) {
    this.name = config.name;
    this.seed = hash64(Bytes.utf8(config.name));
    this.holdout = config.holdsOut ? holdout : null;
    const telling = new Telling(config);
    for (let i = 0; i < config.variants.length; ++i) {
      const variant = new Variant(config, i, telling);
      this.variants.push(variant);
      this.names.push(variant.value);
    }
  }

  /**
   * The variant of the current request, or null for a request that the experiment is not for.
   * @param now Seconds since 1970.
   */
  choose(now: i64): Variant | null {
    const variant = this.chosen(now);
    return variant < 0 ? null : unchecked(this.variants[variant]);
  }

  private chosen(now: i64): i32 {
    const config = this.config;
    const when = config.when;
    if (when !== null && !when.matches()) return this.because(Reason.NotTargeted, -1);
    if (!config.enabled) return this.because(Reason.Disabled, config.fallback);
    const active = config.active;
    if (active !== null && !active.has(now)) return this.because(Reason.OutOfTime, config.fallback);
    const force = config.force;
    const forced = force === null ? -1 : force.variant(this.names);
    if (forced >= 0) return this.because(Reason.Forced, forced);
    for (let i = 0; i < config.rules.length; ++i) {
      if (!config.rules[i].match.matches()) continue;
      this.rule = i;
      return this.because(Reason.Rule, config.rules[i].variant);
    }
    return this.dealt();
  }

  /** What the key gets. */
  private dealt(): i32 {
    const config = this.config;
    const split = config.split;
    if (split === null) return this.because(Reason.NoSplit, config.fallback);
    const holdout = this.holdout;
    if (holdout !== null && holdout.has(this.anonymousId)) return this.because(Reason.Holdout, config.fallback);
    const slice = config.slice;
    if (slice !== null && !slice.has(this.anonymousId)) return this.because(Reason.Layer, config.fallback);
    const key = split.subject.key(this.anonymousId);
    if (key === null) return this.because(Reason.NoKey, config.fallback);
    this.place = split.bucketing.placeOf(key);
    const variant = split.allocation.at(this.place);
    if (config.measure) this.fingerprint = hash64(key, this.seed + variant);
    return this.because(Reason.Split, variant);
  }

  private because(reason: Reason, variant: i32): i32 {
    this.reason = reason;
    return variant;
  }
}
