// What a caller gets whose request does not pass.

import { Bytes, HeaderList, sendLocalResponse, sendLocalResponseBytes } from "proxy-wasm-assemblyscript-sdk";
import { AuthzConfig } from "../config";
import { REASONS, Reason, isBadToken } from "../reason";
import { Rule } from "../authorization/rule";
import { Answer } from "../external/answer";

/**
 * Answers with 400, 401, 403 or 503. A client learns no more of a bad credential than that it is bad; the access log
 * (`%RESPONSE_CODE_DETAILS%`) and the metrics have the reason.
 */
@final
export class Responses {
  /** For a request without credentials: every way to authenticate (RFC 9110, section 11.6.1). */
  private challenge: HeaderList = new HeaderList();
  private badApiKey: HeaderList = new HeaderList();
  private badToken: HeaderList = new HeaderList();
  private details: string[] = [];

  constructor(config: AuthzConfig) {
    const bearer = `Bearer realm="${config.realm}"`;
    const apiKey = `ApiKey realm="${config.realm}"`;
    if (config.providers.length) this.challenge.add("www-authenticate", bearer);
    if (config.apiKeys !== null) this.challenge.add("www-authenticate", apiKey);
    this.badApiKey.add("www-authenticate", apiKey);
    // RFC 6750, section 3.1.
    this.badToken.add("www-authenticate", `${bearer}, error="invalid_token"`);
    for (let i = 0; i < REASONS.length; ++i) this.details.push(`authz.denied.${REASONS[i]}`);
  }

  /** @param rule The rule that denied, if one did. */
  send(reason: Reason, rule: Rule | null): void {
    const details = this.details[reason];
    if (isBadToken(reason)) {
      sendLocalResponse(401, "Unauthorized: the token is not valid\n", this.badToken, details);
      return;
    }
    switch (reason) {
      case Reason.BadPath:
        sendLocalResponse(400, "Bad request: the path is ambiguous or malformed\n", null, details);
        return;
      case Reason.MissingCredentials:
        sendLocalResponse(401, "Unauthorized: credentials are required\n", this.challenge, details);
        return;
      case Reason.BadApiKey:
        sendLocalResponse(401, "Unauthorized: the API key is not valid\n", this.badApiKey, details);
        return;
      case Reason.KeysUnavailable:
      case Reason.Unavailable:
        sendLocalResponse(503, "Service unavailable: authorization failed\n", null, details);
        return;
      default:
        sendLocalResponse(403, "Forbidden\n", null, rule === null ? details : `${details}[${rule.name}]`);
    }
  }

  /** What an authorizer said no with. */
  sendExternal(answer: Answer, rule: string): void {
    const details = `${this.details[Reason.External]}[${rule}]`;
    sendLocalResponseBytes(answer.status, Bytes.of(answer.body), answer.localHeaders, details);
  }

  /** There was no answer of an authorizer, or no good one. */
  sendWithoutAnswer(reason: Reason, status: u32, rule: string): void {
    sendLocalResponse(status, "Authorization failed\n", null, `${this.details[reason]}[${rule}]`);
  }
}
