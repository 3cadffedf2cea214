/** Signature algorithms of JWS (RFC 7518, section 3.1). */
export enum Algorithm {
  /** RSASSA-PKCS1-v1_5 with SHA-256. */
  RS256,
  /** ECDSA on P-256 with SHA-256. */
  ES256,
  /** HMAC with SHA-256. */
  HS256,
  /** One that the filter does not have, or none. */
  Unsupported,
}

/** Names in the order of `Algorithm`. */
export const ALGORITHMS: string[] = ["RS256", "ES256", "HS256"];

/** The algorithm of a name, whose case counts. */
export function algorithmOf(name: string): Algorithm {
  const index = ALGORITHMS.indexOf(name);
  return index < 0 ? Algorithm.Unsupported : index;
}
