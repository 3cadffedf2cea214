// The variants of a request in all experiments.

import { LogLevel, currentTimeSeconds, isLogging, logDebug } from "proxy-wasm-assemblyscript-sdk";
import { requestPath } from "../common/request";
import { AnonymousId } from "./anonymous-id";
import { AbRoutingConfig } from "./config";
import { Experiment } from "./experiment";
import { Exposures } from "./exposures";
import { VariantMetrics } from "./measure";
import { OwnHeaders } from "./own-headers";
import { REASONS, Reason } from "./reason";
import { Targets } from "./targets";
import { Variant } from "./variant";

/** Decides on all experiments; one object serves all requests. */
@final
export class Assignment {
  /** The variants of the request that is being looked at, of the experiments that are for it. */
  variants: Variant[] = [];
  /** Where it is to be counted when it is over: its variants that a split dealt out. */
  measured: VariantMetrics[] = [];
  /** Whether something is to be remembered of a stream for its response or its end. */
  remembers: bool;
  /** Whether a variant has a fault. */
  hasFaults: bool = false;
  private experiments: Experiment[] = [];
  private targets: Targets;
  private ownHeaders: OwnHeaders;
  private anonymousId: AnonymousId | null;
  private exposures: Exposures = new Exposures();
  private tellsTime: bool = false;

  constructor(config: AbRoutingConfig) {
    this.anonymousId = config.anonymousId;
    this.remembers = config.anonymousId !== null;
    this.targets = new Targets(config.experiments);
    this.ownHeaders = new OwnHeaders(config.experiments);
    for (let i = 0; i < config.experiments.length; ++i) {
      const one = config.experiments[i];
      this.experiments.push(new Experiment(one, config.anonymousId, config.holdout));
      this.remembers = this.remembers || one.changesResponses || one.measure;
      this.hasFaults = this.hasFaults || one.hasFaults;
      this.tellsTime = this.tellsTime || one.active !== null;
    }
  }

  /** The `set-cookie` header that the client of the current request is to get; empty for none. */
  get issuedCookie(): string {
    const anonymousId = this.anonymousId;
    return anonymousId === null ? "" : anonymousId.issued;
  }

  /** Decides by the request as it came, and only then changes it. */
  assign(): void {
    const anonymousId = this.anonymousId;
    if (anonymousId !== null) anonymousId.begin();
    this.variants.length = 0;
    this.measured.length = 0;
    this.ownHeaders.begin();
    const tells = isLogging(LogLevel.Debug);
    const now: i64 = this.tellsTime ? <i64>currentTimeSeconds() : 0;
    const numbers = this.targets.hasElements ? this.targets.of(requestPath()) : this.targets.forAll;
    for (let i = 0; i < numbers.length; ++i) {
      const number = unchecked(numbers[i]);
      const experiment = unchecked(this.experiments[number]);
      const variant = experiment.choose(now);
      if (tells) tell(experiment, variant);
      if (variant !== null) this.take(number, experiment, variant);
    }
    this.changeRequest();
  }

  private take(number: i32, experiment: Experiment, variant: Variant): void {
    this.variants.push(variant);
    this.ownHeaders.told(number);
    variant.record();
    const metrics = variant.metrics;
    if (metrics === null || experiment.reason != Reason.Split) return;
    if (this.exposures.add(experiment.fingerprint)) metrics.countExposure();
    this.measured.push(metrics);
  }

  private changeRequest(): void {
    const variants = this.variants;
    if (variants.length < this.experiments.length) this.ownHeaders.removeForeign();
    for (let i = 0; i < variants.length; ++i) unchecked(variants[i]).changeRequest();
  }
}

/** One line of JSON for an experiment and a request. */
function tell(experiment: Experiment, variant: Variant | null): void {
  const name = variant === null ? "null" : `"${variant.name}"`;
  const reason = experiment.reason;
  const place = reason == Reason.Split ? `,"place":${experiment.place}` : "";
  const rule = reason == Reason.Rule ? `,"rule":${experiment.rule}` : "";
  const why = REASONS[reason];
  logDebug(`{"ab":"assignment","experiment":"${experiment.name}","variant":${name},"reason":"${why}"${rule}${place}}`);
}
