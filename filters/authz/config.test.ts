import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { testConfigurations, type Bad, type Good } from "../testing/configurations.ts";
import { RSA_JWK } from "../testing/keys.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

const allow = { name: "all", action: "allow" };
const keys = [{ name: "billing", sha256: sha256("billing-key") }];
const provider = { name: "corp", issuer: "https://id.example", localJwks: { keys: [RSA_JWK] } };

const user = { name: "Aladdin", salt: "0f".repeat(16), hash: sha256("any") };
const rule = (fields: object): object => ({
  apiKeys: { keys },
  jwtProviders: [provider],
  rules: [{ ...allow, ...fields }],
});
const jwt = (fields: object): object => ({ jwtProviders: [{ ...provider, ...fields }], rules: [allow] });
const apiKeys = (fields: object): object => ({ apiKeys: { keys, ...fields }, rules: [allow] });
const basic = (fields: object): object => ({ basic: { users: [{ ...user, ...fields }] }, rules: [allow] });
const without = (object: object, field: string): object =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== field));

/** Every field, and every form of those that have several. */
const fullProvider = {
  ...provider,
  audiences: ["orders", "é"],
  subjects: [{ exact: "alice" }, { prefix: "svc-" }, { regex: "[0-9]+" }],
  types: ["JWT", "at+jwt", "application/x+jwt"],
  algorithms: ["RS256", "ES256", "HS256"],
  fromHeaders: [{ name: "Authorization", prefix: "Bearer " }, { name: "x-token" }, { name: "x-other", prefix: "" }],
  fromParams: ["access_token", "a.b-C"],
  fromCookies: ["__Host-session"],
  forward: true,
  onFailure: "ignore",
  clockSkew: "1m30s",
  requireExpiration: false,
  maxLifetime: "87600h",
  claimToHeaders: [
    { claim: "sub", header: "x-user" },
    { claim: "realm_access.roles", header: "x-roles" },
    { claim: ["https://id.example/tenant", "id"], header: "x-tenant" },
  ],
  payloadHeader: "X-Payload",
  claimToState: [
    { claim: "sub", state: "sub" },
    { claim: ["a.b"], state: "a-b_C" },
  ],
  clearRouteCache: true,
};
const secondProvider = {
  ...provider,
  name: "second",
  issuer: "https://other.example",
  clockSkew: "0s",
  claimToHeaders: [{ claim: "sub", header: "x-user" }],
};
const fullRule = {
  name: "most_of-it",
  action: "deny",
  methods: ["GET", "M-SEARCH"],
  hosts: ["api.example.com", "*.example.com", "[2001:db8::1]", "localhost", "192.0.2.1"],
  ports: [1, 65_535],
  query: [
    { name: "q", exact: "é" },
    { name: "r", regex: "a|b", invert: true },
    { name: "s", present: false },
  ],
  sources: ["10.0.0.0/8", "2001:db8::/32", "::1", "0.0.0.0/0"],
  peers: ["192.0.2.1"],
  times: [
    { from: "2026-01-01T00:00:00Z" },
    { from: "2026-01-01T00:00:00.5+01:00", until: "2027-02-28T23:59:59-05:30" },
    { days: ["mon"] },
    { days: ["sat", "sun"], start: "22:00", end: "06:00", utcOffset: "+02:00" },
    { days: ["fri"], end: "24:00" },
  ],
  paths: [
    { startsWith: "/ab" },
    { regex: "/a/[0-9]+" },
    { template: "/u/{id}/{*}/x/{**}" },
    { exact: "/a b" },
    { exact: "/%C3%A9" },
    { prefix: "/" },
    { prefix: "/a/b/" },
    { suffix: ".css" },
  ],
  headers: [
    { name: "x-a", exact: "1,2" },
    { name: "x-b", prefix: "1", invert: true },
    { name: "x-c", suffix: "1", invert: false },
    { name: "x-d", present: true },
    { name: "x-f", contains: "1" },
    { name: "x-g", regex: "[a-z]+" },
    { name: "x-e", present: false, invert: true },
  ],
  principals: [
    { any: true },
    { authenticated: true },
    { anonymous: true },
    { apiKey: "billing" },
    { issuer: "https://id.example" },
    { issuer: "https://id.example", subject: "alice" },
    { provider: "corp" },
    { user: "Aladdin" },
    { peer: { prefix: "spiffe://corp.example/" } },
    { peerDns: { suffix: ".corp.example" } },
    { peerSubject: { contains: "O=Corp" } },
    { allOf: [{ not: { apiKey: "billing" } }, { anyOf: [{ authenticated: true }] }] },
  ],
  not: {
    methods: ["PUT"],
    hosts: ["b.example"],
    ports: [8080],
    paths: [{ prefix: "/x" }],
    query: [{ name: "debug", present: true }],
    sources: ["10.1.0.0/16"],
    peers: ["10.2.0.0/16"],
    principals: [{ apiKey: "billing" }],
    claims: [{ claim: "blocked", equals: 1 }],
  },
  claims: [
    { claim: "tenant", provider: "second", equals: "" },
    { claim: "email_verified", equals: false },
    { claim: "a.b", contains: "c" },
    { claim: "level", equals: 3.5 },
    { claim: "email", suffix: "@corp.example" },
    { claim: "email", prefix: "a" },
    { claim: "email", regex: ".*" },
    { claim: "email", present: false },
  ],
};
const everything = {
  apiKeys: { header: "X-Key", fromParams: ["key"], fromCookies: ["key"], forward: true, keys },
  basic: { iterations: 1, forward: true, users: [user, { ...user, name: "é a@b.example", salt: "A0".repeat(20) }] },
  severalTokens: false,
  jwtProviders: [fullProvider, secondProvider],
  externalAuthorizers: [{ name: "opa", grpc: { cluster: "opa" } }],
  trustedHops: 2,
  peerAddressState: "authz.peer",
  evaluation: "precedence",
  rules: [
    fullRule,
    allow,
    { name: "seen", action: "audit" },
    { name: "new", action: "deny", shadow: true },
    { name: "ask", action: "external", authorizer: "opa" },
  ],
  principalHeader: "x-principal",
  realm: "my realm",
  tokenCacheSize: 0,
};

