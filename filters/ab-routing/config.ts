// The configuration of the filter; README.md describes the fields.

import { Bytes, Config } from "proxy-wasm-assemblyscript-sdk";
import { AnonymousId } from "./anonymous-id";
import { ExperimentConfig } from "./experiment-config";
import { Layer, Population, readHoldout, readLayers } from "./population";

const MAX_EXPERIMENTS: i32 = 256;

/** A configuration that is good. */
@final
export class AbRoutingConfig {
  anonymousId: AnonymousId | null = null;
  /** Keys that are in no experiment. */
  holdout: Population | null = null;
  experiments: ExperimentConfig[] = [];

  /** Null when the configuration is not good; the log then says why. */
  static read(configuration: Bytes): AbRoutingConfig | null {
    const config = new Config(configuration);
    const root = config.root;
    const result = new AbRoutingConfig();
    const anonymousId = root.objectOrNull("anonymousId");
    if (anonymousId !== null) result.anonymousId = new AnonymousId(anonymousId);
    const holdout = root.objectOrNull("holdout");
    if (holdout !== null) result.holdout = readHoldout(holdout, anonymousId !== null);
    const layers = readLayers(root, anonymousId !== null);
    result.readExperiments(config, layers);
    return config.accept() ? result : null;
  }

  private readExperiments(config: Config, layers: Layer[]): void {
    const objects = config.root.objects("experiments");
    if (objects.length == 0 || objects.length > MAX_EXPERIMENTS) {
      config.root.error("experiments", `1 to ${MAX_EXPERIMENTS} experiments`);
    }
    const experiments = this.experiments;
    for (let i = 0; i < objects.length; ++i) {
      const experiment = new ExperimentConfig(objects[i], layers, this.anonymousId !== null);
      for (let k = 0; k < i; ++k) refuseSame(experiment, experiments[k]);
      experiments.push(experiment);
    }
    for (let i = 0; i < experiments.length; ++i) refuseOwnHeaders(experiments[i], experiments, config);
  }
}

function refuseSame(experiment: ExperimentConfig, before: ExperimentConfig): void {
  const object = experiment.object;
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
    const reader = experiment.readerOf(header);
    if (reader.length) {
      config.error(
        `${experiment.object.path}.${reader}`,
        `expected a header that no experiment sets, found "${header}"`,
      );
    }
    const effect = experiment.effectOn(header);
    if (effect >= 0) {
      const path = `${experiment.object.path}.effects[${effect}].requestHeaders`;
      config.error(path, `expected headers that tell no variant, found "${header}"`);
    }
  }
}
