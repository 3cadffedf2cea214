// One line of JSON for a decision. docs/operating.md describes the fields; none holds a secret.

import {
  Bytes,
  HeaderName,
  JsonWriter,
  attributes,
  logInfo,
  pathOf,
  requestHeaders,
} from "proxy-wasm-assemblyscript-sdk";
import { Rule } from "../authorization/rule";
import { Caller } from "../authentication/caller";
import { REASONS, Reason } from "../reason";
import { DecisionsLogged, Operating } from "./operating";

const METHOD: HeaderName = new HeaderName(":method");
const AUTHORITY: HeaderName = new HeaderName(":authority");
const PATH: HeaderName = new HeaderName(":path");
const REQUEST_ID: HeaderName = new HeaderName("x-request-id");

/** More of a path, a host or a request id is not logged. */
// @ts-ignore: decorator
@inline const MAX_VALUE: i32 = 1024;


@final
export class DecisionLog {
  private writer: JsonWriter = new JsonWriter(512);

  constructor(private operating: Operating) {}

  /** To be called before the request is changed. */
  decision(reason: Reason, rule: Rule | null, caller: Caller): void {
    const mode = this.operating.decisions;
    if (mode == DecisionsLogged.None || (mode == DecisionsLogged.Denied && reason == Reason.None)) return;
    const writer = this.writer.clear().beginObject();
    writer.name("authz").string("decision");
    writer.name("decision").string(reason == Reason.None ? "allowed" : "denied");
    if (reason != Reason.None) writer.name("reason").string(REASONS[reason]);
    if (rule !== null) writer.name("rule").string(rule.name);
    if (this.operating.dryRun) writer.name("dryRun").bool(true);
    const principal = caller.principal;
    if (principal !== null) writer.name("principal").stringBytes(Bytes.of(principal));
    if (caller.credentials > 1) this.principals(caller);
    this.header("method", METHOD);
    this.header("host", AUTHORITY);
    const target = requestHeaders.find(PATH);
    if (target !== null) writer.name("path").stringBytes(pathOf(target).slice(0, MAX_VALUE));
    const source = attributes.source.address.bytes();
    if (source !== null) writer.name("source").stringBytes(source);
    this.header("requestId", REQUEST_ID);
    logInfo(writer.endObject().bytes.toString());
  }

  /** @param failed The first condition that does not hold; empty when the rule matches. */
  rule(rule: Rule, failed: string): void {
    const writer = this.writer.clear().beginObject();
    writer.name("authz").string("rule");
    writer.name("rule").string(rule.name);
    writer.name("matches").bool(failed.length == 0);
    if (failed.length) writer.name("failed").string(failed);
    logInfo(writer.endObject().bytes.toString());
  }

  /** Of all credentials, where there are several. */
  private principals(caller: Caller): void {
    const writer = this.writer;
    writer.name("principals").beginArray();
    for (let i = 0; i < caller.identities.length; ++i) writer.stringBytes(Bytes.of(caller.identities[i].principal));
    const apiKey = caller.apiKey;
    if (apiKey !== null) writer.stringBytes(Bytes.of(apiKey.principal));
    const user = caller.user;
    if (user !== null) writer.stringBytes(Bytes.of(user.principal));
    writer.endArray();
  }

  private header(field: string, name: HeaderName): void {
    const value = requestHeaders.find(name);
    if (value !== null) this.writer.name(field).stringBytes(value.slice(0, MAX_VALUE));
  }
}
