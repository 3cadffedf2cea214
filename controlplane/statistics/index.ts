export { mergeBins, quantileOf, type Bin } from "./histogram.ts";
export { compareProportions, wilsonInterval, type Count, type Difference, type Interval } from "./proportions.ts";
export {
  cautiousRate,
  SequentialTest,
  type Exposure,
  type SequentialOptions,
  type WindowCounts,
} from "./sequential.ts";
export { chiSquareTail, goodnessOfFit, independence, type ChiSquareTest } from "./tests.ts";
