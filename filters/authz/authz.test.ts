// Credentials, rules, and what the upstream and the client get.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { ProxyWasmHost } from "@meshwright/host";
import { Envoy, filterModule, statusOf, type Request, type Worker } from "../testing/filter.ts";
import { EC_JWK, RSA_JWK, SECRET_JWK, sign } from "../testing/keys.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const ISSUER = "https://id.example";
const NOW = Date.UTC(2026, 0, 1) / 1000;
const CLAIMS = { iss: ISSUER, sub: "alice", exp: NOW + 600, scope: "read write", tenant: { id: 7, admins: ["alice"] } };

const apiKeys = {
  keys: [
    { name: "billing", sha256: sha256("billing-key") },
    { name: "ci", sha256: sha256("ci-key-old") },
    { name: "ci", sha256: sha256("ci-key-new").toUpperCase() },
  ],
};
const provider = { name: "corp", issuer: ISSUER, localJwks: { keys: [RSA_JWK] } };
const publicPath = { name: "public", action: "allow", paths: [{ prefix: "/public" }], principals: [{ any: true }] };
const members = { name: "members", action: "allow" };

let module: Uint8Array;
let token: string;
let envoy: Envoy;
const envoys: Envoy[] = [];
before(async () => {
  module = await filterModule("authz");
  token = await sign("RS256", CLAIMS);
});
after(() => envoys.forEach((each) => each.close()));

/** A worker of a new Envoy, which is `envoy` from then on. */
async function worker(configuration: object): Promise<Worker> {
  envoy = new Envoy(module);
  envoys.push(envoy);
  return envoy.worker(configuration);
}

type Headers = readonly (readonly [string, string])[];
const bearer = (): Headers => [["authorization", `Bearer ${token}`]];
const key = (value: string): Headers => [["x-api-key", value]];

/** The status of a request and why it did not pass, as `403 rule[name]`; `200` when it did. */
function outcome(filter: Worker, request: Request): string {
  const stream = filter.send(request);
  const details = stream.localResponse?.details.replace("authz.denied.", " ") ?? "";
  return `${statusOf(stream)}${details}`;
}

test("API keys", async () => {
  const filter = await worker({ apiKeys, rules: [publicPath, members] });
  const cases: readonly (readonly [string, Request])[] = [
    ["200", { headers: key("billing-key") }],
    ["200", { headers: key("ci-key-old") }],
    ["200", { headers: key("ci-key-new") }],
    ["200", { path: "/public/a" }],
    ["200", { path: "/public/a", headers: key("billing-key") }],
    ["401 missing_credentials", {}],
    ["401 bad_api_key", { headers: key("billing-keY") }],
    ["401 bad_api_key", { headers: key("billing-key ".concat("x")) }],
    ["401 bad_api_key", { headers: key("") }],
    ["401 bad_api_key", { headers: key(sha256("billing-key")) }],
    ["401 bad_api_key", { headers: [...key("billing-key"), ...key("billing-key")] }],
    ["401 bad_api_key", { headers: [...key("billing-key"), ...key("wrong")] }],
    ["401 bad_api_key", { headers: key("billing-key,ci-key-old") }],
    ["401 bad_api_key", { path: "/public/a", headers: key("wrong") }],
  ];
  for (const [expected, request] of cases) assert.equal(outcome(filter, request), expected, JSON.stringify(request));
  assert.equal(envoy.metric("authz.allowed"), 5);
  assert.equal(envoy.metric("authz.denied.bad_api_key"), 8);
  assert.equal(envoy.metric("authz.denied.missing_credentials"), 1);
});

test("a thousand API keys, each found and no other", async () => {
  const keys = Array.from({ length: 1000 }, (_, i) => ({ name: `k${i}`, sha256: sha256(`key-${i}`) }));
  const filter = await worker({ apiKeys: { keys }, rules: [members], principalHeader: "x-caller" });
  for (let i = 0; i < 1000; i += 1) {
    assert.equal(filter.send({ headers: key(`key-${i}`) }).request.headers?.get("x-caller"), `k${i}`);
  }
  for (let i = 1000; i < 1100; i += 1) assert.equal(outcome(filter, { headers: key(`key-${i}`) }), "401 bad_api_key");
});

