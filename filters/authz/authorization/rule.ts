import { ConfigObject, Counter, LogLevel, isLogging, logInfo } from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../../common/lists";
import { plainName } from "../../common/names";
import { Caller } from "../authentication/caller";
import { ClaimCondition } from "./claim-match";
import { Condition, NotCondition } from "./condition";
import { ExpressionCondition } from "./expression-condition";
import { HeaderMatch } from "./header-match";
import { HostsCondition } from "./host-match";
import { PathsCondition } from "./path-match";
import { PrincipalMatch, PrincipalTest, PrincipalsCondition } from "./principal-match";
import { QueryMatch } from "./query-match";
import { AddressCondition, MethodsCondition, PortsCondition, TimesCondition } from "./request-conditions";
import { RequestView } from "./request-view";

/** What a rule does, in the order of `ACTIONS`. */
export enum Action {
  Deny,
  Allow,
  /** Counts and logs, and changes nothing. */
  Audit,
  /** Asks an external authorizer. */
  External,
}

const ACTIONS: string[] = ["deny", "allow", "audit", "external"];

/** Conditions on a request, and what to do when all of them hold. */
@final
export class Rule {
  readonly name: string;
  readonly action: Action;
  /** Whether it only tells what it would do. */
  readonly shadow: bool;
  /** The name of the external authorizer, or the empty string. */
  authorizer: string = "";
  /** Whether it depends on who the caller is, and not on the request alone. */
  readonly asksForCaller: bool;
  /** In the order in which they are looked at, cheap ones first. */
  readonly conditions: Condition[] = [];
  readonly headers: HeaderMatch[] = [];
  /** Everything that the rule asks of the caller, also inside of other principals. */
  readonly principals: PrincipalMatch[] = [];
  /** The providers that its conditions on claims name. */
  readonly claimProviders: string[] = [];
  /** The place in the order of evaluation. */
  order: i32 = 0;
  private observed: Counter | null = null;

  constructor(object: ConfigObject) {
    this.name = plainName(object, "name");
    this.action = object.oneOf("action", ACTIONS);
    this.shadow = object.boolOr("shadow", false);
    this.authorizer = this.action == Action.External ? object.string("authorizer") : "";
    const conditions = this.conditions;
    readRequestConditions(object, conditions);
    const principals = object.has("principals") ? PrincipalsCondition.read(object) : this.everybody();
    this.addPrincipals(principals);
    if (!principals.isAny) conditions.push(principals);
    const claims = object.objects("claims");
    refuseEmpty(object, "claims", claims.length);
    for (let i = 0; i < claims.length; ++i) conditions.push(this.readClaim(claims[i]));
    const headers = object.objects("headers");
    refuseEmpty(object, "headers", headers.length);
    for (let i = 0; i < headers.length; ++i) {
      const header = new HeaderMatch(headers[i]);
      this.headers.push(header);
      conditions.push(header);
    }
    const notAsks = this.readNot(object.objectOrNull("not"));
    this.asksForCaller = notAsks || object.has("principals") || claims.length > 0;
    const expressions = object.strings("when");
    refuseEmpty(object, "when", expressions.length);
    for (let i = 0; i < expressions.length; ++i) conditions.push(new ExpressionCondition(object, expressions[i]));
  }

  /** Whether it lets requests pass. */
  get allow(): bool {
    return this.action == Action.Allow;
  }

  /** Whether a request cannot pass by what a condition leaves in doubt. */
  get isStrict(): bool {
    return this.action == Action.Allow && !this.shadow;
  }

  /** Whether it is counted and logged only. */
  get isObserver(): bool {
    return this.shadow || this.action == Action.Audit;
  }

  matches(request: RequestView, caller: Caller): bool {
    return this.firstFailing(request, caller) < 0;
  }

