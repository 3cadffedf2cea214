/** Signature algorithms of JWS (RFC 7518, section 3.1; RFC 8037, section 3.1), three hashes of a kind in a row. */
export enum Algorithm {
  /** RSASSA-PKCS1-v1_5. */
  RS256,
  RS384,
  RS512,
  /** RSASSA-PSS. */
  PS256,
  PS384,
  PS512,
  /** ECDSA on P-256, P-384 and P-521. */
  ES256,
  ES384,
  ES512,
  /** HMAC. */
  HS256,
  HS384,
  HS512,
  /** Ed25519. */
  EdDSA,
  /** One that the filter does not have, or none. */
  Unsupported,
}

/** Names in the order of `Algorithm`. */
export const ALGORITHMS: string[] = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "HS256",
  "HS384",
  "HS512",
  "EdDSA",
];

/** The algorithm of a name, whose case counts. */
export function algorithmOf(name: string): Algorithm {
  // RFC 9864, section 2.2, gives EdDSA on this curve a name of its own.
  if (name == "Ed25519") return Algorithm.EdDSA;
  const index = ALGORITHMS.indexOf(name);
  return index < 0 ? Algorithm.Unsupported : index;
}

/** Size of the algorithm's hash in bytes. Not for EdDSA, whose hash is no choice. */
export function digestSize(algorithm: Algorithm): i32 {
  return 32 + (algorithm % 3) * 16;
}

/** Whether it is one of `first` and the two behind it. */
export function isKind(algorithm: Algorithm, first: Algorithm): bool {
  return algorithm >= first && algorithm < first + 3;
}

/** Whether the host verifies it; the filter itself does the others. */
export function isOfHost(algorithm: Algorithm): bool {
  return isKind(algorithm, Algorithm.RS256) || isKind(algorithm, Algorithm.ES256);
}

/** Whether who can verify can sign, too. */
export function isSymmetric(algorithm: Algorithm): bool {
  return isKind(algorithm, Algorithm.HS256);
}