test("the challenge names every way to authenticate", async () => {
  const cases: readonly (readonly [object, string[]])[] = [
    [{ apiKeys }, ['ApiKey realm="envoy"']],
    [{ jwtProviders: [provider], realm: "my realm" }, ['Bearer realm="my realm"']],
    [{ apiKeys, jwtProviders: [provider] }, ['Bearer realm="envoy"', 'ApiKey realm="envoy"']],
  ];
  for (const [configuration, challenges] of cases) {
    const stream = (await worker({ ...configuration, rules: [members] })).send();
    assert.equal(statusOf(stream), 401);
    assert.deepEqual(stream.response.headers?.getAll("www-authenticate"), challenges);
    assert.equal(stream.localResponse?.body, "Unauthorized: credentials are required\n");
  }
});

test("where no credential would help, the answer is 403", async () => {
  const deny = { name: "closed", action: "deny", paths: [{ prefix: "/closed" }] };
  const anonymous = { name: "anon", action: "deny", principals: [{ anonymous: true }] };
  const filter = await worker({ apiKeys, rules: [deny, publicPath, anonymous] });
  assert.equal(outcome(filter, { path: "/closed" }), "403 rule[closed]");
  assert.equal(outcome(filter, { path: "/closed", headers: key("billing-key") }), "403 rule[closed]");
  assert.equal(outcome(filter, { path: "/other" }), "401 missing_credentials");
  assert.equal(outcome(filter, { path: "/other", headers: key("billing-key") }), "403 no_rule");
  const stream = filter.send({ path: "/closed" });
  assert.equal(stream.localResponse?.body, "Forbidden\n");
  assert.equal(stream.response.headers?.has("www-authenticate"), false);

  const noCredentials = await worker({ rules: [publicPath] });
  assert.equal(outcome(noCredentials, { path: "/other" }), "403 no_rule");
  assert.equal(outcome(noCredentials, { path: "/public" }), "200");
});

test("finding the token", async () => {
  const filter = await worker({ jwtProviders: [provider], rules: [publicPath, members] });
  const authorization = (...values: string[]): Headers => values.map((value) => ["authorization", value]);
  const cases: readonly (readonly [string, Headers])[] = [
    ["200", authorization(`Bearer ${token}`)],
    ["200", authorization(`bearer ${token}`)],
    ["200", authorization(`BEARER   ${token}`)],
    ["401 missing_credentials", []],
    ["401 missing_credentials", authorization("Basic YTpi")],
    ["401 missing_credentials", authorization(`Bearerx ${token}`)],
    ["401 missing_credentials", authorization("")],
    ["401 token_malformed", authorization("Bearer")],
    ["401 token_malformed", authorization("Bearer ")],
    ["401 token_malformed", authorization(`Bearer\t${token}`)],
    ["401 token_malformed", authorization(`Bearer=${token}`)],
    ["401 token_malformed", authorization(`Bearer,${token}`)],
    ["401 token_malformed", authorization(`Bearer ${token} x`)],
    ["401 token_malformed", authorization(`Bearer ${token},`)],
    ["401 too_many_tokens", authorization(`Bearer ${token}`, `Bearer ${token}`)],
    ["401 too_many_tokens", authorization("Basic YTpi", `Bearer ${token}`)],
    ["401 too_many_tokens", authorization(`Basic YTpi, Bearer ${token}`)],
    ["401 too_many_tokens", authorization(`Bearer ${token},Bearer ${token}`)],
  ];
  for (const [expected, headers] of cases) {
    assert.equal(outcome(filter, { headers }), expected, JSON.stringify(headers));
    // A bad credential does not become good, or nobody's, on a path that is open to all.
    const open = expected.includes("missing") ? "200" : expected;
    assert.equal(outcome(filter, { path: "/public", headers }), open, JSON.stringify(headers));
  }
});

