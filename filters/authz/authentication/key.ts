// Keys that verify tokens.

import { Bytes, HmacSha256, SignatureVerdict, ecdsaSignature, verifySignature } from "proxy-wasm-assemblyscript-sdk";
import { Algorithm } from "./algorithm";
import { Jwt } from "./jwt";

/** A key. Its algorithm is its own: a token that names another is not for it (RFC 8725, section 3.1). */
export abstract class Key {
  constructor(
    readonly algorithm: Algorithm,
    /** Null for a key without id. */
    readonly id: string | null,
  ) {}

  abstract verify(jwt: Jwt): SignatureVerdict;

  /** Whether the key may be tried: of a token that names a key, only the key of that name. */
  isFor(jwt: Jwt): bool {
    if (jwt.algorithm != this.algorithm) return false;
    const wanted = jwt.keyId;
    if (wanted === null) return true;
    const id = this.id;
    return id !== null && id == wanted;
  }
}

/** RS256 and ES256, by the host. */
@final
export class PublicKey extends Key {
  constructor(
    algorithm: Algorithm,
    id: string | null,
    /** SubjectPublicKeyInfo in DER. */
    private der: Uint8Array,
  ) {
    super(algorithm, id);
  }

  verify(jwt: Jwt): SignatureVerdict {
    const signature = this.algorithm == Algorithm.ES256 ? ecdsaSignature(jwt.signature) : jwt.signature;
    if (signature === null) return SignatureVerdict.Invalid;
    return verifySignature("sha256", Bytes.of(this.der), signature, jwt.signed);
  }
}

/** HS256, in the filter. */
@final
export class SecretKey extends Key {
  private hmac: HmacSha256;

  constructor(id: string | null, secret: Bytes) {
    super(Algorithm.HS256, id);
    this.hmac = new HmacSha256(secret);
  }

  verify(jwt: Jwt): SignatureVerdict {
    return this.hmac.verify(jwt.signed, jwt.signature) ? SignatureVerdict.Valid : SignatureVerdict.Invalid;
  }
}
