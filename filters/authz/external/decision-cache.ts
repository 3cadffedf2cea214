// Answers of an authorizer that are kept.

import {
  ByteWriter,
  Bytes,
  ConfigObject,
  HeaderName,
  LruCache,
  currentTimeNanoseconds,
  randomU64,
  requestHeaders,
} from "proxy-wasm-assemblyscript-sdk";
import { clientAddress } from "../../common/client-address";
import { durationOr } from "../../common/durations";
import { headerName } from "../../common/names";
import { Caller } from "../authentication/caller";
import { Answer, Verdict } from "./answer";

const METHOD: HeaderName = new HeaderName(":method");
const PATH: HeaderName = new HeaderName(":path");
const AUTHORITY: HeaderName = new HeaderName(":authority");
const SCHEME: HeaderName = new HeaderName(":scheme");

enum KeyPart {
  Header,
  Method,
  Path,
  Host,
  Scheme,
  Principal,
  ClientAddress,
}

/** The fields that stand for the parts, in their order. */
const KEY_PARTS: string[] = ["header", "method", "path", "host", "scheme", "principal", "clientAddress"];

// @ts-ignore: decorator
@inline const MAX_ENTRIES: i64 = 65_536;
/** What an entry may take on average, in bytes. */
// @ts-ignore: decorator
@inline const ENTRY_SIZE: i64 = 4096;

/** Milliseconds. */
// @ts-ignore: decorator
@inline const LONGEST: i64 = 86_400_000;


@final
class Kept {
  constructor(
    readonly answer: Answer,
    readonly until: u64,
  ) {}
}


@final
class Attribute {
  header: HeaderName;
  part: KeyPart;

  constructor(object: ConfigObject) {
    const part = object.alternative(KEY_PARTS);
    this.part = max(part, 0);
    this.header = METHOD;
    if (part == KeyPart.Header) this.header = new HeaderName(headerName(object, KEY_PARTS[part]));
    else if (part > 0 && !object.boolOr(KEY_PARTS[part], false)) object.error(KEY_PARTS[part], "true");
  }
}

/**
 * Keeps what an authorizer said of requests that are alike in chosen attributes. Two requests are alike only if each attribute has
 * the same values, every line of a header included: a key has the length of each value before it. Failures are never kept.
 */
@final
export class DecisionCache {
  private attributes: Attribute[] = [];
  private allowed: LruCache<Kept>;
  private denied: LruCache<Kept>;
  private ttl: u64;
  private deniedTtl: u64;
  private writer: ByteWriter = new ByteWriter(256);

  constructor(object: ConfigObject) {
    const seed = randomU64();
    this.allowed = cacheOf(<i32>object.integerOr("entries", 1, MAX_ENTRIES, 1024), seed);
    this.denied = cacheOf(<i32>object.integerOr("deniedEntries", 0, MAX_ENTRIES, 256), seed);
    this.ttl = durationOr(object, "ttl", 1, LONGEST, 10_000) * 1_000_000;
    this.deniedTtl = durationOr(object, "deniedTtl", 1, LONGEST, 1000) * 1_000_000;
    const key = object.objects("key");
    if (key.length == 0) object.error("key", "the attributes that an answer depends on");
    for (let i = 0; i < key.length; ++i) this.attributes.push(new Attribute(key[i]));
  }

  /** The key of the current request; valid until the next call. */
  key(caller: Caller): Bytes {
    const writer = this.writer.clear();
    for (let i = 0; i < this.attributes.length; ++i) {
      const attribute = unchecked(this.attributes[i]);
      switch (attribute.part) {
        case KeyPart.Header:
          this.writeHeader(attribute.header);
          break;
        case KeyPart.Method:
          this.write(requestHeaders.find(METHOD));
          break;
        case KeyPart.Path:
          this.write(requestHeaders.find(PATH));
          break;
        case KeyPart.Host:
          this.write(requestHeaders.find(AUTHORITY));
          break;
        case KeyPart.Scheme:
          this.write(requestHeaders.find(SCHEME));
          break;
        case KeyPart.Principal: {
          const principal = caller.principal;
          this.write(principal === null ? null : Bytes.of(principal));
          break;
        }
        default:
          this.write(clientAddress(0));
      }
    }
    return writer.bytes;
  }

  /** The answer to requests of a key; null where none is known, or no longer. */
  find(key: Bytes): Answer | null {
    const now = currentTimeNanoseconds();
    let kept = this.allowed.get(key);
    if (kept === null) kept = this.denied.get(key);
    return kept !== null && now < kept.until ? kept.answer : null;
  }

  keep(key: Bytes, answer: Answer): void {
    const now = currentTimeNanoseconds();
    if (answer.verdict == Verdict.Allowed) {
      this.denied.delete(key);
      this.allowed.set(key, new Kept(answer, now + this.ttl), answer.size);
    } else if (answer.verdict == Verdict.Denied) {
      this.allowed.delete(key);
      this.denied.set(key, new Kept(answer, now + this.deniedTtl), answer.size);
    }
  }

  private writeHeader(name: HeaderName): void {
    for (let i = requestHeaders.indexOfName(name); i >= 0; i = requestHeaders.indexOfName(name, i + 1)) {
      this.write(requestHeaders.valueAt(i));
    }
    this.write(null);
  }

  /** A length, which no value can have when there is none, and the value. */
  private write(value: Bytes | null): void {
    const size = value === null ? u32.MAX_VALUE : <u32>value.size;
    for (let shift: u32 = 0; shift < 32; shift += 8) this.writer.byte(<u8>(size >> shift));
    if (value !== null) this.writer.write(value);
  }
}

function cacheOf(entries: i32, seed: u64): LruCache<Kept> {
  return new LruCache<Kept>(entries, <i64>entries * ENTRY_SIZE, seed);
}