test("tokens from other places, each from its providers only", async () => {
  const second = {
    name: "second",
    issuer: "https://second.example",
    localJwks: { keys: [SECRET_JWK] },
    fromHeaders: [{ name: "x-token" }, { name: "authorization", prefix: "Token " }],
  };
  const filter = await worker({ jwtProviders: [provider, second], rules: [members], principalHeader: "x-caller" });
  const other = await sign("HS256", { ...CLAIMS, iss: "https://second.example" });
  const cases: readonly (readonly [string, Headers])[] = [
    ["200", [["authorization", `Bearer ${token}`]]],
    ["200", [["x-token", other]]],
    ["200", [["authorization", `token ${other}`]]],
    ["401 token_unknown_issuer", [["x-token", token]]],
    ["401 token_unknown_issuer", [["authorization", `Token ${token}`]]],
    ["401 token_unknown_issuer", [["authorization", `Bearer ${other}`]]],
    ["401 token_malformed", [["x-token", `Bearer ${other}`]]],
    [
      "401 too_many_tokens",
      [
        ["authorization", `Bearer ${token}`],
        ["x-token", other],
      ],
    ],
  ];
  for (let round = 0; round < 2; round += 1) {
    for (const [expected, headers] of cases)
      assert.equal(outcome(filter, { headers }), expected, JSON.stringify(headers));
  }
  const stream = filter.send({ headers: [["x-token", other]] });
  assert.equal(stream.request.headers?.get("x-caller"), "https://second.example/alice");
  assert.equal(stream.request.headers?.has("x-token"), false);
});

test("an API key and a token together must both be good", async () => {
  const filter = await worker({ apiKeys, jwtProviders: [provider], rules: [members] });
  assert.equal(outcome(filter, { headers: [...key("billing-key"), ...bearer()] }), "200");
  assert.equal(outcome(filter, { headers: [...key("wrong"), ...bearer()] }), "401 bad_api_key");
  assert.equal(
    outcome(filter, { headers: [...key("billing-key"), ["authorization", "Bearer x"]] }),
    "401 token_malformed",
  );
});

