// What a caller gets whose request does not pass.

import {
  Bytes,
  GrpcStatus,
  HeaderList,
  JsonWriter,
  sendLocalResponse,
  sendLocalResponseBytes,
} from "proxy-wasm-assemblyscript-sdk";
import { Rule } from "../authorization/rule";
import { AuthzConfig } from "../config";
import { Answer } from "../external/answer";
import { REASONS, Reason, isBadToken } from "../reason";
import { isQuotable } from "../text";

/**
 * Answers with 400, 401, 403 or 503; a gRPC request gets the status that stands for it. A client learns no more of a bad credential than
 * that it is bad; the access log (`%RESPONSE_CODE_DETAILS%`) and the metrics have the reason.
 */
@final
export class Responses {
  /** For a request without credentials: every way to authenticate (RFC 9110, section 11.6.1). */
  private challenge: HeaderList = new HeaderList();
  private badApiKey: HeaderList = new HeaderList();
  private badPassword: HeaderList = new HeaderList();
  private badToken: HeaderList = new HeaderList();
  private details: string[] = [];
  private bearer: string;
  private writer: JsonWriter = new JsonWriter(256);

  constructor(private config: AuthzConfig) {
    const bearer = `Bearer realm="${config.realm}"`;
    const apiKey = `ApiKey realm="${config.realm}"`;
    // RFC 7617, section 2.1.
    const basic = `Basic realm="${config.realm}", charset="UTF-8"`;
    this.bearer = bearer;
    if (config.providers.length) this.challenge.add("www-authenticate", bearer);
    if (config.apiKeys !== null) this.challenge.add("www-authenticate", apiKey);
    if (config.basic !== null) this.challenge.add("www-authenticate", basic);
    this.badApiKey.add("www-authenticate", apiKey);
    this.badPassword.add("www-authenticate", basic);
    // RFC 6750, section 3.1.
    this.badToken.add(
      "www-authenticate",
      `${bearer}, error="invalid_token", error_description="The token is not valid"`,
    );
    for (let i = 0; i < REASONS.length; ++i) this.details.push(`authz.denied.${REASONS[i]}`);
  }

  /**
   * @param rule The rule that denied, if one did.
   * @param scope The scope that would have helped; empty for none.
   */
  send(reason: Reason, rule: Rule | null, scope: string = ""): void {
    const operating = this.config.operating;
    const details = this.details[reason];
    if (isBadToken(reason)) {
      this.answer(401, or(operating.unauthorized, "Unauthorized: the token is not valid"), this.badToken, details);
      return;
    }
    switch (reason) {
      case Reason.BadPath:
        this.answer(400, "Bad request: the path is ambiguous or malformed", null, details);
        return;
      case Reason.MissingCredentials:
        this.answer(401, or(operating.unauthorized, "Unauthorized: credentials are required"), this.challenge, details);
        return;
      case Reason.BadApiKey:
        this.answer(401, or(operating.unauthorized, "Unauthorized: the API key is not valid"), this.badApiKey, details);
        return;
      case Reason.BadPassword:
        this.answer(
          401,
          or(operating.unauthorized, "Unauthorized: name or password is wrong"),
          this.badPassword,
          details,
        );
        return;
      case Reason.KeysUnavailable:
      case Reason.Unavailable:
        this.answer(503, "Service unavailable: authorization failed", null, details);
        return;
      default: {
        const where = rule === null ? details : `${details}[${rule.name}]`;
        this.answer(operating.forbiddenStatus, or(operating.forbidden, "Forbidden"), this.scopeChallenge(scope), where);
      }
    }
  }

  /** What an authorizer said no with. */
  sendExternal(answer: Answer, rule: string): void {
    const details = `${this.details[Reason.External]}[${rule}]`;
    sendLocalResponseBytes(answer.status, Bytes.of(answer.body), answer.localHeaders, details);
  }

  /** There was no answer of an authorizer, or no good one. */
  sendWithoutAnswer(reason: Reason, status: u32, rule: string): void {
    this.answer(status, "Authorization failed", null, `${this.details[reason]}[${rule}]`);
  }

  private scopeChallenge(scope: string): HeaderList | null {
    if (scope.length == 0 || !isQuotable(scope)) return null;
    const what = `${this.bearer}, error="insufficient_scope", error_description="The token lacks a scope", scope="${scope}"`;
    return new HeaderList().add("www-authenticate", what);
  }

  private answer(status: u32, text: string, headers: HeaderList | null, details: string): void {
    if (!this.config.operating.json) {
      sendLocalResponse(status, text + "\n", headers, details, grpcStatusOf(status));
      return;
    }
    const list = new HeaderList().add("content-type", "application/problem+json");
    if (headers !== null) list.addAll(headers);
    const writer = this.writer.clear().beginObject();
    writer.name("type").string("about:blank");
    writer.name("title").string(titleOf(status));
    writer.name("status").integer(status);
    writer.name("detail").string(text);
    sendLocalResponseBytes(status, writer.endObject().bytes, list, details, grpcStatusOf(status));
  }
}

function or(text: string, otherwise: string): string {
  return text.length ? text : otherwise;
}

/** RFC 9457, section 4.2.1: the phrase of the status. */
function titleOf(status: u32): string {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 403:
      return "Forbidden";
    case 503:
      return "Service Unavailable";
    default:
      return status < 500 ? "Request refused" : "Authorization failed";
  }
}

/** -1 leaves it to Envoy. */
function grpcStatusOf(status: u32): i32 {
  switch (status) {
    case 400:
      return GrpcStatus.InvalidArgument;
    case 401:
      return GrpcStatus.Unauthenticated;
    case 503:
      return GrpcStatus.Unavailable;
    default:
      return status < 500 ? GrpcStatus.PermissionDenied : -1;
  }
}
