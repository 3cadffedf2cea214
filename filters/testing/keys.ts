// Keys for tests, made anew in each run, and tokens signed with them.

import { createSecretKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { CompactSign } from "jose";

/** What a JWK has here: strings only. */
export type Jwk = Readonly<Record<string, string>> & { readonly kty: string };

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const p521 = generateKeyPairSync("ec", { namedCurve: "P-521" });
const ed25519 = generateKeyPairSync("ed25519");
/** That of the HS256 key. */
export const SECRET = Buffer.alloc(32, "a secret that is no secret");
const secret = createSecretKey(SECRET);
const longSecret = createSecretKey(Buffer.alloc(64, "a longer secret that is no secret"));

export const RSA_JWK = jwkOf(rsa.publicKey, "n", "e");
export const EC_JWK = jwkOf(ec.publicKey, "crv", "x", "y");
export const P384_JWK = jwkOf(p384.publicKey, "crv", "x", "y");
export const P521_JWK = jwkOf(p521.publicKey, "crv", "x", "y");
export const ED25519_JWK = jwkOf(ed25519.publicKey, "crv", "x");
export const SECRET_JWK = jwkOf(secret, "k");
export const LONG_SECRET_JWK = jwkOf(longSecret, "k");
export const SHORT_RSA_JWK = jwkOf(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey, "n", "e");

/** Private keys by the algorithm that they sign with. */
const SIGNING_KEYS = {
  RS256: rsa.privateKey,
  RS384: rsa.privateKey,
  RS512: rsa.privateKey,
  PS256: rsa.privateKey,
  PS384: rsa.privateKey,
  PS512: rsa.privateKey,
  ES256: ec.privateKey,
  ES384: p384.privateKey,
  ES512: p521.privateKey,
  HS256: secret,
  HS384: longSecret,
  HS512: longSecret,
  EdDSA: ed25519.privateKey,
} as const;
export type Algorithm = keyof typeof SIGNING_KEYS;
export const ALGORITHMS = Object.keys(SIGNING_KEYS) as readonly Algorithm[];

/** The key of each algorithm as a JWK that names it. */
export const JWKS = {
  RS256: { ...RSA_JWK, alg: "RS256" },
  RS384: { ...RSA_JWK, alg: "RS384" },
  RS512: { ...RSA_JWK, alg: "RS512" },
  PS256: { ...RSA_JWK, alg: "PS256" },
  PS384: { ...RSA_JWK, alg: "PS384" },
  PS512: { ...RSA_JWK, alg: "PS512" },
  ES256: { ...EC_JWK, alg: "ES256" },
  ES384: { ...P384_JWK, alg: "ES384" },
  ES512: { ...P521_JWK, alg: "ES512" },
  HS256: { ...SECRET_JWK, alg: "HS256" },
  HS384: { ...LONG_SECRET_JWK, alg: "HS384" },
  HS512: { ...LONG_SECRET_JWK, alg: "HS512" },
  EdDSA: { ...ED25519_JWK, alg: "EdDSA" },
} as const satisfies Record<Algorithm, Jwk>;

/** A token with these claims. `claims` may also be a text, to be signed as it is. */
export function sign(
  algorithm: Algorithm,
  claims: object | string,
  header: object = {},
  key: KeyObject = SIGNING_KEYS[algorithm],
): Promise<string> {
  const payload = typeof claims === "string" ? claims : JSON.stringify(claims);
  return new CompactSign(Buffer.from(payload)).setProtectedHeader({ alg: algorithm, ...header }).sign(key);
}

/** A JWK with exactly these members beside `kty`. */
function jwkOf<Name extends string>(key: KeyObject, ...names: Name[]): Readonly<Record<Name | "kty", string>> {
  const jwk = key.export({ format: "jwk" });
  const members = (["kty", ...names] as const).map((name) => {
    const value: unknown = jwk[name];
    if (typeof value !== "string") throw new TypeError(`the key has no ${name}`);
    return [name, value] as const;
  });
  return Object.fromEntries(members) as Record<Name | "kty", string>;
}
