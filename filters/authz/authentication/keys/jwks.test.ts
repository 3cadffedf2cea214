// Sets of keys that a provider may have.

import { testConfigurations, type Bad, type Good } from "../../../testing/configurations.ts";
import {
  EC_JWK,
  ED25519_JWK,
  JWKS,
  P384_JWK,
  P521_JWK,
  RSA_JWK,
  SECRET_JWK,
  SHORT_RSA_JWK,
} from "../../../testing/keys.ts";

const provider = { name: "corp", issuer: "https://id.example" };
const set = (localJwks: unknown): object => ({
  jwtProviders: [{ ...provider, localJwks }],
  rules: [{ name: "all", action: "allow" }],
});
const jwk = (fields: object): object => set({ keys: [fields] });
const without = (object: object, field: string): object =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== field));

/** Keys that a set may hold beside the ones that the filter has a use for. */
const otherKeys = [
  { ...RSA_JWK, use: "enc" },
  { ...RSA_JWK, alg: "RSA-OAEP" },
  { ...RSA_JWK, alg: "ES256" },
  { ...EC_JWK, alg: "RS256" },
  { ...SECRET_JWK, alg: "A256KW" },
  { ...EC_JWK, key_ops: ["sign"] },
  { kty: "OKP", crv: "X25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
  { kty: "EC", crv: "secp256k1", x: "AA", y: "AA" },
  { kty: "AKP", alg: "ML-DSA-44", pub: "AA" },
];
const usedKey = { ...EC_JWK, use: "sig", alg: "ES256", key_ops: ["verify"], kid: "", x5t: "other members are ignored" };

const good: Good[] = [
  ["each type of key", set({ keys: [RSA_JWK, EC_JWK, P384_JWK, P521_JWK, ED25519_JWK, SECRET_JWK] })],
  ["a key for each algorithm", set({ keys: Object.values(JWKS) })],
  ["a key with the name that RFC 9864 gives Ed25519", jwk({ ...ED25519_JWK, alg: "Ed25519" })],
  ["a set with keys of no use to the filter", set({ keys: [...otherKeys, usedKey] })],
];

/** What is wrong, the configuration, and how the filter's complaint starts. */
type Row = readonly [what: string, configuration: unknown, error: string];

const bad: readonly Row[] = [
  ["a set without keys", set({ keys: [] }), "jwtProviders[0].localJwks.keys: expected a key for signatures"],
  ["a set that is a text", set("{}"), "jwtProviders[0].localJwks: expected a JWK set"],
  ["a key without a type", jwk(without(EC_JWK, "kty")), "jwtProviders[0].localJwks.keys[0].kty: expected a key type"],
  [
    "an RSA key of 1024 bits",
    jwk(SHORT_RSA_JWK),
    "jwtProviders[0].localJwks.keys[0].n: expected an odd modulus of 2048 to 8192 bits, found one of 1024 bits",
  ],
  [
    "an RSA key without exponent",
    jwk(without(RSA_JWK, "e")),
    "jwtProviders[0].localJwks.keys[0].e: expected base64url",
  ],
  [
    "a private RSA key",
    jwk({ ...RSA_JWK, d: "AQAB" }),
    "jwtProviders[0].localJwks.keys[0].d: expected a public key, found a private one",
  ],
  [
    "a private EC key",
    jwk({ ...EC_JWK, d: "AQAB" }),
    "jwtProviders[0].localJwks.keys[0].d: expected a public key, found a private one",
  ],
  [
    "a short coordinate",
    jwk({ ...EC_JWK, x: EC_JWK.x.slice(0, 40) }),
    "jwtProviders[0].localJwks.keys[0].x, y: expected 32 bytes each, found 30 and 32",
  ],
  [
    "a coordinate of P-384 on P-521",
    jwk({ ...P384_JWK, crv: "P-521" }),
    "jwtProviders[0].localJwks.keys[0].x, y: expected 66 bytes each, found 48 and 48",
  ],
  [
    "a private Ed25519 key",
    jwk({ ...ED25519_JWK, d: "AQAB" }),
    "jwtProviders[0].localJwks.keys[0].d: expected a public key, found a private one",
  ],
  [
    "a secret of 31 bytes",
    jwk({ kty: "oct", k: Buffer.alloc(31, 1).toString("base64url") }),
    "jwtProviders[0].localJwks.keys[0].k: expected 32 bytes or more, found 31",
  ],
  [
    "a key id that is a number",
    jwk({ ...EC_JWK, kid: 1 }),
    "jwtProviders[0].localJwks.keys[0].kid: expected a string, found number 1",
  ],
];

/** What a schema cannot tell. */
const badBeyondSchema: readonly Row[] = [
  [
    "a secret shorter than the hash",
    jwk({ ...SECRET_JWK, alg: "HS384" }),
    "jwtProviders[0].localJwks.keys[0].k: expected 48 bytes or more, found 32",
  ],
  [
    "32 bytes that are no point",
    // y = 2, of which RFC 8032's formula gives no x.
    jwk({ ...ED25519_JWK, x: Buffer.from([2, ...new Uint8Array(31)]).toString("base64url") }),
    "jwtProviders[0].localJwks.keys[0].x: expected 32 bytes that are a point of the curve",
  ],
  [
    "a set without a key for the algorithms named",
    {
      ...set({ keys: [EC_JWK] }),
      jwtProviders: [{ ...provider, algorithms: ["RS256", "EdDSA"], localJwks: { keys: [EC_JWK] } }],
    },
    "jwtProviders[0].localJwks.keys: expected a key for signatures with RS256, EdDSA, found none",
  ],
  [
    "a set for encryption only",
    jwk({ ...RSA_JWK, use: "enc" }),
    "jwtProviders[0].localJwks.keys: expected a key for signatures",
  ],
  [
    "an RSA key of 2047 bits",
    jwk({ ...RSA_JWK, n: `f${RSA_JWK.n.slice(1)}` }),
    "jwtProviders[0].localJwks.keys[0].n: expected an odd modulus of 2048 to 8192 bits, found one of 2047 bits",
  ],
  [
    "an RSA key with exponent 1",
    jwk({ ...RSA_JWK, e: "AQ" }),
    "jwtProviders[0].localJwks.keys[0].e: expected an odd exponent",
  ],
  [
    "base64 that is not canonical",
    jwk({ ...EC_JWK, y: `${EC_JWK.y.slice(0, -1)}B` }),
    "jwtProviders[0].localJwks.keys[0].y: expected base64url",
  ],
];

const toBad = (rows: readonly Row[], schemaCannotTell: boolean): Bad[] =>
  rows.map(([what, configuration, error]) => ({ what, configuration, error, schemaCannotTell }));

testConfigurations("authz", good, [...toBad(bad, false), ...toBad(badBeyondSchema, true)]);
