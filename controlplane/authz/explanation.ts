import type { Json } from "../model/index.ts";
import type { LocalAnswer, RequestSummary, UpstreamRequest } from "../explain/index.ts";
import type { Decision } from "./requests.ts";

/** What the filter made of one request. It holds no credential: no header of the request, and no query. */
export interface Explanation {
  readonly name?: string;
  readonly request: RequestSummary;
  /** `undecided`: an external authorizer is asked, and it was not said what it answers. */
  readonly decision: Decision;
  /** Why it was denied, as the metrics call it. */
  readonly reason?: string;
  /** The rule that decided, or whose authorizer is asked; left out if none did. */
  readonly rule?: string;
  /** Whether the request passes although it is denied. */
  readonly dryRun: boolean;
  /** Who calls, if a credential was good. */
  readonly principal?: string;
  /** Every rule that was looked at, in the order of evaluation; none if the request was refused before. */
  readonly rules: readonly RuleOutcome[];
  /** The authorizer that was asked, and what it was taken to say. */
  readonly external?: { readonly authorizer: string; readonly answer?: string };
  /** What the client gets in place of the upstream's response. */
  readonly response?: LocalAnswer;
  /** How the request is changed on its way to the upstream; left out if it does not get there. */
  readonly upstream?: UpstreamRequest;
}

export interface RuleOutcome {
  readonly name: string;
  readonly action: string;
  /** Whether it only tells what it would do. */
  readonly shadow: boolean;
  readonly matches: boolean;
  /** The first condition that does not hold, such as `not.paths` or `claims[1]`. */
  readonly failed?: string;
  /** What the rule says there; values of headers and of the query are left out. Missing where the rule says nothing. */
  readonly condition?: Json;
}
