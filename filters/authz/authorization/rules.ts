// Rules in their order, and how the one that decides is found.

import { ConfigObject, logWarn } from "proxy-wasm-assemblyscript-sdk";
import { Caller } from "../authentication/caller";
import { CandidateIndex } from "./candidate-index";
import { RequestView } from "./request-view";
import { Action, Rule } from "./rule";

const EVALUATIONS: string[] = ["firstMatch", "precedence"];

/** The rules of a configuration, in the order in which they are evaluated. */
@final
export class Rules {
  /** In the order of the configuration. */
  readonly all: Rule[] = [];
  /** Rules that matched in the last `decide` and change nothing; overwritten by the next. */
  readonly observed: Rule[] = [];
  /** Whether the order is that of actions, as in Istio, and not that of the configuration. */
  readonly byPrecedence: bool;
  /** Whether a request that no rule decides on passes. */
  readonly allowsByDefault: bool;
  /** In the order in which they are evaluated. */
  ordered: Rule[] = [];
  private index: CandidateIndex = new CandidateIndex([]);
  /** How many rules stand in front of the first that does other than allow. */
  private leadingAllows: i32 = 0;

  constructor(root: ConfigObject) {
    const objects = root.objects("rules");
    if (objects.length == 0) root.error("rules", "at least one rule");
    const names = new Set<string>();
    let hasAllow = false;
    for (let i = 0; i < objects.length; ++i) {
      const rule = new Rule(objects[i]);
      if (rule.name.length && names.has(rule.name)) objects[i].error("name", "a name that no rule before has");
      names.add(rule.name);
      this.all.push(rule);
      hasAllow = hasAllow || (rule.allow && !rule.shadow);
    }
    const byPrecedence: bool = root.oneOfOr("evaluation", EVALUATIONS, 0) == 1;
    this.byPrecedence = byPrecedence;
    // As in Istio: no rule that allows, then whatever is not denied is allowed.
    this.allowsByDefault = byPrecedence && !hasAllow;
    this.ordered = byPrecedence ? inPrecedence(this.all) : this.all;
    for (let i = 0; i < this.ordered.length; ++i) this.ordered[i].order = i;
    if (!byPrecedence) warnOfUnreachable(this.all);
    this.index = new CandidateIndex(this.ordered);
    while (this.leadingAllows < this.ordered.length && this.ordered[this.leadingAllows].isStrict) ++this.leadingAllows;
  }

  /**
   * The rule that decides on a request: the first that matches and is no observer. Null when there is none, and
   * `allowsByDefault` decides.
   * @param after By precedence, the `external` rule whose authorizer has let the request go on; else null.
   * @param anyAllow Whether of several rules that allow, one after the other, any will do: nobody asks for the name of the first.
   */
  decide(request: RequestView, caller: Caller, after: Rule | null = null, anyAllow: bool = false): Rule | null {
    if (after === null) this.observed.length = 0;
    const from = after === null ? 0 : after.order + 1;
    const index = this.index;
    if (anyAllow && after === null && index.needsHost && this.leadingAllows > 0) {
      const found = this.allowing(request, caller);
      if (found !== null) return found;
    }
    index.begin(request, caller);
    for (let i = index.next(request); i >= 0; i = index.next(request)) {
      if (i < from) continue;
      const rule = unchecked(this.ordered[i]);
      // One authorizer is asked for a request: that of the first rule.
      if (after !== null && rule.action == Action.External) continue;
      if (!rule.matches(request, caller)) continue;
      if (!rule.isObserver) return rule;
      this.observed.push(rule);
    }
    return null;
  }

  /** One of the rules at the front that all allow, if one is found that matches and that takes no call of the host to find. */
  private allowing(request: RequestView, caller: Caller): Rule | null {
    const index = this.index;
    index.begin(request, caller);
    for (let i = index.nextWithoutHost(); i >= 0 && i < this.leadingAllows; i = index.nextWithoutHost()) {
      const rule = unchecked(this.ordered[i]);
      if (rule.matches(request, caller)) return rule;
    }
    return null;
  }

  /** The scope that would have let a caller in whom no rule matches; empty where none would. Costs what `decide` does. */
  missingScope(request: RequestView, caller: Caller): string {
    const index = this.index;
    index.begin(request, caller);
    for (let i = index.next(request); i >= 0; i = index.next(request)) {
      const scope = unchecked(this.ordered[i]).missingScope(request, caller);
      if (scope.length) return scope;
    }
    return "";
  }
}

/** Observers, external, deny, allow: the first that matches is then the one that has precedence. */
function inPrecedence(rules: Rule[]): Rule[] {
  const ordered: Rule[] = [];
  for (let i = 0; i < rules.length; ++i) if (rules[i].isObserver) ordered.push(rules[i]);
  addActing(rules, Action.External, ordered);
  addActing(rules, Action.Deny, ordered);
  addActing(rules, Action.Allow, ordered);
  return ordered;
}

function addActing(rules: Rule[], action: Action, ordered: Rule[]): void {
  for (let i = 0; i < rules.length; ++i) {
    if (rules[i].action == action && !rules[i].isObserver) ordered.push(rules[i]);
  }
}

function warnOfUnreachable(rules: Rule[]): void {
  for (let i = 0; i < rules.length - 1; ++i) {
    if (rules[i].isObserver || rules[i].conditions.length) continue;
    logWarn(`rules[${i + 1}]: never reached, since rules[${i}] matches every request`);
    return;
  }
}
