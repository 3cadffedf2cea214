export { addFigures, readFigures, STATS_PATH, type Figures } from "./envoy-stats.ts";
export { experimentsOf, keySourcesOf, sharesOf, type Experiment, type KeySource } from "./experiments.ts";
export { figuresOfTotals, isOfExperiments } from "./fleet-figures.ts";
export {
  explainAssignment,
  propertiesOf,
  type AbExplanation,
  type AbRequest,
  type ExperimentOutcome,
} from "./explain.ts";
export { formatAssignment } from "./format-explanation.ts";
export { formatChanges, formatSource, formatSplit } from "./format-split.ts";
export { formatStanding } from "./format-standing.ts";
export { readAbRequests, unexpected, type AbRequestSpec } from "./requests.ts";
export { checkConfiguration, drawKeys, type Drawn, type DrawOptions } from "./simulation.ts";
export {
  changesBetween,
  splitReport,
  type Change,
  type ExperimentSplit,
  type Pair,
  type SplitReport,
} from "./split-report.ts";
export { MISMATCH_BELOW, standingsOf, type Standing, type VariantStanding } from "./standing.ts";
