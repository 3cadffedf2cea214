// A service that is asked whether a request may pass.

import { Bytes, ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { durationOr } from "../../common/durations";
import { plainName } from "../../common/names";
import { Caller } from "../authentication/caller";
import { Answer, Verdict } from "./answer";
import { AnswerHandler, Check } from "./check";
import { DecisionCache } from "./decision-cache";
import { GrpcTransport } from "./grpc-transport";
import { HttpTransport } from "./http-transport";
import { Transport } from "./transport";

const TRANSPORTS: string[] = ["grpc", "http"];
const ON_ERROR: string[] = ["deny", "allow"];

// @ts-ignore: decorator
@inline const MAX_RETRIES: i64 = 5;

/** One of `externalAuthorizers`. */
@final
export class Authorizer {
  readonly name: string;
  /** Whether a request passes when no answer could be had. */
  readonly failOpen: bool;
  /** The status of a refusal for want of a good answer. */
  readonly statusOnError: u32;
  private transport: Transport;
  private cache: DecisionCache | null = null;
  private timeout: i64;
  private retries: i32;

  constructor(object: ConfigObject) {
    this.name = plainName(object, "name");
    const kind = object.alternative(TRANSPORTS);
    this.timeout = durationOr(object, "timeout", 1, 60_000, 200);
    this.retries = <i32>object.integerOr("retries", 0, MAX_RETRIES, 0);
    this.failOpen = object.oneOfOr("onError", ON_ERROR, 0) == 1;
    this.statusOnError = <u32>object.integerOr("statusOnError", 400, 599, 403);
    const headers = namesOf(object, "requestHeaders");
    if (kind == 1) this.transport = new HttpTransport(object.object("http"), headers);
    else this.transport = new GrpcTransport(kind < 0 ? object : object.object("grpc"), object, headers);
    const cache = object.objectOrNull("cache");
    if (cache !== null) this.cache = new DecisionCache(cache);
  }

  /** Asks about the current request. Null when the answer comes later, to the handler. */
  check(caller: Caller, handler: AnswerHandler): Answer | null {
    const cache = this.cache;
    let key: Uint8Array | null = null;
    if (cache !== null) {
      const view = cache.key(caller);
      const known = cache.find(view);
      if (known !== null) return known;
      key = view.copy();
    }
    const check = new Check(this, this.transport.prepare(), handler, key, this.timeout, this.retries);
    return check.start();
  }

  /** Keeps an answer that came. */
  keep(key: Uint8Array | null, answer: Answer): void {
    const cache = this.cache;
    if (cache !== null && key !== null) cache.keep(Bytes.of(key), answer);
  }

  /** Whether a request passes after this answer. */
  passes(answer: Answer): bool {
    return answer.verdict == Verdict.Allowed || (answer.verdict == Verdict.Unavailable && this.failOpen);
  }
}

/** Names of headers in lower case, or null when the field is left out. */
function namesOf(object: ConfigObject, field: string): string[] | null {
  if (!object.has(field)) return null;
  const names = object.strings(field);
  for (let i = 0; i < names.length; ++i) names[i] = names[i].toLowerCase();
  return names;
}
