export { compare } from "./compare.ts";
export { Explainer } from "./explainer.ts";
export type { Explanation, RuleOutcome } from "./explanation.ts";
export { formatExplanation } from "./format.ts";
export {
  readRequests,
  type Decision,
  type Expected,
  type ExternalAnswer,
  type RequestSpec,
  type RequestTable,
} from "./requests.ts";
