// A request's way through the filter.

import {
  Counter,
  FilterHeadersStatus,
  HeaderName,
  HttpContext,
  LogLevel,
  continueRequest,
  isLogging,
  logDebug,
  requestHeaders,
} from "proxy-wasm-assemblyscript-sdk";
import { DecisionLog } from "./answer/decision-log";
import { Operating } from "./answer/operating";
import { Responses } from "./answer/responses";
import { RuleCounters } from "./answer/rule-counters";
import { Upstream, announce } from "./answer/upstream";
import { Caller } from "./authentication/caller";
import { Tokens, tokenCache } from "./authentication/tokens";
import { WaitingRequest } from "./authentication/waiting-room";
import { RequestPath, readRequestPath } from "./authorization/request-path";
import { RequestView } from "./authorization/request-view";
import { Action, Rule } from "./authorization/rule";
import { AuthzConfig } from "./config";
import { Answer, Verdict } from "./external/answer";
import { Authorizer } from "./external/authorizer";
import { AnswerHandler } from "./external/check";
import { changeResponse, leave } from "./external/outcome";
import { REASONS, Reason, isBadToken } from "./reason";

const PATH: HeaderName = new HeaderName(":path");

/** Serves every stream; what is kept of one is in its `HeldRequest`. */
export class AuthzStream extends HttpContext {
  private tokens: Tokens;
  private upstream: Upstream;
  private responses: Responses;
  private operating: Operating;
  private log: DecisionLog;
  private ruleCounters: RuleCounters = new RuleCounters();
  private caller: Caller = new Caller();
  private request: RequestView;
  private allowed: Counter = new Counter("authz.allowed");
  private denied: Counter[] = [];
  /** The rule that decided on the current request, if one did. */
  private rule: Rule | null = null;

  constructor(private config: AuthzConfig) {
    super();
    this.tokens = new Tokens(config.providers, config.severalTokens, tokenCache(config.tokenCacheSize));
    this.request = new RequestView(config.trustedHops, config.peerAddressState);
    this.upstream = new Upstream(config);
    this.responses = new Responses(config);
    this.operating = config.operating;
    this.log = new DecisionLog(config.operating);
    for (let i = <i32>Reason.None + 1; i < REASONS.length; ++i) {
      this.denied.push(new Counter(`authz.denied.${REASONS[i]}`));
    }
  }

  onRequestHeaders(endOfStream: bool): FilterHeadersStatus {
    return this.judge(null);
  }

  /** @param waiting The request as it waited for keys, where it did. */
  judge(waiting: WaitingRequest | null): FilterHeadersStatus {
    this.rule = null;
    this.caller.forget();
    const reason = this.decide();
    if (reason == Reason.KeysUnavailable) {
      const request = waiting === null ? new RequestWithoutKeys(this) : waiting;
      if (this.config.waitingRoom.admit(request)) return FilterHeadersStatus.StopAllIterationAndWatermark;
    }
    const rule = this.rule;
    if (reason == Reason.External && rule !== null) return this.ask(rule);
    return this.conclude(reason, this.caller, null) ? FilterHeadersStatus.Continue : FilterHeadersStatus.StopIteration;
  }

  onResponseHeaders(endOfStream: bool): FilterHeadersStatus {
    changeResponse();
    return FilterHeadersStatus.Continue;
  }

  /** The answer to a request that was held is there. */
  resume(request: HeldRequest, answer: Answer): void {
    this.rule = request.rule;
    if (this.follow(request, answer)) continueRequest();
  }

  private ask(rule: Rule): FilterHeadersStatus {
    const authorizer = this.config.authorizer(rule.authorizer);
    if (authorizer === null) return FilterHeadersStatus.StopIteration;
    const request = new HeldRequest(this, this.caller, rule, authorizer);
    // It belongs to the request that is held.
    this.caller = new Caller();
    const answer = authorizer.check(request.caller, request);
    if (answer === null) return FilterHeadersStatus.StopAllIterationAndWatermark;
    return this.follow(request, answer) ? FilterHeadersStatus.Continue : FilterHeadersStatus.StopIteration;
  }

  /** Does as an authorizer says. Whether the request passes. */
  private follow(request: HeldRequest, answer: Answer): bool {
    if (request.authorizer.passes(answer)) return this.conclude(this.goOn(request), request.caller, answer);
    const reason = refusal(answer);
    const told = announce(request.caller);
    this.tell(reason, request.caller);
    if (this.operating.dryRun) return this.passAnyway(reason, request.caller);
    if (!told) this.responses.send(Reason.Unavailable, null);
    else if (reason == Reason.External) this.responses.sendExternal(answer, request.rule.name);
    else this.responses.sendWithoutAnswer(reason, request.authorizer.statusOnError, request.rule.name);
    return false;
  }

  /** What else has a say when an authorizer lets a request pass: by precedence, the rules behind its own. */
  private goOn(request: HeldRequest): Reason {
    if (!this.config.rules.byPrecedence) return Reason.None;
    const target = requestHeaders.find(PATH);
    const path: RequestPath | null = target === null ? null : readRequestPath(target);
    if (target === null || path === null) return Reason.BadPath;
    this.request.begin(target, path);
    return this.applyRules(request.caller, request.rule);
  }

