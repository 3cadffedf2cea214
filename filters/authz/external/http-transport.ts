// Authorization by a plain HTTP request, as `http_service` of Envoy's ext_authz.

import {
  ByteWriter,
  Bytes,
  CalloutFailure,
  ConfigObject,
  Duration,
  HeaderName,
  HttpCall,
  HttpCallReply,
  HttpCallResponse,
  Status,
  requestHeaders,
} from "proxy-wasm-assemblyscript-sdk";
import { ownHeaderName } from "../../common/names";
import { Answer, Verdict } from "./answer";
import { Check } from "./check";
import { AppendAction, HeaderChange } from "./header-change";
import { Question, Transport } from "./transport";

const METHOD: HeaderName = new HeaderName(":method");
const PATH: HeaderName = new HeaderName(":path");
const AUTHORITY: HeaderName = new HeaderName(":authority");
const SCHEME: HeaderName = new HeaderName(":scheme");
const AUTHORIZATION: HeaderName = new HeaderName("authorization");
const HEADERS_TO_REMOVE: HeaderName = new HeaderName("x-envoy-auth-headers-to-remove");

/** What a client always gets of a denial, as from Envoy. */
const DENIAL_HEADERS: string[] = ["www-authenticate", "location"];

// @ts-ignore: decorator
@inline const MAX_BODY: i32 = 64 * 1024;

export class HttpTransport extends Transport {
  private call: HttpCall;
  private authority: Uint8Array;
  private pathPrefix: Uint8Array;
  private path: ByteWriter = new ByteWriter(256);
  private allowed: HeaderName[] = [];
  private upstreamHeaders: string[] = [];
  private upstreamHeadersToAppend: string[] = [];
  private clientHeaders: string[] = [];
  private clientHeadersOnSuccess: string[] = [];
  private extraNames: HeaderName[] = [];
  private extraValues: Uint8Array[] = [];

  /** @param allowed Headers of the request that go along, beside method, path, host and `authorization`. */
  constructor(object: ConfigObject, allowed: string[] | null) {
    super();
    this.call = new HttpCall(object.string("cluster"));
    this.authority = Bytes.utf8(object.stringOr("authority", "")).copy();
    const pathPrefix = object.stringOr("pathPrefix", "");
    if (pathPrefix.length && !pathPrefix.startsWith("/")) object.error("pathPrefix", 'a path that begins with "/"');
    this.pathPrefix = Bytes.utf8(pathPrefix).copy();
    if (allowed !== null) for (let i = 0; i < allowed.length; ++i) this.allowed.push(new HeaderName(allowed[i]));
    this.upstreamHeaders = lower(object, "upstreamHeaders");
    this.upstreamHeadersToAppend = lower(object, "upstreamHeadersToAppend");
    this.clientHeaders = lower(object, "clientHeaders");
    this.clientHeadersOnSuccess = lower(object, "clientHeadersOnSuccess");
    const extra = object.objects("headersToAdd");
    for (let i = 0; i < extra.length; ++i) {
      this.extraNames.push(new HeaderName(ownHeaderName(extra[i], "name")));
      this.extraValues.push(Bytes.utf8(extra[i].string("value")).copy());
    }
  }

  prepare(): Question {
    return new HttpQuestion(this);
  }

  /** Sends what the current request asks. All that is of this request is given to the call for one time, and goes out with it. */
  send(reply: HttpReply, timeout: i64): Status {
    const call = this.call.timeout(Duration.milliseconds(timeout));
    call.headerOnce(METHOD, valueOf(METHOD));
    const path = this.path.clear().write(Bytes.of(this.pathPrefix)).write(valueOf(PATH));
    call.headerOnce(PATH, path.bytes);
    call.headerOnce(AUTHORITY, this.authority.length ? Bytes.of(this.authority) : valueOf(AUTHORITY));
    call.headerOnce(SCHEME, valueOf(SCHEME));
    for (let i = 0; i < requestHeaders.count; ++i) {
      const name = this.passing(requestHeaders.nameAt(i));
      if (name !== null) call.headerOnce(name, requestHeaders.valueAt(i));
    }
    for (let i = 0; i < this.extraNames.length; ++i) {
      call.headerOnce(this.extraNames[i], Bytes.of(this.extraValues[i]));
    }
    return call.send(reply);
  }