test("rules", async () => {
  const rules = [
    { name: "no-trace", action: "deny", methods: ["TRACE", "TRACK"] },
    { name: "no-legacy", action: "deny", headers: [{ name: "x-client", prefix: "legacy/" }] },
    { name: "no-bob", action: "deny", principals: [{ issuer: ISSUER, subject: "bob" }] },
    { name: "no-guests", action: "deny", claims: [{ claim: "scope", contains: "guest" }] },
    { name: "hosts", action: "allow", hosts: ["in.example"], paths: [{ exact: "/host" }], principals: [{ any: true }] },
    {
      name: "below",
      action: "allow",
      hosts: ["*.in.example"],
      paths: [{ exact: "/host" }],
      principals: [{ any: true }],
    },
    { name: "css", action: "allow", methods: ["GET"], paths: [{ suffix: ".css" }], principals: [{ anonymous: true }] },
    {
      name: "write",
      action: "allow",
      methods: ["POST"],
      paths: [{ prefix: "/a" }],
      claims: [{ claim: "scope", contains: "write" }],
    },
    {
      name: "admin",
      action: "allow",
      paths: [{ prefix: "/admin" }],
      claims: [{ claim: ["tenant", "admins"], contains: "alice" }],
    },
    {
      name: "verified",
      action: "allow",
      paths: [{ exact: "/v" }],
      claims: [{ claim: "email_verified", equals: true }],
    },
    {
      name: "exact",
      action: "allow",
      paths: [{ exact: "/e" }],
      claims: [
        { claim: "scope", equals: "read write" },
        { claim: "sub", equals: "alice" },
      ],
    },
    {
      name: "billing",
      action: "allow",
      paths: [{ prefix: "/bills" }],
      principals: [{ apiKey: "billing" }, { issuer: ISSUER, subject: "alice" }],
    },
    {
      name: "team",
      action: "allow",
      paths: [{ exact: "/team" }],
      headers: [
        { name: "x-team", exact: "a" },
        { name: "x-old", present: false },
      ],
    },
  ];
  const filter = await worker({ apiKeys, jwtProviders: [provider], rules });
  const as = async (claims: object): Promise<Headers> => [
    ["authorization", `Bearer ${await sign("RS256", { ...CLAIMS, ...claims })}`],
  ];
  const bob = await as({ sub: "bob" });
  const guest = await as({ scope: "read guest" });
  const verified = await as({ email_verified: true });
  const verifiedText = await as({ email_verified: "true" });
  const reader = await as({ scope: "read writer" });
  const nested = await as({ tenant: { admins: "bob alice" } });
  const nestedDeeper = await as({ tenant: { admins: [["alice"], { alice: "alice" }, 1, null] } });

  const cases: readonly (readonly [string, Request])[] = [
    ["403 rule[no-trace]", { method: "TRACE", headers: bearer() }],
    ["403 no_rule", { method: "trace", headers: bearer() }],
    ["403 rule[no-legacy]", { path: "/e", headers: [...bearer(), ["x-client", "legacy/1"]] }],
    ["403 rule[no-legacy]", { path: "/e", headers: [...bearer(), ["x-client", "new/1"], ["X-Client", "legacy/2"]] }],
    ["403 rule[no-legacy]", { path: "/e", headers: [...bearer(), ["x-client", "new/1 , legacy/2"]] }],
    ["200", { path: "/e", headers: [...bearer(), ["x-client", "new/1"]] }],
    ["403 rule[no-bob]", { path: "/bills", headers: bob }],
    ["403 rule[no-guests]", { path: "/bills", headers: guest }],
    ["200", { path: "/host", authority: "in.example" }],
    ["200", { path: "/host", authority: "IN.Example:8443" }],
    ["200", { path: "/host", authority: "in.example." }],
    ["200", { path: "/host", authority: "a.b.in.example:80" }],
    ["401 missing_credentials", { path: "/host", authority: "xin.example" }],
    ["401 missing_credentials", { path: "/host", authority: ".in.example.evil" }],
    ["401 missing_credentials", { path: "/host", authority: "" }],
    ["200", { path: "/style/a.css" }],
    ["403 no_rule", { path: "/style/a.css", headers: bearer() }],
    ["401 missing_credentials", { method: "POST", path: "/style/a.css" }],
    ["200", { method: "POST", path: "/a/b", headers: bearer() }],
    ["200", { method: "POST", path: "/a", headers: bearer() }],
    ["403 no_rule", { method: "POST", path: "/ab", headers: bearer() }],
    ["403 no_rule", { method: "POST", path: "/a", headers: reader }],
    ["401 missing_credentials", { method: "POST", path: "/a" }],
    ["403 no_rule", { method: "POST", path: "/a", headers: key("ci-key-old") }],
    ["200", { path: "/admin/x", headers: bearer() }],
    ["200", { path: "/admin/x", headers: nested }],
    ["403 no_rule", { path: "/admin/x", headers: nestedDeeper }],
    ["200", { path: "/v", headers: verified }],
    ["403 no_rule", { path: "/v", headers: verifiedText }],
    ["403 no_rule", { path: "/v", headers: bearer() }],
    ["200", { path: "/e", headers: bearer() }],
    ["403 no_rule", { path: "/e/", headers: bearer() }],
    ["200", { path: "/bills/1", headers: key("billing-key") }],
    ["200", { path: "/bills/1", headers: bearer() }],
    ["403 no_rule", { path: "/bills/1", headers: key("ci-key-old") }],
    ["200", { path: "/team", headers: [...bearer(), ["x-team", "a"]] }],
    ["200", { path: "/team", headers: [...bearer(), ["x-team", "a"], ["x-team", "a,a"]] }],
    ["403 no_rule", { path: "/team", headers: [...bearer(), ["x-team", "a"], ["x-team", "b"]] }],
    ["403 no_rule", { path: "/team", headers: [...bearer(), ["x-team", "a,b"]] }],
    ["403 no_rule", { path: "/team", headers: [...bearer(), ["x-team", ""]] }],
    ["403 no_rule", { path: "/team", headers: bearer() }],
    ["403 no_rule", { path: "/team", headers: [...bearer(), ["x-team", "a"], ["x-old", ""]] }],
  ];
  for (const [expected, request] of cases) assert.equal(outcome(filter, request), expected, JSON.stringify(request));
});