  /** Lets the request go on, changed as it should be, or refuses it. Whether it passes. */
  private conclude(decided: Reason, caller: Caller, answer: Answer | null): bool {
    let reason = decided;
    // Whom the rules deny is in the access log, too.
    const known = reason == Reason.None || reason == Reason.Rule || reason == Reason.NoRule;
    if (known && !announce(caller)) reason = Reason.Unavailable;
    if (reason != Reason.None) return this.refuse(reason, caller);
    // The log has the request as it came.
    this.log.decision(Reason.None, this.rule, caller);
    if (!this.upstream.prepare(caller)) return this.refuse(Reason.Unavailable, caller);
    if (answer !== null && !(answer.applyToRequest() && leave(answer))) return this.refuse(Reason.Unavailable, caller);
    this.allowed.increment();
    const rule = this.rule;
    if (this.operating.countsRules && rule !== null) this.ruleCounters.count(rule.name, "allowed");
    return true;
  }

  private refuse(reason: Reason, caller: Caller): bool {
    let scope = "";
    if (reason == Reason.NoRule && caller.identity !== null)
      scope = this.config.rules.missingScope(this.request, caller);
    this.tell(reason, caller);
    if (this.operating.dryRun) return this.passAnyway(reason, caller);
    this.responses.send(reason, this.rule, scope);
    return false;
  }

  /** Counts and logs a refusal. */
  private tell(reason: Reason, caller: Caller): void {
    this.denied[reason - 1].increment();
    const rule = this.rule;
    if (this.operating.countsRules && rule !== null) this.ruleCounters.count(rule.name, "denied");
    this.log.decision(reason, rule, caller);
    if (isLogging(LogLevel.Debug)) {
      logDebug(rule === null ? `denied: ${REASONS[reason]}` : `denied by rule ${rule.name}: ${REASONS[reason]}`);
    }
  }

  /** In a dry run, gives the upstream no more than an allowed request would have had. */
  private passAnyway(reason: Reason, caller: Caller): bool {
    const changed = this.upstream.prepare(caller);
    const bad =
      reason == Reason.BadApiKey ||
      reason == Reason.BadPassword ||
      isBadToken(reason) ||
      reason == Reason.KeysUnavailable;
    if (changed && (!bad || this.upstream.removeCredentials())) return true;
    // Better no service than somebody else's headers.
    this.responses.send(Reason.Unavailable, null);
    return false;
  }

  private decide(): Reason {
    const target = requestHeaders.find(PATH);
    const path: RequestPath | null = target === null ? null : readRequestPath(target);
    if (target === null || path === null) return Reason.BadPath;

    // A bad credential refuses the request whatever the rules say; it is never the same as none.
    const caller = this.caller;
    const apiKeys = this.config.apiKeys;
    if (apiKeys !== null) {
      const reason = apiKeys.authenticate(caller);
      if (reason != Reason.None) return reason;
    }
    const basic = this.config.basic;
    if (basic !== null) {
      const reason = basic.authenticate(caller);
      if (reason != Reason.None) return reason;
    }
    const reason = this.tokens.authenticate(caller);
    if (reason != Reason.None) return reason;

    this.request.begin(target, path);
    return this.applyRules(caller, null);
  }

  /** @param after The `external` rule whose authorizer has let the request go on. */
  private applyRules(caller: Caller, after: Rule | null): Reason {
    const rules = this.config.rules;
    const rule = rules.decide(this.request, caller, after, !this.operating.namesAllowing);
    this.rule = rule;
    if (after === null) {
      for (let i = 0; i < rules.observed.length; ++i) rules.observed[i].observe();
    }
    if (this.operating.logsRules) this.logRules(rule, caller, after);
    if (rule === null ? rules.allowsByDefault : rule.action == Action.Allow) return Reason.None;
    if (rule !== null && rule.action == Action.External) return Reason.External;
    // Who could still show who they are is asked to.
    const couldAsk = rule === null || rule.asksForCaller;
    if (couldAsk && caller.isAnonymous && this.takesCredentials) return Reason.MissingCredentials;
    return rule === null ? Reason.NoRule : Reason.Rule;
  }

  /** Tells of each rule that was looked at, up to the one that decides. */
  private logRules(decisive: Rule | null, caller: Caller, after: Rule | null): void {
    const rules = this.config.rules.ordered;
    for (let i = after === null ? 0 : after.order + 1; i < rules.length; ++i) {
      const rule = rules[i];
      // One authorizer is asked for a request.
      if (after !== null && rule.action == Action.External) continue;
      this.log.rule(rule, rule === decisive ? "" : rule.explain(this.request, caller));
      if (rule === decisive) return;
    }
  }

  private get takesCredentials(): bool {
    const config = this.config;
    return config.apiKeys !== null || config.basic !== null || config.providers.length > 0;
  }
}

function refusal(answer: Answer): Reason {
  switch (answer.verdict) {
    case Verdict.Denied:
      return Reason.External;
    case Verdict.Unavailable:
      return Reason.ExternalUnavailable;
    default:
      return Reason.ExternalBadAnswer;
  }
}

/** A request that waits for an authorizer, with all that is not in the request itself. */
@final
class HeldRequest extends AnswerHandler {
  constructor(
    private stream: AuthzStream,
    readonly caller: Caller,
    readonly rule: Rule,
    readonly authorizer: Authorizer,
  ) {
    super();
  }

  onAnswer(answer: Answer): void {
    this.stream.resume(this, answer);
  }
}

/** A request that waits for keys. All that there is of it is in its headers, so it is judged anew. */
@final
class RequestWithoutKeys extends WaitingRequest {
  constructor(private stream: AuthzStream) {
    super();
  }

  judgeAgain(): void {
    if (this.stream.judge(this) == FilterHeadersStatus.Continue) continueRequest();
  }
}
