// A JWK (RFC 7517) to a key.

import {
  Bytes,
  JsonKind,
  JsonValue,
  Sha256,
  Sha384,
  Sha512,
  bitLength,
  decodeBase64Url,
  ecPublicKey,
  isEd25519Key,
  rsaPublicKey,
} from "proxy-wasm-assemblyscript-sdk";
import { Algorithm, algorithmOf, digestSize, isKind } from "./algorithm";
import { Ed25519Key, HostKey, Key, PssKey, SecretKey, ecCoordinateSize } from "./key";

/** Shorter RSA keys can be broken (RFC 7518, section 3.3). */
// @ts-ignore: decorator
@inline const MIN_RSA_BITS: i32 = 2048;
/** What BoringSSL takes. */
// @ts-ignore: decorator
@inline const MAX_RSA_BITS: i32 = 8192;
// @ts-ignore: decorator
@inline const MAX_EXPONENT_BITS: i32 = 32;

/** Who is told what is wrong with a key. */
export abstract class JwkErrors {
  count: i32 = 0;

  /** @param found Never what a key is made of. */
  abstract add(member: string, expected: string, found: string): void;
}

/** One key of a set. */
@final
export class Jwk {
  constructor(
    private json: JsonValue,
    /** The algorithms that are allowed; empty for all. */
    private allowed: Algorithm[],
    private errors: JwkErrors,
  ) {}

  /**
   * The key, or null. Without an error it is one that the filter has no use for: of an unknown type, for something else, or for an
   * algorithm that is not allowed. Sets of identity providers hold such keys, which RFC 7517, section 5, wants passed over.
   */
  read(): Key | null {
    const before = this.errors.count;
    const type = this.text("kty");
    if (this.json.kind != JsonKind.Object || type === null) {
      this.error("kty", "a key type", this.json.member("kty"));
      return null;
    }
    let key: Key | null = null;
    if (type == "RSA") key = this.rsa();
    else if (type == "EC") key = this.ec();
    else if (type == "OKP") key = this.okp();
    else if (type == "oct") key = this.secret();
    return this.errors.count == before ? key : null;
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
    // The six of RSA are the first six.
    const algorithm = this.algorithm(Algorithm.RS256, Algorithm.PS512);
    if (algorithm == Algorithm.Unsupported) return null;
    const id = this.text("kid");
    if (isKind(algorithm, Algorithm.PS256)) {
      return this.made(new PssKey(algorithm, id, modulus, exponent), "n", "e");
    }
    return this.made(new HostKey(algorithm, id, rsaPublicKey(modulus, exponent).copy()), "n", "e");
  }

  private ec(): Key | null {
    const curve = this.text("crv");
    let curveAlgorithm = Algorithm.Unsupported;
    if (curve == "P-256") curveAlgorithm = Algorithm.ES256;
    else if (curve == "P-384") curveAlgorithm = Algorithm.ES384;
    else if (curve == "P-521") curveAlgorithm = Algorithm.ES512;
    else return null;
    const x = this.bytes("x");
    const y = this.bytes("y");
    if (this.hasPrivatePart() || x === null || y === null) return null;
    const size = ecCoordinateSize(curveAlgorithm);
    const der = x.size == size ? ecPublicKey(x, y) : null;
    if (der === null) return this.wrong("x, y", `${size} bytes each`, `${x.size} and ${y.size}`);
    const algorithm = this.algorithm(curveAlgorithm, curveAlgorithm);
    if (algorithm == Algorithm.Unsupported) return null;
    return this.made(new HostKey(algorithm, this.text("kid"), der.copy()), "x", "y");
  }

  private okp(): Key | null {
    if (this.text("crv") != "Ed25519") return null;
    const point = this.bytes("x");
    if (this.hasPrivatePart() || point === null) return null;
    if (!isEd25519Key(point)) return this.wrong("x", "32 bytes that are a point of the curve", "something else");
    const algorithm = this.algorithm(Algorithm.EdDSA, Algorithm.EdDSA);
    if (algorithm == Algorithm.Unsupported) return null;
    return this.made(new Ed25519Key(this.text("kid"), point.copy()), "x", "x");
  }

  private secret(): Key | null {
    const secret = this.bytes("k");
    if (secret === null) return null;
    const algorithm = this.algorithm(Algorithm.HS256, Algorithm.HS512);
    if (algorithm == Algorithm.Unsupported) return null;
    // A shorter secret is weaker than the hash (RFC 7518, section 3.2).
    const size = digestSize(algorithm);
    if (secret.size < size) return this.wrong("k", `${size} bytes or more`, `${secret.size}`);
    const id = this.text("kid");
    if (algorithm == Algorithm.HS256) return this.made(new SecretKey<Sha256>(algorithm, id, secret), "k", "k");
    if (algorithm == Algorithm.HS384) return this.made(new SecretKey<Sha384>(algorithm, id, secret), "k", "k");
    return this.made(new SecretKey<Sha512>(algorithm, id, secret), "k", "k");
  }

  private made(key: Key, first: string, second: string): Key {
    key.material = `${this.base64(first)}.${this.base64(second)}`;
    return key;
  }

  private base64(name: string): string {
    const value = this.json.member(name);
    return value === null ? "" : value.text;
  }

  /**
   * The one algorithm of this key: its own, else the first of those allowed that a key of its type can have, else the first it can have.
   * Unsupported where that is not allowed, or the key is not for verifying (RFC 7517, sections 4.2 to 4.4).
   */
  private algorithm(first: Algorithm, last: Algorithm): Algorithm {
    if (!this.isForSignatures()) return Algorithm.Unsupported;
    const name = this.text("alg");
    if (name !== null) {
      const own = algorithmOf(name);
      if (own < first || own > last) return Algorithm.Unsupported;
      return this.allowed.length == 0 || this.allowed.includes(own) ? own : Algorithm.Unsupported;
    }
    if (this.allowed.length == 0) return first;
    for (let i = 0; i < this.allowed.length; ++i) {
      if (this.allowed[i] >= first && this.allowed[i] <= last) return this.allowed[i];
    }
    return Algorithm.Unsupported;
  }

  private isForSignatures(): bool {
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

  /** A private key has no business here: whoever reads the set could sign. */
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
    ++this.errors.count;
    this.errors.add(name, expected, found);
    return null;
  }
}

function isOdd(number: Bytes): bool {
  return number.size > 0 && (load<u8>(number.pointer + number.size - 1) & 1) == 1;
}