test("tests of headers, for allow and for deny", async () => {
  // Each test, and for each list of values whether it holds in an allow rule, and in a deny rule.
  const lists: readonly (readonly string[])[] = [[], ["a"], ["b"], ["a", "b"], ["a,b"], [""], ["b", "b"]];
  const cases: readonly (readonly [object, allow: string, deny: string])[] = [
    [{ exact: "a" }, "0100000", "0101100"],
    [{ exact: "a", invert: true }, "1010011", "1011111"],
    [{ prefix: "a" }, "0100000", "0101100"],
    [{ suffix: "b", invert: true }, "1100010", "1101110"],
    [{ exact: "a,b" }, "0000100", "0000100"],
    [{ present: true }, "0111111", "0111111"],
    [{ present: false }, "1000000", "1000000"],
    [{ present: true, invert: true }, "1000000", "1000000"],
  ];
  for (const [condition, allow, deny] of cases) {
    const headers = [{ name: "x-h", ...condition }];
    const everybody = { principals: [{ any: true }] };
    const allowing = await worker({ rules: [{ name: "r", action: "allow", headers, ...everybody }] });
    const denying = await worker({
      rules: [
        { name: "r", action: "deny", headers },
        { name: "rest", action: "allow", ...everybody },
      ],
    });
    const holds = (filter: Worker, wanted: string): string =>
      lists
        .map((values) => outcome(filter, { headers: values.map((value) => ["x-h", value]) }))
        .map((result) => (result.startsWith(wanted) ? "1" : "0"))
        .join("");
    assert.equal(holds(allowing, "200"), allow, `allow ${JSON.stringify(condition)}`);
    assert.equal(holds(denying, "403"), deny, `deny ${JSON.stringify(condition)}`);
  }
});

test("the upstream gets who calls, and no credentials", async () => {
  const configuration = {
    apiKeys,
    jwtProviders: [
      {
        ...provider,
        claimToHeaders: [
          { claim: "sub", header: "x-user" },
          { claim: "tenant.id", header: "x-tenant" },
          { claim: "tenant.admins", header: "x-admins" },
          { claim: "email_verified", header: "x-verified" },
          { claim: "tenant", header: "x-object" },
        ],
      },
    ],
    rules: [publicPath, members],
    principalHeader: "X-Caller",
  };
  const filter = await worker(configuration);
  const forged: Headers = [
    ["x-user", "root"],
    ["x_user", "root"],
    ["X-Caller", "root"],
    ["x-caller", "root"],
    ["x-admins", "root"],
    ["x-object", "root"],
    ["x-userx", "stays"],
  ];
  const own = ["x-user", "x_user", "x-caller", "x-tenant", "x-admins", "x-verified", "x-object"];
  const upstream = (request: Request): Record<string, string[]> => {
    const headers = filter.send(request).request.headers;
    assert.ok(headers);
    assert.equal(headers.get("x-userx"), "stays");
    return Object.fromEntries(own.filter((name) => headers.has(name)).map((name) => [name, headers.getAll(name)]));
  };

  assert.deepEqual(upstream({ path: "/public", headers: forged }), {});
  assert.deepEqual(upstream({ headers: [...forged, ...key("billing-key")] }), { "x-caller": ["billing"] });
  assert.deepEqual(upstream({ headers: [...forged, ...bearer()] }), {
    "x-user": ["alice"],
    "x-caller": [`${ISSUER}/alice`],
    "x-tenant": ["7"],
    "x-admins": ["alice"],
  });
  const more = await sign("RS256", {
    ...CLAIMS,
    sub: "é",
    email_verified: true,
    tenant: { id: "a,b", admins: ["a", 1, false] },
  });
  assert.deepEqual(upstream({ headers: [...forged, ["authorization", `Bearer ${more}`]] }), {
    "x-user": ["é"],
    "x-caller": [`${ISSUER}/é`],
    "x-tenant": ["a,b"],
    "x-admins": ["a,1,false"],
    "x-verified": ["true"],
  });
  const comma = await sign("RS256", { ...CLAIMS, tenant: { admins: ["a,root"] } });
  assert.equal(upstream({ headers: [...forged, ["authorization", `Bearer ${comma}`]] })["x-admins"], undefined);

  const stream = filter.send({ headers: [...key("billing-key"), ...bearer()] });
  assert.equal(stream.request.headers?.has("authorization"), false);
  assert.equal(stream.request.headers?.has("x-api-key"), false);
  assert.equal(stream.filterState("authz.principal"), `${ISSUER}/alice`);
  assert.equal(filter.send({ headers: key("ci-key-old") }).filterState("authz.principal"), "ci");
  assert.equal(filter.send({ path: "/public" }).filterState("authz.principal"), undefined);
  assert.equal(stream.routeCacheCleared, 0);
  const basic = filter.send({ path: "/public", headers: [["authorization", "Basic YTpi"]] });
  assert.equal(basic.request.headers?.get("authorization"), "Basic YTpi", "not a credential of this filter");
});

