// What a request costs: how many hits it is charged.

import {
  Bytes,
  ConfigObject,
  HeaderName,
  attributes,
  requestHeaders,
  responseHeaders,
} from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../common/lists";
import { headerName } from "../common/names";
import { MAX_HITS, divideUp } from "./algorithms/algorithm";

/** What is charged when the request comes. */
@final
export class RequestCost {
  private header: HeaderName | null = null;

  private constructor(
    private hits: u64,
    private max: u64,
  ) {}

  /** One hit for each request. */
  static get one(): RequestCost {
    return new RequestCost(1, 1);
  }

  /** Reads `{ "hits": 1, "header": "x-cost", "max": 100 }`. */
  static read(object: ConfigObject): RequestCost {
    const header: string | null = object.has("header") ? headerName(object, "header") : null;
    const max = header === null ? MAX_HITS : object.integerOr("max", 1, MAX_HITS, MAX_HITS);
    const cost = new RequestCost(object.integerOr("hits", 0, max, 1), max);
    if (header !== null) cost.header = new HeaderName(header);
    return cost;
  }

  /** Of the current request. */
  get current(): u64 {
    const header = this.header;
    if (header === null) return this.hits;
    const value = requestHeaders.find(header);
    return value === null ? this.hits : numberOf(value, this.max);
  }
}

const RESPONSE_FORMS: string[] = ["hits", "header", "bytesPerHit"];

/** What is charged when the answer is known. */
@final
export class ResponseCost {
  private header: HeaderName | null = null;

  private constructor(
    private statuses: StatusRange[],
    private hits: u64,
    private max: u64,
    /** Of the response's body; 0 where its size does not count. */
    readonly bytesPerHit: u64,
  ) {}

  /** Reads `{ "statuses": ["401", "5xx"], "hits": 1 }`, with `header` or `bytesPerHit` in place of `hits`. */
  static read(object: ConfigObject): ResponseCost {
    const texts = object.strings("statuses");
    refuseEmpty(object, "statuses", texts.length);
    const statuses: StatusRange[] = [];
    for (let i = 0; i < texts.length; ++i) {
      const range = StatusRange.parse(texts[i]);
      if (range !== null) statuses.push(range);
      else object.error("statuses", 'statuses such as "404", classes such as "5xx" and ranges such as "400-499"');
    }
    const form = object.alternative(RESPONSE_FORMS);
    const hits = form == 0 ? object.integer("hits", 1, MAX_HITS) : 0;
    const bytes = form == 2 ? object.integer("bytesPerHit", 1, u32.MAX_VALUE) : 0;
    const max = form > 0 ? object.integerOr("max", 1, MAX_HITS, MAX_HITS) : MAX_HITS;
    const cost = new ResponseCost(statuses, hits, max, bytes);
    if (form == 1) cost.header = new HeaderName(headerName(object, "header"));
    return cost;
  }

  /** Whether a response of this status costs anything. */
  isFor(status: i32): bool {
    for (let i = 0; i < this.statuses.length; ++i) {
      if (this.statuses[i].has(status)) return true;
    }
    return this.statuses.length == 0;
  }

  /** What the headers of the current response tell of the cost. */
  get ofHeaders(): u64 {
    const header = this.header;
    if (header === null) return this.hits;
    const value = responseHeaders.find(header);
    return value === null ? 0 : numberOf(value, this.max);
  }

  /** What the body of the current response costs, once it is over. */
  get ofBody(): u64 {
    return min(divideUp(<u64>max<i64>(attributes.response.size.i64(), 0), this.bytesPerHit), this.max);
  }
}

/** Statuses from one to another. */
@final
class StatusRange {
  private constructor(
    private first: i32,
    private last: i32,
  ) {}

  /** Reads `404`, `4xx` or `400-499`; null for anything else. */
  static parse(text: string): StatusRange | null {
    if (text.length == 3 && text.endsWith("xx")) {
      const hundreds = (text.charCodeAt(0) - 0x30) * 100;
      return hundreds >= 100 && hundreds <= 500 ? new StatusRange(hundreds, hundreds + 99) : null;
    }
    const first = statusOf(text.substring(0, 3));
    if (text.length == 3) return first > 0 ? new StatusRange(first, first) : null;
    const last = text.length == 7 && text.charCodeAt(3) == 0x2d ? statusOf(text.substring(4)) : 0;
    return first > 0 && last >= first ? new StatusRange(first, last) : null;
  }

  has(status: i32): bool {
    return status >= this.first && status <= this.last;
  }
}

/** A status from 100 to 599, or 0. */
function statusOf(text: string): i32 {
  if (text.length != 3) return 0;
  let status = 0;
  for (let i = 0; i < 3; ++i) {
    const digit = text.charCodeAt(i) - 0x30;
    if (<u32>digit > 9) return 0;
    status = status * 10 + digit;
  }
  return status >= 100 && status <= 599 ? status : 0;
}

/** A number in decimal digits, but no more than `max`. What is no number is `max`: a mistake must not make a request cheap. */
function numberOf(text: Bytes, max: u64): u64 {
  const digits = text.trim();
  if (digits.size == 0 || digits.size > 19) return max;
  let value: u64 = 0;
  for (let i = 0; i < digits.size; ++i) {
    const digit = <u32>digits[i] - 0x30;
    if (digit > 9) return max;
    value = value * 10 + digit;
  }
  return min(value, max);
}
