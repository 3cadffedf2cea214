/** Why an experiment gave what it gave; the filter's README explains each. */
export type Reason =
  "notTargeted" | "disabled" | "outOfTime" | "forced" | "rule" | "holdout" | "layer" | "noSplit" | "noKey" | "split";

/** A line of the filter's log about an experiment and a request. */
export interface Assignment {
  readonly experiment: string;
  /** Null where the experiment is not for the request. */
  readonly variant: string | null;
  readonly reason: Reason;
  /** Where `rules` decided. */
  readonly rule?: number;
  /** Of the key, where the split decided: from 0 to one less than the sum of the weights. */
  readonly place?: number;
}

const START = '{"ab":"assignment"';

/** The assignment that a line of the log tells; undefined for another line. */
export function assignmentOf(message: string): Assignment | undefined {
  return message.startsWith(START) ? (JSON.parse(message) as Assignment) : undefined;
}