test("credentials are forwarded, and the route chosen again, where that is asked for", async () => {
  const filter = await worker({
    apiKeys: { ...apiKeys, header: "X-Key", forward: true },
    jwtProviders: [{ ...provider, forward: true, clearRouteCache: true }],
    rules: [members],
  });
  const stream = filter.send({ headers: [["x-key", "billing-key"], ...bearer()] });
  assert.equal(stream.request.headers?.get("x-key"), "billing-key");
  assert.equal(stream.request.headers.get("authorization"), `Bearer ${token}`);
  assert.equal(stream.routeCacheCleared, 1);
  assert.equal(filter.send({ headers: [["x-key", "billing-key"]] }).routeCacheCleared, 0);
});

test("a claim that could end a header refuses the token", async () => {
  const filter = await worker({
    jwtProviders: [{ ...provider, claimToHeaders: [{ claim: "name", header: "x-name" }] }],
    rules: [members],
  });
  for (const [name, expected] of [
    ["Alice", "200"],
    ["", "200"],
    ["a\r\nx-admin: 1", "401 token_claim"],
    ["a\0", "401 token_claim"],
    [" a", "401 token_claim"],
    ["a\u007f", "401 token_claim"],
  ] as const) {
    const headers: Headers = [["authorization", `Bearer ${await sign("RS256", { ...CLAIMS, name })}`]];
    assert.equal(outcome(filter, { headers }), expected, JSON.stringify(name));
  }
});

test("a new configuration forgets tokens of the old one", async () => {
  const host = await ProxyWasmHost.load(module);
  const rules = [members];
  const send = (plugin: ReturnType<typeof host.startPlugin>): number | undefined => {
    const stream = plugin.newHttpStream();
    stream.requestHeaders([[":method", "GET"], [":path", "/"], ...bearer()], { endOfStream: true });
    stream.close();
    return stream.localResponse?.status;
  };
  const first = host.startPlugin({ name: "a", configuration: JSON.stringify({ jwtProviders: [provider], rules }) });
  assert.equal(send(first), undefined);
  const changed = { ...provider, localJwks: { keys: [EC_JWK] } };
  const second = host.startPlugin({ name: "b", configuration: JSON.stringify({ jwtProviders: [changed], rules }) });
  assert.equal(send(second), 401);
  assert.equal(send(first), undefined);
  host.close();
});

test("a refusal is in the debug log", async () => {
  const host = await ProxyWasmHost.load(module, { logLevel: "debug" });
  const rules = [{ name: "closed", action: "deny" }];
  const plugin = host.startPlugin({ configuration: JSON.stringify({ rules }) });
  plugin.newHttpStream().requestHeaders({ ":method": "GET", ":path": "/" }, { endOfStream: true });
  assert.ok(host.log.lines.some(({ message }) => message === "denied by rule closed: rule"));
  host.close();
});