const good: Good[] = [
  ["the least", { rules: [allow] }],
  ["API keys", apiKeys({})],
  ["two keys with one name", apiKeys({ keys: [...keys, { name: "billing", sha256: sha256("next").toUpperCase() }] })],
  ["a user", basic({})],
  ["a provider", jwt({})],
  ["everything", everything],
];

/** What is wrong, the configuration, and how the filter's complaint starts. */
type Row = readonly [what: string, configuration: unknown, error: string];

const bad: readonly Row[] = [
  ["no object", [], "configuration: expected an object, found array of 0"],
  ["nothing", {}, "rules: expected at least one rule, found nothing"],
  ["no rule", { rules: [] }, "rules: expected at least one rule, found array of 0"],
  ["an unknown field", { rules: [allow], role: 1 }, "role: unknown field, expected one of apiKeys"],
  ["a bad realm", { rules: [allow], realm: 'a"b' }, "realm: expected printable ASCII"],
  ["a large cache", { rules: [allow], tokenCacheSize: 65_537 }, "tokenCacheSize: expected an integer from 0 to 65536"],
  [
    "Host as own header",
    { rules: [allow], principalHeader: "Host" },
    "principalHeader: expected the name of a header that a filter may set",
  ],
  ["a rule without a name", { rules: [{ action: "allow" }] }, "rules[0].name: expected a string"],
  [
    "a rule without an action",
    { rules: [{ name: "a" }] },
    'rules[0].action: expected one of "deny", "allow", "audit", "external", found nothing',
  ],
  ["another action", rule({ action: "log" }), "rules[0].action: expected one of"],
  ["a rule with an unknown field", rule({ notPaths: [] }), "rules[0].notPaths: unknown field"],
  ["a list without items", rule({ paths: [] }), "rules[0].paths: expected at least one item"],
  ["a method in small letters", rule({ methods: ["get"] }), "rules[0].methods: expected methods in capitals"],
  ["a host with a port", rule({ hosts: ["a.example:80"] }), "rules[0].hosts: expected names"],
  ["a star inside of a host", rule({ hosts: ["a.*.example"] }), "rules[0].hosts: expected names"],
  [
    "a path without a slash",
    rule({ paths: [{ exact: "a" }] }),
    'rules[0].paths[0].exact: expected a path that begins with "/"',
  ],
  ["a path with a query", rule({ paths: [{ exact: "/a?b" }] }), "rules[0].paths[0].exact: expected a path"],
  ["a path with a parameter", rule({ paths: [{ prefix: "/a;b" }] }), "rules[0].paths[0].prefix: expected a path"],
  [
    "a suffix with an escape",
    rule({ paths: [{ suffix: "%41" }] }),
    "rules[0].paths[0].suffix: expected text without %",
  ],
  [
    "two tests of a path",
    rule({ paths: [{ exact: "/a", prefix: "/b" }] }),
    "rules[0].paths[0]: expected exactly one of exact, prefix, suffix, startsWith, regex, template, found exact and prefix",
  ],
  ["no test of a path", rule({ paths: [{}] }), "rules[0].paths[0]: expected exactly one of"],
  [
    "a pseudo-header",
    rule({ headers: [{ name: ":path", present: true }] }),
    "rules[0].headers[0].name: expected a header that is no pseudo-header",
  ],
  [
    "Host as header",
    rule({ headers: [{ name: "Host", exact: "a" }] }),
    "rules[0].headers[0].name: expected a header that is no pseudo-header",
  ],
  ["no test of a header", rule({ headers: [{ name: "a" }] }), "rules[0].headers[0]: expected exactly one of"],
  ["any: false", rule({ principals: [{ any: false }] }), "rules[0].principals[0].any: expected true, found false"],
  [
    "a subject without issuer",
    rule({ principals: [{ apiKey: "billing", subject: "a" }] }),
    "rules[0].principals[0].subject: unknown field",
  ],
  [
    "a claim with an empty name",
    rule({ claims: [{ claim: "a..b", equals: "c" }] }),
    "rules[0].claims[0].claim: expected the name of a claim",
  ],
  [
    "a claim by number",
    rule({ claims: [{ claim: ["a", 1], equals: "c" }] }),
    "rules[0].claims[0].claim: expected the name of a claim",
  ],
  [
    "a claim that equals an array",
    rule({ claims: [{ claim: "a", equals: [] }] }),
    "rules[0].claims[0].equals: expected a string, a number, true or false, found array of 0",
  ],
  ["a port too large", rule({ ports: [65_536] }), "rules[0].ports: expected an array of integers from 1 to 65535"],
  ["a start without a slash", rule({ paths: [{ startsWith: "a" }] }), "rules[0].paths[0].startsWith: expected text"],
  ["a template without a slash", rule({ paths: [{ template: "a" }] }), "rules[0].paths[0].template: expected a path"],
  ["a day that is none", rule({ times: [{ days: ["Mon"] }] }), "rules[0].times[0].days: expected names out of mon"],
  [
    "a time without offset",
    rule({ times: [{ from: "2026-01-01T00:00:00" }] }),
    "rules[0].times[0].from: expected a time",
  ],
  ["no time", rule({ times: [{}] }), "rules[0].times[0].from: expected from, until or both, or days"],
  [
    "a clock without minutes",
    rule({ times: [{ days: ["mon"], start: "8" }] }),
    "rules[0].times[0].start: expected a time",
  ],
  ["times in not", rule({ not: { headers: [] } }), "rules[0].not.headers: unknown field"],
  ["an external rule that asks nobody", rule({ action: "external" }), "rules[0].authorizer: expected a string"],
  ["an authorizer of a deny rule", rule({ action: "deny", authorizer: "a" }), "rules[0].authorizer: unknown field"],
  [
    "another evaluation",
    { rules: [allow], evaluation: "last" },
    'evaluation: expected one of "firstMatch", "precedence"',
  ],
  ["many hops", { rules: [allow], trustedHops: 33 }, "trustedHops: expected an integer from 0 to 32"],
  ["no key", { rules: [allow], peerAddressState: "" }, "peerAddressState: expected the key of a filter state"],
  ["no API key", apiKeys({ keys: [] }), "apiKeys.keys: expected at least one key"],
  [
    "an API key in the open",
    apiKeys({ keys: [{ name: "a", sha256: "secret" }] }),
    "apiKeys.keys[0].sha256: expected the SHA-256 of the key",
  ],
  [
    "a name with a slash",
    apiKeys({ keys: [{ name: "a/b", sha256: sha256("a") }] }),
    "apiKeys.keys[0].name: expected 1 to 64",
  ],
  [
    "API keys in a pseudo-header",
    apiKeys({ header: ":path" }),
    "apiKeys.header: expected a header that is no pseudo-header",
  ],
  ["no user", { basic: { users: [] }, rules: [allow] }, "basic.users: expected at least one user"],
  ["a user with a colon", basic({ name: "a:b" }), "basic.users[0].name: expected at most 256 bytes"],
  ["a user with a slash", basic({ name: "a/b" }), "basic.users[0].name: expected at most 256 bytes"],
  ["a short salt", basic({ salt: "0f".repeat(15) }), "basic.users[0].salt: expected 16 or more random bytes"],
  ["half a byte of salt", basic({ salt: "0".repeat(33) }), "basic.users[0].salt: expected 16 or more random bytes"],
  ["a password in the open", basic({ hash: "open sesame" }), "basic.users[0].hash: expected PBKDF2-HMAC-SHA-256"],
  [
    "many iterations",
    { basic: { users: [user], iterations: 10_001 }, rules: [allow] },
    "basic.iterations: expected an integer from 1 to 10000",
  ],
  [
    "a provider without an issuer",
    { jwtProviders: [without(provider, "issuer")], rules: [allow] },
    "jwtProviders[0].issuer: expected a string",
  ],
  [
    "a provider without keys",
    { jwtProviders: [without(provider, "localJwks")], rules: [allow] },
    "jwtProviders[0]: expected exactly one of localJwks, remoteJwks, found none of them",
  ],
  [
    "the algorithm none",
    jwt({ algorithms: ["none"] }),
    "jwtProviders[0].algorithms: expected names out of RS256, RS384, RS512, PS256",
  ],
  ["no audience", jwt({ audiences: [] }), "jwtProviders[0].audiences: expected at least one item"],
  [
    "a prefix without a space",
    jwt({ fromHeaders: [{ name: "a", prefix: "Bearer" }] }),
    "jwtProviders[0].fromHeaders[0].prefix: expected a word and a space",
  ],
  ["no parameter", jwt({ fromParams: [] }), "jwtProviders[0].fromParams: expected at least one item"],
  [
    "a parameter with an escape",
    jwt({ fromParams: ["access%5Ftoken"] }),
    "jwtProviders[0].fromParams: expected names of letters",
  ],
  ["a cookie with a space", jwt({ fromCookies: ["a b"] }), "jwtProviders[0].fromCookies: expected names of letters"],
  ["another failure", jwt({ onFailure: "allow" }), 'jwtProviders[0].onFailure: expected one of "refuse", "ignore"'],
  ["no subject", jwt({ subjects: [] }), "jwtProviders[0].subjects: expected at least one item"],
  ["a subject without a test", jwt({ subjects: [{}] }), "jwtProviders[0].subjects[0]: expected exactly one of exact"],
  ["no type", jwt({ types: [] }), "jwtProviders[0].types: expected at least one item"],
  ["a payload in Host", jwt({ payloadHeader: "host" }), "jwtProviders[0].payloadHeader: expected the name of a header"],
  [
    "a state with a dot",
    jwt({ claimToState: [{ claim: "a", state: "a.b" }] }),
    "jwtProviders[0].claimToState[0].state: expected 1 to 64",
  ],
  ["a lifetime without a unit", jwt({ maxLifetime: "60" }), "jwtProviders[0].maxLifetime: expected a duration from 1s"],
  ["a skew without a unit", jwt({ clockSkew: "60" }), "jwtProviders[0].clockSkew: expected a duration"],
];

