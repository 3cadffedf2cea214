// HTTP Basic (RFC 7617). The configuration has hashes of the passwords only; docs/decisions/basic-passwords.md tells why of this kind.

import {
  Bytes,
  ConfigObject,
  LruCache,
  SHA256_SIZE,
  Sha256,
  constantTimeEquals,
  decodeBase64,
  decodeHex,
  pbkdf2Sha256,
  randomBytes,
} from "proxy-wasm-assemblyscript-sdk";
import { isHeaderValue } from "../text";
import { BasicUser, Caller } from "./caller";
import { CredentialLocation, Found, HeaderLocation } from "./credential-location";
import { Reason } from "../reason";

const MAX_ITERATIONS: i64 = 10_000;
const MIN_SALT_SIZE: i32 = 16;

/** More bytes of a name and a password are refused unread. */
// @ts-ignore: decorator
@inline const MAX_SIZE: i32 = 512;

/** How many good credentials a worker remembers. */
// @ts-ignore: decorator
@inline const REMEMBERED: i32 = 1024;

// @ts-ignore: decorator
@inline const COLON: u8 = 0x3a;


@final
export class BasicUsers {
  readonly location: CredentialLocation = new HeaderLocation("authorization", "Basic");
  /** Whether the upstream gets name and password. */
  readonly forward: bool;
  private iterations: i32;
  private users: Map<string, BasicUser> = new Map<string, BasicUser>();
  /** Whom a password is compared with that is nobody's, so that it takes as long. */
  private nobody: BasicUser;
  private salts: Set<string> = new Set<string>();
  /** By a digest with `secret` in it: the passwords are not in memory, and nobody can work out what is. */
  private remembered: LruCache<BasicUser> = new LruCache<BasicUser>(0, 0);
  private secret: Uint8Array = new Uint8Array(0);
  private hash: Sha256 = new Sha256();

  constructor(object: ConfigObject) {
    this.forward = object.boolOr("forward", false);
    this.iterations = <i32>object.integerOr("iterations", 1, MAX_ITERATIONS, 1000);
    this.nobody = new BasicUser("", new Uint8Array(MIN_SALT_SIZE), new Uint8Array(SHA256_SIZE), new Uint8Array(0));
    const users = object.objects("users");
    if (users.length == 0) object.error("users", "at least one user");
    for (let i = 0; i < users.length; ++i) this.read(users[i]);
    const secret = randomBytes(SHA256_SIZE);
    // Without a secret nothing is remembered.
    if (secret !== null) {
      this.secret = secret.copy();
      this.remembered = new LruCache<BasicUser>(REMEMBERED, <i64>REMEMBERED * 128);
    }
  }

  has(name: string): bool {
    return this.users.has(name);
  }

  /** Looks at the request's name and password, if it has them. */
  authenticate(caller: Caller): Reason {
    const found = this.location.find();
    if (found == Found.Nothing) return Reason.None;
    const user: BasicUser | null = found == Found.TooMany ? null : this.find(this.location.credential);
    caller.user = user;
    if (user === null) return Reason.BadPassword;
    if (!this.forward) caller.withheld.push(this.location);
    return Reason.None;
  }

  private read(object: ConfigObject): void {
    const name = object.string("name");
    if (name.length && !isUserName(name)) {
      object.error("name", "at most 256 bytes without controls, : and /, and without blanks at the ends");
    }
    if (this.users.has(name)) object.error("name", "a name that no user before has");
    const saltText = object.string("salt");
    const salt = decodeHex(Bytes.utf8(saltText));
    if (salt === null || salt.size < MIN_SALT_SIZE) {
      object.error("salt", "16 or more random bytes in hex");
      return;
    }
    if (this.salts.has(saltText)) object.error("salt", "a salt of its own for each user");
    this.salts.add(saltText);
    const hash = decodeHex(Bytes.utf8(object.string("hash")));
    if (hash === null || hash.size != SHA256_SIZE) {
      object.error("hash", "PBKDF2-HMAC-SHA-256 of the password in 64 hex digits");
      return;
    }
    const principal = Bytes.utf8(`user:${name}`).copy();
    this.users.set(name, new BasicUser(name, salt.copy(), hash.copy(), principal));
  }

  private find(credential: Bytes): BasicUser | null {
    const pair = decodeBase64(credential);
    if (pair === null || pair.size > MAX_SIZE) return null;
    const colon = pair.indexOf(COLON);
    if (colon < 0 || hasControl(pair)) return null;
    const key = this.hash.reset().update(Bytes.of(this.secret)).update(pair).digest();
    const known = this.remembered.get(key);
    if (known !== null) return known;
    const name = pair.slice(0, colon).toString();
    const user = this.users.has(name) ? this.users.get(name) : this.nobody;
    const digest = pbkdf2Sha256(pair.slice(colon + 1), Bytes.of(user.salt), this.iterations);
    if (!constantTimeEquals(digest, Bytes.of(user.hash)) || user === this.nobody) return null;
    this.remembered.set(key, user);
    return user;
  }
}

/** RFC 7617, section 2. */
function hasControl(bytes: Bytes): bool {
  for (let i = 0; i < bytes.size; ++i) {
    if (bytes[i] < 0x20 || bytes[i] == 0x7f) return true;
  }
  return false;
}

function isUserName(name: string): bool {
  const bytes = Bytes.utf8(name);
  return bytes.size <= 256 && isHeaderValue(bytes) && !name.includes(":") && !name.includes("/");
}
