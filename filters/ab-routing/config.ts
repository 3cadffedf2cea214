// The configuration of the filter; README.md describes the fields.

import { Bytes, Config, ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../common/lists";
import { isPlainName, ownHeaderName, plainName } from "../common/names";
import { RequestMatch } from "../common/request-match";
import { readValues } from "../common/values/read";
import { RequestValue } from "../common/values/request-value";
import { Allocation, PLACES } from "./allocation";

const MAX_EXPERIMENTS: i32 = 64;

/** Reads a configuration. Null when it is not good; the log then says why. */
export function readExperiments(configuration: Bytes): ExperimentConfig[] | null {
  const config = new Config(configuration);
  const objects = config.root.objects("experiments");
  if (objects.length == 0 || objects.length > MAX_EXPERIMENTS) {
    config.root.error("experiments", `1 to ${MAX_EXPERIMENTS} experiments`);
  }
  const experiments: ExperimentConfig[] = [];
  for (let i = 0; i < objects.length; ++i) {
    const experiment = new ExperimentConfig(objects[i]);
    for (let k = 0; k < i; ++k) refuseSame(experiment, experiments[k], objects[i]);
    experiments.push(experiment);
  }
  for (let i = 0; i < experiments.length; ++i) refuseOwnHeaders(experiments[i], experiments, config);
  return config.accept() ? experiments : null;
}

/** An experiment as it is configured. */
@final
export class ExperimentConfig {
  name: string;
  /** The request header that is set to the variant's name. */
  header: string;
  /** The response header that is set to it, or nothing. */
  responseHeader: string;
  /** Whether the variant is put into filter state, for access logs. */
  filterState: bool;
  /** Names of all variants; elsewhere a variant is its position in here. */
  variants: string[] = [];
  rules: RuleConfig[] = [];
  split: SplitConfig | null;
  /** The variant without a rule that matches and without a key. */
  fallback: i32 = 0;

  constructor(readonly object: ConfigObject) {
    this.name = plainName(object, "name");
    this.header = ownHeaderName(object, "header");
    this.responseHeader = object.has("responseHeader") ? ownHeaderName(object, "responseHeader") : "";
    this.filterState = object.boolOr("filterState", false);
    const split = object.objectOrNull("split");
    this.split = split === null ? null : new SplitConfig(split, this.variants);
    this.fallback = this.variant(object, "default");
    const rules = object.objects("rules");
    refuseEmpty(object, "rules", rules.length);
    for (let i = 0; i < rules.length; ++i) {
      const match = RequestMatch.read(rules[i].object("match"));
      this.rules.push(new RuleConfig(match, this.variant(rules[i], "variant")));
    }
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
  /** The first of these that a request has is its key. */
  key: RequestValue[];
  salt: string;
  allocation: Allocation;

  constructor(object: ConfigObject, names: string[]) {
    this.key = readValues(object, "key");
    if (!object.has("key")) object.error("key", "an array of at least one item");
    this.salt = object.stringOr("salt", "");
    this.allocation = readAllocation(object, names);
  }
}

/** Reads the ranges and appends the names of their variants, each once. */
function readAllocation(object: ConfigObject, names: string[]): Allocation {
  const allocation = new Allocation();
  const ranges = object.objects("variants");
  for (let i = 0; i < ranges.length; ++i) {
    const name = plainName(ranges[i], "name");
    if (!names.includes(name)) names.push(name);
    allocation.add(names.indexOf(name), <u32>ranges[i].integer("weight", 0, PLACES));
  }
  if (allocation.size != PLACES) {
    object.error("variants", `weights that add up to ${PLACES} (100 %) and not to ${allocation.size}`);
  }
  return allocation;
}

function refuseSame(experiment: ExperimentConfig, before: ExperimentConfig, object: ConfigObject): void {
  if (experiment.name.length && experiment.name == before.name) {
    object.error("name", "a name that no experiment before has");
  }
  if (experiment.header.length && experiment.header == before.header) {
    object.error("header", "a header that no experiment before sets");
  }
  if (experiment.responseHeader.length && experiment.responseHeader == before.responseHeader) {
    object.error("responseHeader", "a header that no experiment before sets");
  }
}

/** Whatever decides must not be a header that the filter sets itself: it would be the client's copy that is read. */
function refuseOwnHeaders(experiment: ExperimentConfig, all: ExperimentConfig[], config: Config): void {
  for (let i = 0; i < all.length; ++i) {
    const header = all[i].header;
    const why = `expected a header that no experiment sets, found "${header}"`;
    for (let k = 0; k < experiment.rules.length; ++k) {
      if (experiment.rules[k].match.reads(header)) config.error(`${experiment.object.path}.rules[${k}].match`, why);
    }
    const split = experiment.split;
    if (split === null) continue;
    for (let k = 0; k < split.key.length; ++k) {
      if (split.key[k].reads(header)) config.error(`${experiment.object.path}.split.key[${k}]`, why);
    }
  }
}
