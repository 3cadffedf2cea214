// An experiment as it is configured.

import { ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../common/lists";
import { isPlainName, ownHeaderName, plainName } from "../common/names";
import { RequestMatch } from "../common/request-match";
import { TimeWindow } from "../common/time-window";
import { Allocation, PLACES } from "./allocation";
import { ALGORITHMS, Bucketing, UNLEASH, bucketing } from "./bucketing";
import { Effect } from "./effect";
import { Force } from "./force";
import { Layer, Population, layerOf } from "./population";
import { Subject } from "./subject";


@final
export class ExperimentConfig {
  readonly name: string;
  /** The request header that is set to the variant's name. */
  readonly header: string;
  /** The response header that is set to it, or nothing. */
  readonly responseHeader: string;
  /** Whether the variant is put into filter state, for access logs. */
  readonly filterState: bool;
  readonly enabled: bool;
  /** Null for all times. */
  readonly active: TimeWindow | null;
  /** Which requests it is for; null for all. */
  readonly when: RequestMatch | null;
  readonly force: Force | null;
  /** Whether keys of the holdout stay out of it. */
  readonly holdsOut: bool;
  /** Its part of a layer, or null. */
  slice: Population | null = null;
  /** Whether requests, errors, latency and keys are counted for each variant. */
  readonly measure: bool;
  /** Names of all variants; elsewhere a variant is its position in here. */
  variants: string[] = [];
  rules: RuleConfig[] = [];
  readonly split: SplitConfig | null;
  /** The variant where nothing else decides. */
  fallback: i32 = 0;
  /** What a variant does, by variant; null for nothing. */
  effects: (Effect | null)[] = [];
  private effectOrder: i32[] = [];

  /** @param anonymous Whether there is an `anonymousId`. */
  constructor(
    readonly object: ConfigObject,
    layers: Layer[],
    anonymous: bool,
  ) {
    this.name = plainName(object, "name");
    this.header = ownHeaderName(object, "header");
    this.responseHeader = object.has("responseHeader") ? ownHeaderName(object, "responseHeader") : "";
    this.filterState = object.boolOr("filterState", false);
    this.enabled = object.boolOr("enabled", true);
    this.measure = object.boolOr("measure", false);
    const active = object.objectOrNull("active");
    this.active = active === null ? null : TimeWindow.read(active);
    const when = object.objectOrNull("when");
    this.when = when === null ? null : RequestMatch.read(when);
    const force = object.objectOrNull("force");
    this.force = force === null ? null : new Force(force);
    this.holdsOut = object.boolOr("holdout", true);
    const split = object.objectOrNull("split");
    this.split = split === null ? null : new SplitConfig(split, this.name, this.variants, anonymous);
    this.fallback = this.variant(object, "default");
    this.readRules();
    this.readLayer(layers);
    this.readEffects();
  }

  get changesResponses(): bool {
    for (let i = 0; i < this.effects.length; ++i) {
      const effect = this.effects[i];
      if (effect !== null && effect.changesResponses) return true;
    }
    return this.responseHeader.length > 0;
  }

  /** The first element of all paths that it is for; empty where it can be for any path. */
  get firstElement(): string {
    const when = this.when;
    return when === null ? "" : when.firstPathElement;
  }

  get hasFaults(): bool {
    for (let i = 0; i < this.effects.length; ++i) {
      const effect = this.effects[i];
      if (effect !== null && effect.fault !== null) return true;
    }
    return false;
  }

  /** The field whose decision is on this header; empty where there is none. */
  readerOf(header: string): string {
    for (let i = 0; i < this.rules.length; ++i) {
      if (this.rules[i].match.reads(header)) return `rules[${i}].match`;
    }
    const when = this.when;
    if (when !== null && when.reads(header)) return "when";
    const force = this.force;
    if (force !== null && force.reads(header)) return "force";
    const split = this.split;
    if (split === null) return "";
    const value = split.subject.valueOf(header);
    return value < 0 ? "" : `split.key[${value}]`;
  }

  /** The item of `effects` that changes a request header of this name, or -1. */
  effectOn(header: string): i32 {
    for (let i = 0; i < this.effectOrder.length; ++i) {
      const effect = this.effects[this.effectOrder[i]];
      if (effect !== null && effect.changesRequestHeader(header)) return i;
    }
    return -1;
  }

  private readRules(): void {
    const object = this.object;
    const rules = object.objects("rules");
    refuseEmpty(object, "rules", rules.length);
    for (let i = 0; i < rules.length; ++i) {
      const match = RequestMatch.read(rules[i].object("match"));
      this.rules.push(new RuleConfig(match, this.variant(rules[i], "variant")));
    }
  }

  private readLayer(layers: Layer[]): void {
    const object = this.object.objectOrNull("layer");
    if (object === null) return;
    const layer = layerOf(layers, object.string("name"));
    if (layer === null) object.error("name", "the name of one of layers");
    else this.slice = layer.slice(object);
  }

  private readEffects(): void {
    const objects = this.object.objects("effects");
    refuseEmpty(this.object, "effects", objects.length);
    const effects = this.effects;
    for (let i = 0; i < objects.length; ++i) {
      const variant = this.variant(objects[i], "variant");
      while (effects.length <= variant) effects.push(null);
      if (effects[variant] !== null) objects[i].error("variant", "a variant that no effect before is of");
      effects[variant] = new Effect(objects[i]);
      this.effectOrder.push(variant);
    }
    while (effects.length < this.variants.length) effects.push(null);
  }

  /** A field that names a variant: one of the split's, if there is a split. */
  private variant(object: ConfigObject, field: string): i32 {
    const name = plainName(object, field);
    const index = this.variants.indexOf(name);
    if (index >= 0) return index;
    if (this.split !== null && isPlainName(name)) {
      object.error(field, `one of the split's variants "${this.variants.join('", "')}"`);
    }
    return this.variants.push(name) - 1;
  }
}

/** Requests that get one variant. */
@final
export class RuleConfig {
  constructor(
    readonly match: RequestMatch,
    readonly variant: i32,
  ) {}
}

/** What keys are dealt out by. */
@final
export class SplitConfig {
  readonly subject: Subject;
  readonly bucketing: Bucketing;
  readonly allocation: Allocation;

  constructor(object: ConfigObject, experiment: string, names: string[], anonymous: bool) {
    this.subject = new Subject(object, anonymous);
    const algorithm = object.oneOfOr("algorithm", ALGORITHMS, 0);
    const allocation = readAllocation(object, names, algorithm == UNLEASH);
    this.allocation = allocation;
    this.bucketing = bucketing(algorithm, object.stringOr("salt", ""), experiment, max<u32>(allocation.size, 1));
  }
}

/**
 * Reads the ranges and appends the names of their variants, each once.
 * @param anySum Whether the weights may add up to anything.
 */
function readAllocation(object: ConfigObject, names: string[], anySum: bool): Allocation {
  const allocation = new Allocation();
  const ranges = object.objects("variants");
  for (let i = 0; i < ranges.length; ++i) {
    const name = plainName(ranges[i], "name");
    if (!names.includes(name)) names.push(name);
    allocation.add(names.indexOf(name), <u32>ranges[i].integer("weight", 0, PLACES));
  }
  if (anySum) {
    if (allocation.size == 0) object.error("variants", "weights that add up to 1 or more");
  } else if (allocation.size != PLACES) {
    object.error("variants", `weights that add up to ${PLACES} (100 %) and not to ${allocation.size}`);
  }
  return allocation;
}
