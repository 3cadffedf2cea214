// Credentials, and what a caller gets who has none, or bad ones.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ProxyWasmHost } from "@meshwright/host";
import {
  Authz,
  CLAIMS,
  TOKEN,
  apiKeys,
  bearer,
  key,
  members,
  outcome,
  provider,
  publicPath,
  sha256,
  type Headers,
} from "../../testing/authz.ts";
import { statusOf, type Request } from "../../testing/filter.ts";
import { EC_JWK, SECRET_JWK, sign } from "../../testing/keys.ts";

const authz = new Authz();

test("API keys", async () => {
  const filter = await authz.worker({ apiKeys, rules: [publicPath, members] });
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
  assert.equal(authz.envoy.metric("authz.allowed"), 5);
  assert.equal(authz.envoy.metric("authz.denied.bad_api_key"), 8);
  assert.equal(authz.envoy.metric("authz.denied.missing_credentials"), 1);
});

test("a header whose name some servers take for that of the key", async () => {
  const filter = await authz.worker({ apiKeys, rules: [publicPath, members] });
  assert.equal(outcome(filter, { headers: [["x_api_key", "billing-key"]] }), "401 bad_api_key");
  assert.equal(outcome(filter, { path: "/public", headers: [["x_api-key", "x"]] }), "401 bad_api_key");
  assert.equal(outcome(filter, { headers: [...key("billing-key"), ["x-api_key", "ci-key-new"]] }), "401 bad_api_key");
  assert.equal(outcome(filter, { headers: [...key("billing-key"), ["x-api-kez", "x"], ["xapikey", "x"]] }), "200");
  const dry = await authz.worker({ apiKeys, rules: [members], dryRun: true });
  const { headers } = dry.send({
    headers: [...key("a"), ["x_api_key", "b"], ["X_Api-Key", "c"], ["x-other", "d"]],
  }).request;
  for (const name of ["x-api-key", "x_api_key", "x_api-key"]) assert.equal(headers?.has(name), false);
  assert.equal(headers?.get("x-other"), "d");
});

test("a thousand API keys, each found and no other", async () => {
  const keys = Array.from({ length: 1000 }, (_, i) => ({ name: `k${i}`, sha256: sha256(`key-${i}`) }));
  const filter = await authz.worker({ apiKeys: { keys }, rules: [members], principalHeader: "x-caller" });
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
    const stream = (await authz.worker({ ...configuration, rules: [members] })).send();
    assert.equal(statusOf(stream), 401);
    assert.deepEqual(stream.response.headers?.getAll("www-authenticate"), challenges);
    assert.equal(stream.localResponse?.body, "Unauthorized: credentials are required\n");
  }
});

test("where no credential would help, the answer is 403", async () => {
  const deny = { name: "closed", action: "deny", paths: [{ prefix: "/closed" }] };
  const anonymous = { name: "anon", action: "deny", principals: [{ anonymous: true }] };
  const filter = await authz.worker({ apiKeys, rules: [deny, publicPath, anonymous] });
  assert.equal(outcome(filter, { path: "/closed" }), "403 rule[closed]");
  assert.equal(outcome(filter, { path: "/closed", headers: key("billing-key") }), "403 rule[closed]");
  assert.equal(outcome(filter, { path: "/other" }), "401 missing_credentials");
  assert.equal(outcome(filter, { path: "/other", headers: key("billing-key") }), "403 no_rule");
  const stream = filter.send({ path: "/closed" });
  assert.equal(stream.localResponse?.body, "Forbidden\n");
  assert.equal(stream.response.headers?.has("www-authenticate"), false);

  const noCredentials = await authz.worker({ rules: [publicPath] });
  assert.equal(outcome(noCredentials, { path: "/other" }), "403 no_rule");
  assert.equal(outcome(noCredentials, { path: "/public" }), "200");
});

test("finding the token", async () => {
  const filter = await authz.worker({ jwtProviders: [provider], rules: [publicPath, members] });
  const authorization = (...values: string[]): Headers => values.map((value) => ["authorization", value]);
  const cases: readonly (readonly [string, Headers])[] = [
    ["200", authorization(`Bearer ${TOKEN}`)],
    ["200", authorization(`bearer ${TOKEN}`)],
    ["200", authorization(`BEARER   ${TOKEN}`)],
    ["401 missing_credentials", []],
    ["401 missing_credentials", authorization("Basic YTpi")],
    ["401 missing_credentials", authorization(`Bearerx ${TOKEN}`)],
    ["401 missing_credentials", authorization("")],
    ["401 token_malformed", authorization("Bearer")],
    ["401 token_malformed", authorization("Bearer ")],
    ["401 token_malformed", authorization(`Bearer\t${TOKEN}`)],
    ["401 token_malformed", authorization(`Bearer=${TOKEN}`)],
    ["401 token_malformed", authorization(`Bearer,${TOKEN}`)],
    ["401 token_malformed", authorization(`Bearer ${TOKEN} x`)],
    ["401 token_malformed", authorization(`Bearer ${TOKEN},`)],
    ["401 too_many_tokens", authorization(`Bearer ${TOKEN}`, `Bearer ${TOKEN}`)],
    ["401 too_many_tokens", authorization("Basic YTpi", `Bearer ${TOKEN}`)],
    ["401 too_many_tokens", authorization(`Basic YTpi, Bearer ${TOKEN}`)],
    ["401 too_many_tokens", authorization(`Bearer ${TOKEN},Bearer ${TOKEN}`)],
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
  const filter = await authz.worker({
    jwtProviders: [provider, second],
    rules: [members],
    principalHeader: "x-caller",
  });
  const other = await sign("HS256", { ...CLAIMS, iss: "https://second.example" });
  const cases: readonly (readonly [string, Headers])[] = [
    ["200", [["authorization", `Bearer ${TOKEN}`]]],
    ["200", [["x-token", other]]],
    ["200", [["authorization", `token ${other}`]]],
    ["401 token_unknown_issuer", [["x-token", TOKEN]]],
    ["401 token_unknown_issuer", [["authorization", `Token ${TOKEN}`]]],
    ["401 token_unknown_issuer", [["authorization", `Bearer ${other}`]]],
    ["401 token_malformed", [["x-token", `Bearer ${other}`]]],
    [
      "401 too_many_tokens",
      [
        ["x-token", other],
        ["x-token", other],
      ],
    ],
    [
      "401 too_many_tokens",
      [
        ["authorization", `Bearer ${TOKEN}`],
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
  assert.equal(stream.request.headers.has("x-token"), false);
});

test("an API key and a token together must both be good", async () => {
  const filter = await authz.worker({ apiKeys, jwtProviders: [provider], rules: [members] });
  assert.equal(outcome(filter, { headers: [...key("billing-key"), ...bearer()] }), "200");
  assert.equal(outcome(filter, { headers: [...key("wrong"), ...bearer()] }), "401 bad_api_key");
  assert.equal(
    outcome(filter, { headers: [...key("billing-key"), ["authorization", "Bearer x"]] }),
    "401 token_malformed",
  );
});

test("a new configuration forgets tokens of the old one", async () => {
  const host = await ProxyWasmHost.load(await authz.module);
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
  const host = await ProxyWasmHost.load(await authz.module, { logLevel: "debug" });
  const rules = [{ name: "closed", action: "deny" }];
  const plugin = host.startPlugin({ configuration: JSON.stringify({ rules }) });
  plugin.newHttpStream().requestHeaders({ ":method": "GET", ":path": "/" }, { endOfStream: true });
  assert.ok(host.log.lines.some(({ message }) => message === "denied by rule closed: rule"));
  host.close();
});
