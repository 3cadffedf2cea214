// Keys for tests, made anew in each run, and tokens signed with them.

import { createSecretKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { CompactSign } from "jose";

/** What a JWK has here: strings only. */
export type Jwk = Readonly<Record<string, string>> & { readonly kty: string };

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const secret = createSecretKey(Buffer.alloc(32, "a secret that is no secret"));

export const RSA_JWK = jwkOf(rsa.publicKey, "n", "e");
export const EC_JWK = jwkOf(ec.publicKey, "crv", "x", "y");
export const SECRET_JWK = jwkOf(secret, "k");
export const SHORT_RSA_JWK = jwkOf(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey, "n", "e");

/** Private keys by the algorithm that they sign with. */
const SIGNING_KEYS = { RS256: rsa.privateKey, ES256: ec.privateKey, HS256: secret } as const;
export type Algorithm = keyof typeof SIGNING_KEYS;
export const ALGORITHMS = Object.keys(SIGNING_KEYS) as readonly Algorithm[];

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
