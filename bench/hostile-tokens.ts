// Tokens that an attacker would send, no two alike, and good ones that open nothing.
import { createHmac, randomBytes } from "node:crypto";
import { ISSUER, provider } from "../filters/testing/authz.ts";
import { RSA_JWK, SECRET, SECRET_JWK } from "../filters/testing/keys.ts";
import type { Json } from "./configuration.ts";

const HS_ISSUER = "https://hs.example";

/** Tokens come in the query, where a load generator can vary them. `/healthz` is open, and no token has the claim that is asked for. */
export const configuration = {
  jwtProviders: [
    { ...provider, localJwks: { keys: [{ ...RSA_JWK, kid: "1" }] }, fromParams: ["access_token"] },
    { name: "hs", issuer: HS_ISSUER, localJwks: { keys: [SECRET_JWK] }, fromParams: ["access_token"] },
  ],
  rules: [
    { name: "health", action: "allow", paths: [{ exact: "/healthz" }], principals: [{ any: true }] },
    { name: "admins", action: "allow", claims: [{ claim: "role", equals: "admin" }] },
  ],
} as unknown as Json;

type Kind = (id: string, exp: number) => string;

/** Every kind is refused: most with 401, and what has a good signature with 403. */
const KINDS: readonly Kind[] = [
  (id, exp) => signed({ iss: HS_ISSUER, sub: id, exp }),
  (id, exp) => signed({ iss: HS_ISSUER, sub: id, exp, [id]: [id, { [id]: id.repeat(20) }] }),
  (id) => signed({ iss: HS_ISSUER, sub: id, exp: 1 }),
  (id, exp) => unsigned({ alg: "RS256", kid: "1" }, { iss: ISSUER, sub: id, exp }, 256),
  (id, exp) => unsigned({ alg: "RS256", kid: id }, { iss: ISSUER, sub: id, exp }, 256),
  (id, exp) => unsigned({ alg: "HS256" }, { iss: `https://${id}.example`, sub: id, exp }, 32),
  (id, exp) => unsigned({ alg: "none" }, { iss: ISSUER, sub: id, exp }, 0),
  (id, exp) => unsigned({ alg: id, crit: [id] }, { iss: ISSUER, sub: id, exp }, 64),
  (id) => `${encode({ alg: "HS256", id })}.${Buffer.from(`${"[".repeat(400)}${id}`).toString("base64url")}.AAAA`,
  (id) => `${id}.${randomBytes(600).toString("base64url")}`,
];

/** URIs for a load generator, each with another token. */
export function hostileUris(port: number, count: number): string {
  const exp = Math.floor(Date.now() / 1000) + 86_400;
  const lines: string[] = [];
  for (let i = 0; i < count; ++i) {
    const kind = KINDS[i % KINDS.length] as Kind;
    lines.push(`http://127.0.0.1:${String(port)}/orders?access_token=${kind(randomBytes(12).toString("hex"), exp)}`);
  }
  return lines.join("\n");
}

function signed(claims: object): string {
  const input = `${encode({ alg: "HS256" })}.${encode(claims)}`;
  return `${input}.${createHmac("sha256", SECRET).update(input).digest("base64url")}`;
}

function unsigned(header: object, claims: object, size: number): string {
  return `${encode(header)}.${encode(claims)}.${randomBytes(size).toString("base64url")}`;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
