// A JWK set (RFC 7517) to keys.

import {
  Bytes,
  Config,
  JsonKind,
  JsonValue,
  bitLength,
  decodeBase64Url,
  p256PublicKey,
  rsaPublicKey,
} from "proxy-wasm-assemblyscript-sdk";
import { ALGORITHMS, Algorithm } from "./algorithm";
import { Key, PublicKey, SecretKey } from "./key";

/** Shorter RSA keys can be broken (RFC 7518, section 3.3). */
// @ts-ignore: decorator
@inline const MIN_RSA_BITS: i32 = 2048;
/** What BoringSSL takes. */
// @ts-ignore: decorator
@inline const MAX_RSA_BITS: i32 = 8192;
// @ts-ignore: decorator
@inline const MAX_EXPONENT_BITS: i32 = 32;
/** A shorter secret is weaker than the hash (RFC 7518, section 3.2). */
// @ts-ignore: decorator
@inline const MIN_SECRET_SIZE: i32 = 32;

/**
 * Reads the keys of a set for signatures with one of the algorithms that the filter has, and passes over others, as
 * RFC 7517, section 5, wants: sets of identity providers hold keys for encryption, too. Keys of a known type that are not as
 * they should be are errors, and so is a set that leaves no key.
 * @param path Where the set stands, for errors.
 */
export function readKeys(config: Config, path: string, set: JsonValue | null): Key[] {
  const keys: Key[] = [];
  const list: JsonValue | null = set === null ? null : set.member("keys");
  if (list === null || list.kind != JsonKind.Array) {
    const found = set === null ? "nothing" : set.describe();
    config.error(path, `expected a JWK set such as {"keys": [...]}, found ${found}`);
    return keys;
  }
  let bad = false;
  for (let i = 0; i < list.items.length; ++i) {
    const jwk = new Jwk(config, `${path}.keys[${i}]`, list.items[i]);
    const key = jwk.read();
    if (key !== null) keys.push(key);
    bad = bad || jwk.bad;
  }
  if (keys.length == 0 && !bad) {
    config.error(`${path}.keys`, `expected a key for signatures with ${ALGORITHMS.join(", ")}, found none`);
  }
  return keys;
}

/** One key of a set. */
class Jwk {
  /** Whether there is something wrong with it. */
  bad: bool = false;

  constructor(
    private config: Config,
    private path: string,
    private json: JsonValue,
  ) {}

  /** The key, or null when it is not for signatures or wrong. */
  read(): Key | null {
    const type = this.text("kty");
    if (this.json.kind != JsonKind.Object || type === null) {
      this.error("kty", "a key type", this.json.member("kty"));
      return null;
    }
    if (type == "RSA") return this.rsa();
    if (type == "EC") return this.text("crv") == "P-256" ? this.p256() : null;
    return type == "oct" ? this.secret() : null;
  }

  private rsa(): Key | null {
    const modulus = this.bytes("n");
    const exponent = this.bytes("e");
    if (this.hasPrivatePart() || modulus === null || exponent === null) return null;
    const bits = bitLength(modulus);
    if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS || !isOdd(modulus)) {
      return this.wrong("n", `an odd modulus of ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits`, `one of ${bits} bits`);
    }
    const exponentBits = bitLength(exponent);
    if (exponentBits < 2 || exponentBits > MAX_EXPONENT_BITS || !isOdd(exponent)) {
      return this.wrong("e", `an odd exponent of 2 to ${MAX_EXPONENT_BITS} bits`, `one of ${exponentBits} bits`);
    }
    if (!this.isFor(Algorithm.RS256)) return null;
    return new PublicKey(Algorithm.RS256, this.text("kid"), rsaPublicKey(modulus, exponent).copy());
  }

  private p256(): Key | null {
    const x = this.bytes("x");
    const y = this.bytes("y");
    if (this.hasPrivatePart() || x === null || y === null) return null;
    const der = p256PublicKey(x, y);
    if (der === null) return this.wrong("x, y", "32 bytes each", `${x.size} and ${y.size}`);
    return this.isFor(Algorithm.ES256) ? new PublicKey(Algorithm.ES256, this.text("kid"), der.copy()) : null;
  }

  private secret(): Key | null {
    const secret = this.bytes("k");
    if (secret === null) return null;
    if (secret.size < MIN_SECRET_SIZE) return this.wrong("k", `${MIN_SECRET_SIZE} bytes or more`, `${secret.size}`);
    return this.isFor(Algorithm.HS256) ? new SecretKey(this.text("kid"), secret) : null;
  }

  /** Whether the key says nothing against signatures with an algorithm (RFC 7517, sections 4.2 to 4.4). */
  private isFor(algorithm: Algorithm): bool {
    const name = this.text("alg");
    if (name !== null && name != ALGORITHMS[algorithm]) return false;
    const use = this.text("use");
    if (use !== null && use != "sig") return false;
    const operations = this.json.member("key_ops");
    if (operations === null) return true;
    if (operations.kind != JsonKind.Array) this.error("key_ops", "an array", operations);
    for (let i = 0; i < operations.items.length; ++i) {
      if (operations.items[i].text == "verify") return true;
    }
    return false;
  }

  /** A private key has no business here, and would be in the configuration of every proxy. */
  private hasPrivatePart(): bool {
    if (this.json.member("d") === null) return false;
    this.wrong("d", "a public key", "a private one");
    return true;
  }

  /** A member that is a string, or null. */
  private text(name: string): string | null {
    const value = this.json.member(name);
    if (value === null) return null;
    if (value.kind == JsonKind.String) return value.text;
    this.error(name, "a string", value);
    return null;
  }

  /** A member that is base64url of at least one byte, or null, with an error. */
  private bytes(name: string): Bytes | null {
    const value = this.json.member(name);
    if (value !== null && value.kind == JsonKind.String && value.text.length) {
      const bytes = decodeBase64Url(Bytes.utf8(value.text));
      if (bytes !== null) return bytes;
    }
    // The text of a secret has no place in a log.
    this.wrong(name, "base64url without padding", value === null ? "nothing" : "something else");
    return null;
  }

  private error(name: string, expected: string, found: JsonValue | null): void {
    this.wrong(name, expected, found === null ? "nothing" : found.describe());
  }

  private wrong(name: string, expected: string, found: string): Key | null {
    this.bad = true;
    this.config.error(`${this.path}.${name}`, `expected ${expected}, found ${found}`);
    return null;
  }
}

function isOdd(number: Bytes): bool {
  return number.size > 0 && (load<u8>(number.pointer + number.size - 1) & 1) == 1;
}