  /** The name of a header that goes along, or null for one that does not. */
  private passing(name: Bytes): HeaderName | null {
    if (name.size == 0 || name[0] == 0x3a || name.is("content-length") || name.is("transfer-encoding")) return null;
    if (name.is("authorization")) return AUTHORIZATION;
    for (let i = 0; i < this.allowed.length; ++i) {
      if (name.isIgnoreCase(unchecked(this.allowed[i]).name)) return unchecked(this.allowed[i]);
    }
    return null;
  }

  /** 200 allows; 502, 503 and 504 are no answer, for they come from Envoy or a gateway; all else in the 500s is a bad one. */
  read(response: HttpCallResponse): Answer {
    const status = response.status;
    if (status == 502 || status == 503 || status == 504) return new Answer(Verdict.Unavailable);
    if (status < 200 || status >= 500) return new Answer(Verdict.Bad);
    const answer = new Answer(status == 200 ? Verdict.Allowed : Verdict.Denied);
    const headers = response.headers;
    for (let i = 0; i < headers.count; ++i) {
      const name = headers.nameAt(i);
      const value = headers.valueAt(i);
      if (status != 200) {
        if (isOneOf(name, this.clientHeaders) || isOneOf(name, DENIAL_HEADERS)) {
          add(answer.deniedHeaders, name, value, AppendAction.AppendIfExistsOrAdd);
        }
        continue;
      }
      if (isOneOf(name, this.upstreamHeaders)) {
        // The first of several takes the client's place.
        const first = headers.indexOf(name.toString()) == i;
        add(
          answer.requestHeaders,
          name,
          value,
          first ? AppendAction.OverwriteIfExistsOrAdd : AppendAction.AppendIfExistsOrAdd,
        );
      }
      if (isOneOf(name, this.upstreamHeadersToAppend)) {
        add(answer.requestHeaders, name, value, AppendAction.AppendIfExistsOrAdd);
      }
      if (isOneOf(name, this.clientHeadersOnSuccess)) {
        add(answer.responseHeaders, name, value, AppendAction.OverwriteIfExistsOrAdd);
      }
    }
    if (status == 200) {
      readRemovals(headers.find(HEADERS_TO_REMOVE), answer);
    } else {
      answer.status = status;
      const body = response.body.read(0, MAX_BODY);
      if (body !== null) answer.body = body.copy();
    }
    return answer.checked();
  }
}

/** Reads the request anew for each try: it is held, and does not change meanwhile. */
class HttpQuestion extends Question {
  constructor(private transport: HttpTransport) {
    super();
  }

  ask(check: Check, timeout: i64): Status {
    return this.transport.send(new HttpReply(check, this.transport), timeout);
  }
}

class HttpReply extends HttpCallReply {
  constructor(
    private check: Check,
    private transport: HttpTransport,
  ) {
    super();
  }

  onResponse(response: HttpCallResponse): void {
    const answer = this.transport.read(response);
    if (answer.verdict == Verdict.Unavailable) this.check.failed();
    else this.check.answered(answer);
  }

  onFailure(failure: CalloutFailure): void {
    this.check.failed();
  }
}

function add(changes: HeaderChange[], name: Bytes, value: Bytes, action: AppendAction): void {
  changes.push(new HeaderChange(name.toString(), value.copy(), action));
}

function readRemovals(list: Bytes | null, answer: Answer): void {
  if (list === null) return;
  const names = list.toString().split(",");
  for (let i = 0; i < names.length; ++i) {
    const name = names[i].trim();
    if (name.length) answer.headersToRemove.push(new HeaderName(name));
  }
}

function valueOf(name: HeaderName): Bytes {
  const value = requestHeaders.find(name);
  return value === null ? Bytes.at(0, 0) : value;
}

function isOneOf(name: Bytes, names: string[]): bool {
  for (let i = 0; i < names.length; ++i) {
    if (name.isIgnoreCase(unchecked(names[i]))) return true;
  }
  return false;
}

function lower(object: ConfigObject, field: string): string[] {
  const names = object.strings(field);
  for (let i = 0; i < names.length; ++i) names[i] = names[i].toLowerCase();
  return names;
}