  /**
   * The field of the first condition that does not hold, for example `not.paths`; empty when all hold. Where a field has several
   * conditions that all must hold, the item is named too: `claims[1]`.
   */
  explain(request: RequestView, caller: Caller): string {
    const failing = this.firstFailing(request, caller);
    if (failing < 0) return "";
    const field = this.conditions[failing].field;
    let index = 0;
    let count = 0;
    for (let i = 0; i < this.conditions.length; ++i) {
      if (this.conditions[i].field != field) continue;
      if (i < failing) ++index;
      ++count;
    }
    return count > 1 ? `${field}[${index}]` : field;
  }

  /** The scope for want of which an `allow` rule does not match a caller with a token (RFC 6750, section 3.1); empty otherwise. */
  missingScope(request: RequestView, caller: Caller): string {
    if (!this.isStrict || caller.identity === null) return "";
    let missing = "";
    for (let i = 0; i < this.conditions.length; ++i) {
      const condition = unchecked(this.conditions[i]);
      if (condition.holds(request, caller, true)) continue;
      const scope = condition instanceof ClaimCondition ? (condition as ClaimCondition).scope : "";
      if (scope.length == 0) return "";
      missing = missing.length ? `${missing} ${scope}` : scope;
    }
    return missing;
  }

  /** Counts and logs that a rule matched that changes nothing. */
  observe(): void {
    let counter = this.observed;
    if (counter === null) this.observed = counter = new Counter(`authz.observed.${this.name}`);
    counter.increment();
    if (isLogging(LogLevel.Info))
      logInfo(`${this.shadow ? "shadow" : "audit"} rule ${this.name} matched: ${ACTIONS[this.action]}`);
  }

  private firstFailing(request: RequestView, caller: Caller): i32 {
    const conditions = this.conditions;
    const strict = this.isStrict;
    for (let i = 0; i < conditions.length; ++i) {
      if (!unchecked(conditions[i]).holds(request, caller, strict)) return i;
    }
    return -1;
  }

  /** A rule that says nothing of the caller lets nobody in without credentials, and is for everybody else otherwise. */
  private everybody(): PrincipalsCondition {
    return new PrincipalsCondition([
      new PrincipalMatch(this.isStrict ? PrincipalTest.Authenticated : PrincipalTest.Any),
    ]);
  }

  private addPrincipals(condition: PrincipalsCondition): void {
    for (let i = 0; i < condition.principals.length; ++i) condition.principals[i].addTo(this.principals);
  }

  private readClaim(object: ConfigObject): ClaimCondition {
    const condition = new ClaimCondition(object);
    if (condition.provider.length) this.claimProviders.push(condition.provider);
    return condition;
  }

  /** Reads what must not be so. Whether something of it is about the caller. */
  private readNot(object: ConfigObject | null): bool {
    if (object === null) return false;
    const inner: Condition[] = [];
    readRequestConditions(object, inner);
    const claims = object.objects("claims");
    refuseEmpty(object, "claims", claims.length);
    for (let i = 0; i < claims.length; ++i) inner.push(this.readClaim(claims[i]));
    const hasPrincipals = object.has("principals");
    if (hasPrincipals) {
      const principals = PrincipalsCondition.read(object);
      this.addPrincipals(principals);
      inner.push(principals);
    }
    for (let i = 0; i < inner.length; ++i) this.conditions.push(new NotCondition(inner[i]));
    return hasPrincipals || claims.length > 0;
  }
}

/** What a rule and its `not` have alike. */
function readRequestConditions(object: ConfigObject, conditions: Condition[]): void {
  if (object.has("methods")) conditions.push(new MethodsCondition(object));
  if (object.has("paths")) conditions.push(new PathsCondition(object));
  if (object.has("hosts")) conditions.push(new HostsCondition(object));
  const query = object.objects("query");
  refuseEmpty(object, "query", query.length);
  for (let i = 0; i < query.length; ++i) conditions.push(new QueryMatch(query[i]));
  if (object.has("sources")) conditions.push(new AddressCondition(object, "sources"));
  if (object.has("peers")) conditions.push(new AddressCondition(object, "peers"));
  if (object.has("times")) conditions.push(new TimesCondition(object));
  if (object.has("ports")) conditions.push(new PortsCondition(object));
}
