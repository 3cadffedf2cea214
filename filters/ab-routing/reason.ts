/** Why a request has its variant. */
export enum Reason {
  /** The experiment is not for this request. */
  NotTargeted,
  /** It is switched off. */
  Disabled,
  /** It has not begun, or is over. */
  OutOfTime,
  /** The client, or whoever may, named the variant. */
  Forced,
  Rule,
  /** The key is held out of all experiments. */
  Holdout,
  /** The key is in another experiment of the layer, or in none. */
  Layer,
  /** There is no split. */
  NoSplit,
  NoKey,
  Split,
}

/** As they are logged, in the order of `Reason`. */
export const REASONS: string[] = [
  "notTargeted",
  "disabled",
  "outOfTime",
  "forced",
  "rule",
  "holdout",
  "layer",
  "noSplit",
  "noKey",
  "split",
];