/** What a schema cannot tell. */
const badBeyondSchema: readonly Row[] = [
  ["two rules with one name", { rules: [allow, allow] }, "rules[1].name: expected a name that no rule before has"],
  ["no range", rule({ sources: ["10.0.0"] }), "rules[0].sources: expected ranges"],
  ["two groups that are none", rule({ paths: [{ regex: "a)(b" }] }), "rules[0].paths[0].regex: expected a regular"],
  ["bits behind a range", rule({ sources: ["10.0.0.1/8"] }), "rules[0].sources: expected ranges"],
  ["a range too long", rule({ peers: ["10.0.0.0/33"] }), "rules[0].peers: expected ranges"],
  [
    "a regular expression that is none",
    rule({ headers: [{ name: "a", regex: "(" }] }),
    "rules[0].headers[0].regex: expected a regular expression in the syntax of RE2, not a ( without )",
  ],
  ["a look ahead", rule({ paths: [{ regex: "(?=a)" }] }), "rules[0].paths[0].regex: expected a regular expression"],
  ["a variable in a segment", rule({ paths: [{ template: "/a{b}" }] }), "rules[0].paths[0].template: expected a path"],
  ["two rests", rule({ paths: [{ template: "/{**}/{**}" }] }), "rules[0].paths[0].template: expected a path"],
  ["a day that is not", rule({ times: [{ from: "2026-02-29T00:00:00Z" }] }), "rules[0].times[0].from: expected a time"],
  [
    "an end before the start",
    rule({ times: [{ from: "2026-01-02T00:00:00Z", until: "2026-01-01T00:00:00Z" }] }),
    "rules[0].times[0].until: expected a time later than from",
  ],
  ["CEL on a host without it", rule({ when: ["true"] }), "rules[0].when: expected nothing, since this host has no CEL"],
  [
    "an unknown provider",
    rule({ principals: [{ allOf: [{ provider: "x" }] }] }),
    'rules[0].principals: expected names of jwtProviders; "x" is none',
  ],
  ["an ambiguous path", rule({ paths: [{ prefix: "/a%2fb" }] }), "rules[0].paths[0].prefix: expected a path"],
  [
    "an unknown API key",
    rule({ principals: [{ apiKey: "biling" }] }),
    'rules[0].principals: expected names of API keys in apiKeys.keys; "biling" is none',
  ],
  [
    "an unknown issuer",
    rule({ principals: [{ issuer: "x" }] }),
    'rules[0].principals: expected issuers in jwtProviders; "x" is none',
  ],
  [
    "an API key twice",
    apiKeys({ keys: [...keys, { name: "b", sha256: sha256("billing-key") }] }),
    "apiKeys.keys[1].sha256: expected a key that is not in the list yet",
  ],
  [
    "two providers with one issuer",
    { jwtProviders: [provider, { ...provider, name: "b" }], rules: [allow] },
    "jwtProviders[1].issuer: expected an issuer that no provider before has",
  ],
  [
    "two providers with one name",
    { jwtProviders: [provider, { ...provider, issuer: "b" }], rules: [allow] },
    "jwtProviders[1].name: expected a name that no provider before has",
  ],
  [
    "an algorithm without a key",
    jwt({ algorithms: ["HS256"] }),
    "jwtProviders[0].localJwks.keys: expected a key for signatures with HS256, found none",
  ],
  ["a skew of two hours", jwt({ clockSkew: "2h" }), "jwtProviders[0].clockSkew: expected a duration from 0s to 1h"],
  ["no lifetime", jwt({ maxLifetime: "999ms" }), "jwtProviders[0].maxLifetime: expected a duration from 1s to 87600h"],
  [
    "two claims for one state",
    jwt({
      claimToState: [
        { claim: "a", state: "a" },
        { claim: "b", state: "a" },
      ],
    }),
    'jwtProviders[0].claimToState[1].state: "a" is set by a claim before',
  ],
  [
    "the payload in a claim's header",
    jwt({ claimToHeaders: [{ claim: "a", header: "x-a" }], payloadHeader: "X-A" }),
    'jwtProviders[0].payloadHeader: "x-a" is set by a claim before',
  ],
  [
    "two claims for one header",
    jwt({
      claimToHeaders: [
        { claim: "a", header: "x-a" },
        { claim: "b", header: "X-A" },
      ],
    }),
    'jwtProviders[0].claimToHeaders[1].header: "x-a" is set by a claim before',
  ],
  [
    "a claim in the token's header",
    jwt({ claimToHeaders: [{ claim: "a", header: "authorization" }] }),
    'jwtProviders: "authorization" holds a credential',
  ],
  [
    "the principal in a claim's header",
    { ...jwt({ claimToHeaders: [{ claim: "a", header: "x-a" }] }), principalHeader: "x-a" },
    'principalHeader: "x-a" is set by a claim already',
  ],
  [
    "a rule on a header that the filter sets",
    { rules: [{ ...allow, headers: [{ name: "x-p", exact: "a" }] }], principalHeader: "x-p" },
    'rules[0].headers[0].name: "x-p" is set by this filter',
  ],
  [
    "API keys where tokens are",
    { ...jwt({}), apiKeys: { keys, header: "authorization" } },
    'apiKeys: "header authorization" is where a provider',
  ],
  [
    "a user twice",
    { basic: { users: [user, { ...user, salt: "0e".repeat(16) }] }, rules: [allow] },
    "basic.users[1].name: expected a name that no user before has",
  ],
  [
    "a salt twice",
    { basic: { users: [user, { ...user, name: "b" }] }, rules: [allow] },
    "basic.users[1].salt: expected a salt of its own",
  ],
  ["a user with a blank at the end", basic({ name: "a " }), "basic.users[0].name: expected at most 256 bytes"],
  ["an unknown user", rule({ principals: [{ user: "b" }] }), "rules[0].principals: expected names of users"],
  [
    "tokens where passwords are",
    { ...basic({}), jwtProviders: [{ ...provider, fromHeaders: [{ name: "Authorization", prefix: "basic " }] }] },
    'jwtProviders[0].fromHeaders: "authorization" is where basic looks',
  ],
  [
    "API keys where passwords are",
    { ...basic({}), apiKeys: { keys, header: "authorization" } },
    'apiKeys.header: "authorization" is where basic looks',
  ],
  [
    "API keys in a parameter of tokens",
    { ...jwt({ fromParams: ["key"] }), apiKeys: { keys, fromParams: ["key"] } },
    'apiKeys: "parameter key" is where a provider',
  ],
  [
    "a claim in the header of cookies that hold tokens",
    jwt({ fromCookies: ["session"], claimToHeaders: [{ claim: "a", header: "Cookie" }] }),
    'jwtProviders: "cookie" holds a credential',
  ],
  [
    "one header for the claims of tokens that come together",
    {
      jwtProviders: [
        { ...provider, claimToHeaders: [{ claim: "a", header: "x-a" }] },
        { ...provider, name: "b", issuer: "b", payloadHeader: "X-A" },
      ],
      severalTokens: true,
      rules: [allow],
    },
    'jwtProviders[1].payloadHeader: "x-a" is set by a claim before',
  ],
  [
    "a claim of an unknown provider",
    rule({ claims: [{ claim: "a", provider: "x", present: true }] }),
    'rules[0].claims: expected names of jwtProviders; "x" is none',
  ],
  [
    "the absence of a claim of an unknown provider",
    rule({ not: { claims: [{ claim: "a", provider: "x", present: true }] } }),
    'rules[0].claims: expected names of jwtProviders; "x" is none',
  ],
];

const toBad = (rows: readonly Row[], schemaCannotTell: boolean): Bad[] =>
  rows.map(([what, configuration, error]) => ({ what, configuration, error, schemaCannotTell }));

for (const page of ["README.md", "docs/authentication.md"]) {
  const text = await readFile(new URL(page, import.meta.url), "utf8");
  const whole = [...text.matchAll(/```json\n(.*?)```/gs)]
    .map(([, json = ""]) => json)
    .filter((json) => json.includes('"rules"'));
  whole.forEach((json, i) => good.push([`example ${i + 1} of ${page}`, JSON.parse(json)]));
}

testConfigurations("authz", good, [...toBad(bad, false), ...toBad(badBeyondSchema, true)]);
