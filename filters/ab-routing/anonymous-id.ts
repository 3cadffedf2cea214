// The id of a client that nothing else is known of: a cookie that the filter issues and signs.

import {
  Bytes,
  ConfigObject,
  Duration,
  HmacSha256,
  SameSite,
  SetCookie,
  constantTimeEquals,
  decodeBase64Url,
  encodeBase64Url,
  randomBytes,
  requestCookie,
} from "proxy-wasm-assemblyscript-sdk";

// @ts-ignore: decorator
@inline const ID_SIZE: i32 = 16;
/** Bytes of the code in the cookie: half of the digest is enough to tell whether a cookie is the filter's own. */
// @ts-ignore: decorator
@inline const CODE_SIZE: i32 = 16;
/** An id and its code in base64url, with the dot. */
// @ts-ignore: decorator
@inline const COOKIE_SIZE: i32 = 45;
// @ts-ignore: decorator
@inline const DOT: i32 = 22;
// @ts-ignore: decorator
@inline const MIN_SECRET: i32 = 16;
/** Browsers keep a cookie no longer (RFC 6265bis, section 5.6.2). */
// @ts-ignore: decorator
@inline const MAX_AGE_HOURS: i64 = 400 * 24;

/** In the order of `SameSite`, from `Lax` on. */
const SAME_SITES: string[] = ["lax", "strict", "none"];
const NO_ID: Uint8Array = new Uint8Array(0);

/** Reads and issues the cookie. One object serves all requests; `begin` comes before each. */
@final
export class AnonymousId {
  private name: Uint8Array;
  /** What stands before an id where its code is made. */
  private signedName: Uint8Array;
  /** The first signs; all of them are taken, so that a secret can be replaced. */
  private codes: HmacSha256[] = [];
  /** What every cookie is like but for its value. */
  private pattern: SetCookie;
  private id: Uint8Array = NO_ID;
  private isIssued: bool = false;
  private isKnown: bool = false;

  constructor(object: ConfigObject) {
    const pattern = new SetCookie(object.string("cookie"), "");
    this.pattern = pattern;
    this.name = Bytes.utf8(pattern.name).copy();
    this.signedName = Bytes.utf8(`${pattern.name}=`).copy();
    const secrets = object.strings("secrets");
    if (secrets.length == 0) object.error("secrets", "at least one secret");
    for (let i = 0; i < secrets.length; ++i) {
      const secret = decodeBase64Url(Bytes.utf8(secrets[i]));
      if (secret !== null && secret.size >= MIN_SECRET) this.codes.push(new HmacSha256(secret));
      else object.error("secrets", `at least ${MIN_SECRET} random bytes each, in base64url without padding`);
    }
    pattern.maxAge = readMaxAge(object);
    pattern.path = object.stringOr("path", "/");
    pattern.domain = object.stringOr("domain", "");
    pattern.secure = object.boolOr("secure", true);
    pattern.httpOnly = true;
    pattern.sameSite = <SameSite>(object.oneOfOr("sameSite", SAME_SITES, 0) + 1);
    const error = pattern.error;
    if (error !== null) object.error("cookie", `a cookie that browsers store (${error})`);
  }

  /** Another request comes. */
  begin(): void {
    this.isKnown = false;
    this.isIssued = false;
  }

  /** The id of the current request; a new one where the client has none that the filter signed. Null without random numbers. */
  current(): Bytes | null {
    if (!this.isKnown) this.find();
    return this.id.length ? Bytes.of(this.id) : null;
  }

  /** The value of a `set-cookie` header; empty where the current client has its id already, or needs none. */
  get issued(): string {
    if (!this.isIssued) return "";
    const id = Bytes.of(this.id);
    const pattern = this.pattern;
    const cookie = new SetCookie(pattern.name, `${id.toString()}.${encodeBase64Url(this.code(0, id)).toString()}`);
    cookie.path = pattern.path;
    cookie.domain = pattern.domain;
    cookie.maxAge = pattern.maxAge;
    cookie.secure = pattern.secure;
    cookie.httpOnly = true;
    cookie.sameSite = pattern.sameSite;
    return cookie.toString();
  }

  private find(): void {
    this.isKnown = true;
    const value = requestCookie(Bytes.of(this.name));
    const known: Bytes | null = value === null ? null : this.verified(value);
    if (known !== null) {
      this.id = known.copy();
      return;
    }
    const random = randomBytes(ID_SIZE);
    this.isIssued = random !== null;
    this.id = random === null ? NO_ID : encodeBase64Url(random).copy();
  }

  /** The id in a cookie, if its code is by one of the secrets. */
  private verified(cookie: Bytes): Bytes | null {
    if (cookie.size != COOKIE_SIZE || cookie[DOT] != 0x2e) return null;
    const id = cookie.slice(0, DOT);
    const code = decodeBase64Url(cookie.slice(DOT + 1));
    if (code === null) return null;
    for (let i = 0; i < this.codes.length; ++i) {
      if (constantTimeEquals(this.code(i, id), code)) return id;
    }
    return null;
  }

  /** The code of an id by a secret. It is of the name too, so that the code of one cookie is none of another. */
  private code(secret: i32, id: Bytes): Bytes {
    const text = Bytes.concat(Bytes.of(this.signedName), id);
    return this.codes[secret].sign(text).slice(0, CODE_SIZE);
  }
}

function readMaxAge(object: ConfigObject): Duration {
  const longest = Duration.hours(MAX_AGE_HOURS);
  if (!object.has("maxAge")) return longest;
  const life = Duration.parse(object.string("maxAge"));
  if (life !== null && life.milliseconds >= 1000 && life.milliseconds <= longest.milliseconds) return life;
  object.error("maxAge", `a duration from 1s to ${MAX_AGE_HOURS}h such as "720h"`);
  return longest;
}
