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
import { Responses } from "./answer/responses";
import { Upstream, announce } from "./answer/upstream";
import { Caller } from "./authentication/caller";
import { Tokens, tokenCache } from "./authentication/tokens";
import { WaitingRequest } from "./authentication/waiting-room";
import { RequestPath, readRequestPath } from "./authorization/request-path";
import { RequestView } from "./authorization/request-view";
import { Action, Rule } from "./authorization/rule";
import { AuthzConfig } from "./config";
import { REASONS, Reason } from "./reason";

const PATH: HeaderName = new HeaderName(":path");

/** Serves every stream; nothing of one is kept. */
export class AuthzStream extends HttpContext {
  private tokens: Tokens;
  private upstream: Upstream;
  private responses: Responses;
  private caller: Caller = new Caller();
  private request: RequestView;
  private allowed: Counter = new Counter("authz.allowed");
  private denied: Counter[] = [];
  /** The rule that decided on the current request, if one did. */
  private rule: Rule | null = null;

  constructor(private config: AuthzConfig) {
    super();
    this.tokens = new Tokens(config.providers, tokenCache(config.tokenCacheSize));
    this.request = new RequestView(config.trustedHops);
    this.upstream = new Upstream(config);
    this.responses = new Responses(config);
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
    let reason = this.decide();
    if (reason == Reason.KeysUnavailable) {
      const request = waiting === null ? new HeldRequest(this) : waiting;
      if (this.config.waitingRoom.admit(request)) return FilterHeadersStatus.StopAllIterationAndWatermark;
    }
    // Whom the rules deny is in the access log, too.
    const known = reason == Reason.None || reason == Reason.Rule || reason == Reason.NoRule;
    if (known && !announce(this.caller)) reason = Reason.Unavailable;
    if (reason == Reason.None && !this.upstream.prepare(this.caller)) reason = Reason.Unavailable;
    if (reason == Reason.None) {
      this.allowed.increment();
      return FilterHeadersStatus.Continue;
    }
    this.denied[reason - 1].increment();
    const rule = this.rule;
    if (isLogging(LogLevel.Debug)) {
      logDebug(rule === null ? `denied: ${REASONS[reason]}` : `denied by rule ${rule.name}: ${REASONS[reason]}`);
    }
    this.responses.send(reason, rule);
    return FilterHeadersStatus.StopIteration;
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
    const reason = this.tokens.authenticate(caller);
    if (reason != Reason.None) return reason;

    this.request.begin(target, path);
    const rules = this.config.rules;
    const rule = rules.decide(this.request, caller);
    this.rule = rule;
    for (let i = 0; i < rules.observed.length; ++i) rules.observed[i].observe();
    if (rule === null ? rules.allowsByDefault : rule.action == Action.Allow) return Reason.None;
    // Who could still show who they are is asked to.
    const couldAsk = rule === null || rule.asksForCaller;
    if (couldAsk && caller.isAnonymous && this.takesCredentials) return Reason.MissingCredentials;
    return rule === null ? Reason.NoRule : Reason.Rule;
  }

  private get takesCredentials(): bool {
    return this.config.apiKeys !== null || this.config.providers.length > 0;
  }
}

/** A request that waits for keys. All that there is of it is in its headers, so it is judged anew. */
@final
class HeldRequest extends WaitingRequest {
  constructor(private stream: AuthzStream) {
    super();
  }

  judgeAgain(): void {
    if (this.stream.judge(this) == FilterHeadersStatus.Continue) continueRequest();
  }
}
