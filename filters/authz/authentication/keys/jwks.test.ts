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
const remote = (remoteJwks: unknown, fields: object = {}): object => ({
  jwtProviders: [{ ...provider, remoteJwks, ...fields }],
  rules: [{ name: "all", action: "allow" }],
});
const source = { cluster: "idp", path: "/jwks" };
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

good.push(
  ["keys to fetch", remote(source)],
  [
    "every field of keys to fetch",
    remote({
      cluster: "outbound|443||id.example",
      authority: "id.example:8443",
      path: "/keys?x=1&y=%20",
      scheme: "http",
      timeout: "100ms",
      refresh: "24h",
      minRefresh: "1h",
      staleIfError: "720h",
    }),
  ],
  ["keys to fetch that are not kept when they are old", remote({ ...source, refresh: "1s", staleIfError: "0s" })],
);

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

const at = "jwtProviders[0].remoteJwks";
const badRemote: readonly Row[] = [
  [
    "two sources of keys",
    remote(source, { localJwks: { keys: [EC_JWK] } }),
    "jwtProviders[0]: expected exactly one of localJwks, remoteJwks, found localJwks and remoteJwks",
  ],
  ["keys from a URL", remote("https://id.example/jwks"), `${at}: expected an object`],
  ["keys from no cluster", remote({ path: "/jwks" }), `${at}.cluster: expected a string that is not empty`],
  ["keys without a path", remote({ cluster: "idp" }), `${at}.path: expected a string that is not empty`],
  ["a path that is none", remote({ ...source, path: "jwks" }), `${at}.path: expected a path that begins with "/"`],
  ["a path with a line end", remote({ ...source, path: "/a\r\nx: y" }), `${at}.path: expected a path`],
  ["a path with a fragment", remote({ ...source, path: "/a#b" }), `${at}.path: expected a path`],
  ["another scheme", remote({ ...source, scheme: "ftp" }), `${at}.scheme: expected one of "http", "https"`],
  ["a time without unit", remote({ ...source, refresh: "600" }), `${at}.refresh: expected a duration from 1000ms`],
  ["a field it does not know", remote({ ...source, retries: 3 }), `${at}.retries: unknown field`],
];

/** What a schema cannot tell. */
const badBeyondSchema: readonly Row[] = [
  ["an authority with a line end", remote({ ...source, authority: "a\nb" }), `${at}.authority: expected a host`],
  ["no time at all", remote({ ...source, timeout: "0s" }), `${at}.timeout: expected a duration from 100ms to 60000ms`],
  ["a short time between fetches", remote({ ...source, minRefresh: "999ms" }), `${at}.minRefresh: expected a duration`],
  ["keys kept for years", remote({ ...source, staleIfError: "99999h" }), `${at}.staleIfError: expected a duration`],
  [
    "a least time beyond the longest",
    remote({ ...source, refresh: "30s", minRefresh: "31s" }),
    `${at}.minRefresh: expected a duration that is no longer than refresh`,
  ],
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

testConfigurations("authz", good, [...toBad(bad, false), ...toBad(badRemote, false), ...toBad(badBeyondSchema, true)]);
