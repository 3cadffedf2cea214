export { Dispersion } from "./dispersion.ts";
export { mergeBins, quantileOf, type Bin } from "./histogram.ts";
export {
  addCounts,
  compareProportions,
  NONE,
  wilsonInterval,
  type Count,
  type Difference,
  type Interval,
} from "./proportions.ts";
export { cautiousRate, SequentialTest, type SequentialOptions, type WindowCounts } from "./sequential.ts";
export { chiSquareTail, goodnessOfFit, independence, type ChiSquareTest } from "./tests.ts";
