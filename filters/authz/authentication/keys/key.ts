// Keys that verify tokens.

import {
  BlockHash,
  Bytes,
  Hmac,
  RsaPssKey,
  Sha256,
  Sha384,
  Sha512,
  SignatureVerdict,
  ecdsaSignature,
  verifyEd25519,
  verifySignature,
} from "proxy-wasm-assemblyscript-sdk";
import { Jws } from "../jws";
import { Algorithm, digestSize, isKind } from "./algorithm";

/** A key. Its algorithm is its own: a token that names another is not for it (RFC 8725, section 3.1). */
export abstract class Key {
  /** Whether its issuer took it back, so that what it verified counts no more. */
  isRetired: bool = false;
  /** What the key is made of, without its id: two keys with the same are one. */
  material: string = "";

  constructor(
    readonly algorithm: Algorithm,
    /** Null for a key without id. */
    readonly id: string | null,
  ) {}

  abstract verify(jws: Jws): SignatureVerdict;

  /** Whether the key may be tried: of a token that names a key, only the key of that name. */
  isFor(jws: Jws): bool {
    if (jws.algorithm != this.algorithm) return false;
    const wanted = jws.keyId;
    if (wanted === null) return true;
    const id = this.id;
    return id !== null && id == wanted;
  }

  isSame(other: Key): bool {
    return this.algorithm == other.algorithm && this.material == other.material && this.id == other.id;
  }
}

/** RSASSA-PKCS1-v1_5 and ECDSA, by the host. */
@final
export class HostKey extends Key {
  private hash: string;
  /** 0 for RSA. */
  private coordinateSize: i32 = 0;

  constructor(
    algorithm: Algorithm,
    id: string | null,
    /** SubjectPublicKeyInfo in DER. */
    private der: Uint8Array,
  ) {
    super(algorithm, id);
    this.hash = `sha${digestSize(algorithm) * 8}`;
    if (isKind(algorithm, Algorithm.ES256)) this.coordinateSize = ecCoordinateSize(algorithm);
  }

  verify(jws: Jws): SignatureVerdict {
    const size = this.coordinateSize;
    const signature = size ? ecdsaSignature(jws.signature, size) : jws.signature;
    if (signature === null) return SignatureVerdict.Invalid;
    return verifySignature(this.hash, Bytes.of(this.der), signature, jws.signed);
  }
}

/** RSASSA-PSS, in the filter: the host has no such padding. */
@final
export class PssKey extends Key {
  private hash: BlockHash;
  private key: RsaPssKey;

  constructor(algorithm: Algorithm, id: string | null, modulus: Bytes, exponent: Bytes) {
    super(algorithm, id);
    this.key = new RsaPssKey(modulus, exponent);
    if (algorithm == Algorithm.PS256) this.hash = new Sha256();
    else if (algorithm == Algorithm.PS384) this.hash = new Sha384();
    else this.hash = new Sha512();
  }

  verify(jws: Jws): SignatureVerdict {
    return verdict(this.key.verify(this.hash, jws.signed, jws.signature));
  }
}

/** Ed25519, in the filter. */
@final
export class Ed25519Key extends Key {
  constructor(
    id: string | null,
    private point: Uint8Array,
  ) {
    super(Algorithm.EdDSA, id);
  }

  verify(jws: Jws): SignatureVerdict {
    return verdict(verifyEd25519(Bytes.of(this.point), jws.signature, jws.signed));
  }
}

/** HMAC, in the filter. */
@final
export class SecretKey<H extends BlockHash> extends Key {
  private hmac: Hmac<H>;

  constructor(algorithm: Algorithm, id: string | null, secret: Bytes) {
    super(algorithm, id);
    this.hmac = new Hmac<H>(secret);
  }

  verify(jws: Jws): SignatureVerdict {
    return verdict(this.hmac.verify(jws.signed, jws.signature));
  }
}

/** Size in bytes of a coordinate of an algorithm's curve. */
export function ecCoordinateSize(algorithm: Algorithm): i32 {
  return algorithm == Algorithm.ES512 ? 66 : digestSize(algorithm);
}

function verdict(isValid: bool): SignatureVerdict {
  return isValid ? SignatureVerdict.Valid : SignatureVerdict.Invalid;
}
