import { Caller } from "../authentication/caller";
import { Key } from "./key";
import { RequestView } from "./request-view";

/**
 * One condition of a rule.
 *
 * Where a request has several values, or one that cannot be read, it is not plain whether a condition holds. The side on
 * which to err is that of refusing: `strict` conditions, those of `allow` rules, hold if all values pass and none is in doubt;
 * others hold if any value passes or is in doubt.
 */
export abstract class Condition {
  /** @param field The field of the rule, for example `paths`. */
  constructor(readonly field: string) {}

  abstract holds(request: RequestView, caller: Caller, strict: bool): bool;

  /**
   * Adds keys of which a request for which the condition holds has at least one.
   * False where there are no such keys; what was added then counts for nothing.
   */
  addKeys(keys: Key[]): bool {
    return false;
  }
}

/** Holds where another does not. What is strict inside and outside are opposites. */
@final
export class NotCondition extends Condition {
  constructor(private inner: Condition) {
    super(`not.${inner.field}`);
  }

  holds(request: RequestView, caller: Caller, strict: bool): bool {
    return !this.inner.holds(request, caller, !strict);
  }
}
