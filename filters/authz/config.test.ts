import { createHash } from "node:crypto";
import { testConfigurations, type Bad, type Good } from "../testing/configurations.ts";
import { EC_JWK, RSA_JWK, SECRET_JWK, SHORT_RSA_JWK } from "../testing/keys.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

const allow = { name: "all", action: "allow" };
const keys = [{ name: "billing", sha256: sha256("billing-key") }];
const provider = { name: "corp", issuer: "https://id.example", localJwks: { keys: [RSA_JWK] } };

const rule = (fields: object): object => ({ apiKeys: { keys }, jwtProviders: [provider], rules: [{ ...allow, ...fields }] });
const jwt = (fields: object): object => ({ jwtProviders: [{ ...provider, ...fields }], rules: [allow] });
const jwk = (fields: object): object => jwt({ localJwks: { keys: [fields] } });
const apiKeys = (fields: object): object => ({ apiKeys: { keys, ...fields }, rules: [allow] });
const without = (object: object, field: string): object =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== field));

const good: Good[] = [
  ["the least", { rules: [allow] }],
  ["API keys", apiKeys({})],
  ["two keys with one name", apiKeys({ keys: [...keys, { name: "billing", sha256: sha256("next").toUpperCase() }] })],
  ["a provider", jwt({})],
  ["each type of key", jwt({ localJwks: { keys: [RSA_JWK, EC_JWK, SECRET_JWK] } })],
  [
    "a set with keys of no use to the filter",
    jwt({
      localJwks: {
        keys: [
          { ...RSA_JWK, use: "enc" },
          { ...RSA_JWK, alg: "PS256" },
          { ...EC_JWK, key_ops: ["sign"] },
          { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
          { kty: "EC", crv: "P-384", x: "AA", y: "AA" },
          { ...EC_JWK, use: "sig", alg: "ES256", key_ops: ["verify"], kid: "", x5t: "other members are ignored" },
        ],
      },
    }),
  ],
  [
    "everything",
    {
      apiKeys: { header: "X-Key", forward: true, keys },
      jwtProviders: [
        {
          ...provider,
          audiences: ["orders", "é"],
          algorithms: ["RS256", "ES256", "HS256"],
          fromHeaders: [{ name: "Authorization", prefix: "Bearer " }, { name: "x-token" }, { name: "x-other", prefix: "" }],
          forward: true,
          clockSkew: "1m30s",
          requireExpiration: false,
          claimToHeaders: [
            { claim: "sub", header: "x-user" },
            { claim: "realm_access.roles", header: "x-roles" },
            { claim: ["https://id.example/tenant", "id"], header: "x-tenant" },
          ],
          clearRouteCache: true,
        },
        { ...provider, name: "second", issuer: "https://other.example", clockSkew: "0s", claimToHeaders: [{ claim: "sub", header: "x-user" }] },
      ],
      rules: [
        {
          name: "most_of-it",
          action: "deny",
          methods: ["GET", "M-SEARCH"],
          hosts: ["api.example.com", "*.example.com", "[2001:db8::1]", "localhost", "192.0.2.1"],
          paths: [{ exact: "/a b" }, { exact: "/%C3%A9" }, { prefix: "/" }, { prefix: "/a/b/" }, { suffix: ".css" }],
          headers: [
            { name: "x-a", exact: "1,2" },
            { name: "x-b", prefix: "1", invert: true },
            { name: "x-c", suffix: "1", invert: false },
            { name: "x-d", present: true },
            { name: "x-e", present: false, invert: true },
          ],
          principals: [
            { any: true },
            { authenticated: true },
            { anonymous: true },
            { apiKey: "billing" },
            { issuer: "https://id.example" },
            { issuer: "https://id.example", subject: "alice" },
          ],
          claims: [
            { claim: "tenant", equals: "" },
            { claim: "email_verified", equals: false },
            { claim: "a.b", contains: "c" },
          ],
        },
        allow,
      ],
      principalHeader: "x-principal",
      realm: "my realm",
      tokenCacheSize: 0,
    },
  ],
];

const bad: Bad[] = [
  { what: "no object", configuration: [], error: "configuration: expected an object, found array of 0" },
  { what: "nothing", configuration: {}, error: "rules: expected at least one rule, found nothing" },
  { what: "no rule", configuration: { rules: [] }, error: "rules: expected at least one rule, found array of 0" },
  { what: "an unknown field", configuration: { rules: [allow], role: 1 }, error: "role: unknown field, expected one of apiKeys" },
  { what: "a bad realm", configuration: { rules: [allow], realm: 'a"b' }, error: 'realm: expected printable ASCII' },
  { what: "a large cache", configuration: { rules: [allow], tokenCacheSize: 65_537 }, error: "tokenCacheSize: expected an integer from 0 to 65536" },
  { what: "Host as own header", configuration: { rules: [allow], principalHeader: "Host" }, error: "principalHeader: expected the name of a header that a filter may set" },

  { what: "a rule without a name", configuration: { rules: [{ action: "allow" }] }, error: "rules[0].name: expected a string" },
  { what: "a rule without an action", configuration: { rules: [{ name: "a" }] }, error: 'rules[0].action: expected one of "deny", "allow", found nothing' },
  { what: "another action", configuration: rule({ action: "log" }), error: "rules[0].action: expected one of" },
  { what: "two rules with one name", configuration: { rules: [allow, allow] }, error: "rules[1].name: expected a name that no rule before has", schemaCannotTell: true },
  { what: "a rule with an unknown field", configuration: rule({ notPaths: [] }), error: "rules[0].notPaths: unknown field" },
  { what: "a list without items", configuration: rule({ paths: [] }), error: "rules[0].paths: expected at least one item" },
  { what: "a method in small letters", configuration: rule({ methods: ["get"] }), error: 'rules[0].methods: expected methods in capitals' },
  { what: "a host with a port", configuration: rule({ hosts: ["a.example:80"] }), error: "rules[0].hosts: expected names" },
  { what: "a star inside of a host", configuration: rule({ hosts: ["a.*.example"] }), error: "rules[0].hosts: expected names" },
  { what: "a path without a slash", configuration: rule({ paths: [{ exact: "a" }] }), error: 'rules[0].paths[0].exact: expected a path that begins with "/"' },
  { what: "a path with a query", configuration: rule({ paths: [{ exact: "/a?b" }] }), error: "rules[0].paths[0].exact: expected a path" },
  { what: "a path with a parameter", configuration: rule({ paths: [{ prefix: "/a;b" }] }), error: "rules[0].paths[0].prefix: expected a path" },
  { what: "an ambiguous path", configuration: rule({ paths: [{ prefix: "/a%2fb" }] }), error: "rules[0].paths[0].prefix: expected a path", schemaCannotTell: true },
  { what: "a suffix with an escape", configuration: rule({ paths: [{ suffix: "%41" }] }), error: "rules[0].paths[0].suffix: expected text without %" },
  { what: "two tests of a path", configuration: rule({ paths: [{ exact: "/a", prefix: "/b" }] }), error: "rules[0].paths[0]: expected exactly one of exact, prefix, suffix, found exact and prefix" },
  { what: "no test of a path", configuration: rule({ paths: [{}] }), error: "rules[0].paths[0]: expected exactly one of" },
  { what: "a pseudo-header", configuration: rule({ headers: [{ name: ":path", present: true }] }), error: "rules[0].headers[0].name: expected a header that is no pseudo-header" },
  { what: "Host as header", configuration: rule({ headers: [{ name: "Host", exact: "a" }] }), error: "rules[0].headers[0].name: expected a header that is no pseudo-header" },
  { what: "no test of a header", configuration: rule({ headers: [{ name: "a" }] }), error: "rules[0].headers[0]: expected exactly one of" },
  { what: "any: false", configuration: rule({ principals: [{ any: false }] }), error: "rules[0].principals[0].any: expected true, found false" },
  { what: "a subject without issuer", configuration: rule({ principals: [{ apiKey: "billing", subject: "a" }] }), error: "rules[0].principals[0].subject: unknown field" },
  { what: "an unknown API key", configuration: rule({ principals: [{ apiKey: "biling" }] }), error: 'rules[0].principals: expected names of API keys in apiKeys.keys; "biling" is none', schemaCannotTell: true },
  { what: "an unknown issuer", configuration: rule({ principals: [{ issuer: "x" }] }), error: 'rules[0].principals: expected issuers in jwtProviders; "x" is none', schemaCannotTell: true },
  { what: "a claim with an empty name", configuration: rule({ claims: [{ claim: "a..b", equals: "c" }] }), error: "rules[0].claims[0].claim: expected the name of a claim" },
  { what: "a claim by number", configuration: rule({ claims: [{ claim: ["a", 1], equals: "c" }] }), error: "rules[0].claims[0].claim: expected the name of a claim" },
  { what: "a claim that equals a number", configuration: rule({ claims: [{ claim: "a", equals: 1 }] }), error: "rules[0].claims[0].equals: expected a string, true or false, found number 1" },

  { what: "no API key", configuration: apiKeys({ keys: [] }), error: "apiKeys.keys: expected at least one key" },
  { what: "an API key in the open", configuration: apiKeys({ keys: [{ name: "a", sha256: "secret" }] }), error: "apiKeys.keys[0].sha256: expected the SHA-256 of the key" },
  { what: "an API key twice", configuration: apiKeys({ keys: [...keys, { name: "b", sha256: sha256("billing-key") }] }), error: "apiKeys.keys[1].sha256: expected a key that is not in the list yet", schemaCannotTell: true },
  { what: "a name with a slash", configuration: apiKeys({ keys: [{ name: "a/b", sha256: sha256("a") }] }), error: "apiKeys.keys[0].name: expected 1 to 64" },
  { what: "API keys in a pseudo-header", configuration: apiKeys({ header: ":path" }), error: "apiKeys.header: expected a header that is no pseudo-header" },

  { what: "a provider without an issuer", configuration: { jwtProviders: [without(provider, "issuer")], rules: [allow] }, error: "jwtProviders[0].issuer: expected a string" },
  { what: "a provider without keys", configuration: { jwtProviders: [without(provider, "localJwks")], rules: [allow] }, error: "jwtProviders[0].localJwks: expected a JWK set" },
  { what: "two providers with one issuer", configuration: { jwtProviders: [provider, { ...provider, name: "b" }], rules: [allow] }, error: "jwtProviders[1].issuer: expected an issuer that no provider before has", schemaCannotTell: true },
  { what: "two providers with one name", configuration: { jwtProviders: [provider, { ...provider, issuer: "b" }], rules: [allow] }, error: "jwtProviders[1].name: expected a name that no provider before has", schemaCannotTell: true },
  { what: "the algorithm none", configuration: jwt({ algorithms: ["none"] }), error: "jwtProviders[0].algorithms: expected names out of RS256, ES256, HS256" },
  { what: "an algorithm without a key", configuration: jwt({ algorithms: ["HS256"] }), error: "jwtProviders[0].algorithms: expected an algorithm that a key of localJwks has", schemaCannotTell: true },
  { what: "no audience", configuration: jwt({ audiences: [] }), error: "jwtProviders[0].audiences: expected at least one item" },
  { what: "a prefix without a space", configuration: jwt({ fromHeaders: [{ name: "a", prefix: "Bearer" }] }), error: "jwtProviders[0].fromHeaders[0].prefix: expected a word and a space" },
  { what: "a skew without a unit", configuration: jwt({ clockSkew: "60" }), error: "jwtProviders[0].clockSkew: expected a duration" },
  { what: "a skew of two hours", configuration: jwt({ clockSkew: "2h" }), error: "jwtProviders[0].clockSkew: expected a duration from 0s to 1h", schemaCannotTell: true },
  { what: "two claims for one header", configuration: jwt({ claimToHeaders: [{ claim: "a", header: "x-a" }, { claim: "b", header: "X-A" }] }), error: 'jwtProviders[0].claimToHeaders[1].header: "x-a" is set by a claim before', schemaCannotTell: true },
  { what: "a claim in the token's header", configuration: jwt({ claimToHeaders: [{ claim: "a", header: "authorization" }] }), error: 'jwtProviders: "authorization" holds a credential', schemaCannotTell: true },
  { what: "the principal in a claim's header", configuration: { ...jwt({ claimToHeaders: [{ claim: "a", header: "x-a" }] }), principalHeader: "x-a" }, error: 'principalHeader: "x-a" is set by a claim already', schemaCannotTell: true },
  { what: "a rule on a header that the filter sets", configuration: { rules: [{ ...allow, headers: [{ name: "x-p", exact: "a" }] }], principalHeader: "x-p" }, error: 'rules[0].headers[0].name: "x-p" is set by this filter', schemaCannotTell: true },
  { what: "API keys where tokens are", configuration: { ...jwt({}), apiKeys: { keys, header: "authorization" } }, error: 'apiKeys.header: "authorization" is where a provider', schemaCannotTell: true },

  { what: "a set without keys", configuration: jwt({ localJwks: { keys: [] } }), error: "jwtProviders[0].localJwks.keys: expected a key for signatures" },
  { what: "a set for encryption only", configuration: jwk({ ...RSA_JWK, use: "enc" }), error: "jwtProviders[0].localJwks.keys: expected a key for signatures", schemaCannotTell: true },
  { what: "a set that is a text", configuration: jwt({ localJwks: "{}" }), error: "jwtProviders[0].localJwks: expected a JWK set" },
  { what: "a key without a type", configuration: jwk(without(EC_JWK, "kty")), error: "jwtProviders[0].localJwks.keys[0].kty: expected a key type" },
  { what: "an RSA key of 1024 bits", configuration: jwk(SHORT_RSA_JWK), error: "jwtProviders[0].localJwks.keys[0].n: expected an odd modulus of 2048 to 8192 bits, found one of 1024 bits" },
  { what: "an RSA key of 2047 bits", configuration: jwk({ ...RSA_JWK, n: `f${RSA_JWK.n.slice(1)}` }), error: "jwtProviders[0].localJwks.keys[0].n: expected an odd modulus of 2048 to 8192 bits, found one of 2047 bits", schemaCannotTell: true },
  { what: "an RSA key with exponent 1", configuration: jwk({ ...RSA_JWK, e: "AQ" }), error: "jwtProviders[0].localJwks.keys[0].e: expected an odd exponent", schemaCannotTell: true },
  { what: "an RSA key without exponent", configuration: jwk(without(RSA_JWK, "e")), error: "jwtProviders[0].localJwks.keys[0].e: expected base64url" },
  { what: "a private RSA key", configuration: jwk({ ...RSA_JWK, d: "AQAB" }), error: "jwtProviders[0].localJwks.keys[0].d: expected a public key, found a private one" },
  { what: "a private EC key", configuration: jwk({ ...EC_JWK, d: "AQAB" }), error: "jwtProviders[0].localJwks.keys[0].d: expected a public key, found a private one" },
  { what: "a short coordinate", configuration: jwk({ ...EC_JWK, x: EC_JWK.x.slice(0, 40) }), error: "jwtProviders[0].localJwks.keys[0].x, y: expected 32 bytes each, found 30 and 32" },
  { what: "base64 that is not canonical", configuration: jwk({ ...EC_JWK, y: `${EC_JWK.y.slice(0, -1)}B` }), error: "jwtProviders[0].localJwks.keys[0].y: expected base64url", schemaCannotTell: true },
  { what: "a secret of 31 bytes", configuration: jwk({ kty: "oct", k: Buffer.alloc(31, 1).toString("base64url") }), error: "jwtProviders[0].localJwks.keys[0].k: expected 32 bytes or more, found 31" },
  { what: "a key id that is a number", configuration: jwk({ ...EC_JWK, kid: 1 }), error: "jwtProviders[0].localJwks.keys[0].kid: expected a string, found number 1" },
];

testConfigurations("authz", good, bad);
