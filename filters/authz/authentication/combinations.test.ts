// Several identities on one request, and bad tokens that are as good as none.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Authz,
  CLAIMS,
  ISSUER,
  NOW,
  TOKEN,
  apiKeys,
  bearer,
  everybody,
  key,
  members,
  outcome,
  provider,
  type Headers,
} from "../../testing/authz.ts";
import { SECRET_JWK, sign } from "../../testing/keys.ts";

const authz = new Authz();
const SERVICE_ISSUER = "https://services.example";
const service = {
  name: "service",
  issuer: SERVICE_ISSUER,
  localJwks: { keys: [SECRET_JWK] },
  fromHeaders: [{ name: "x-service-token" }],
};
const serviceToken = (claims: object = {}): Promise<string> =>
  sign("HS256", { iss: SERVICE_ISSUER, sub: "cart", exp: NOW + 600, ...claims });
const SERVICE = await serviceToken();
const from = (token = SERVICE): Headers => [["x-service-token", token]];
const both = (token?: string): Headers => [...bearer(), ...from(token)];

test("tokens of several providers, where there may be several", async () => {
  const jwtProviders = [provider, service];
  const one = await authz.worker({ jwtProviders, rules: [members] });
  assert.equal(outcome(one, { headers: both() }), "401 too_many_tokens");

  const filter = await authz.worker({
    jwtProviders: [
      { ...provider, claimToHeaders: [{ claim: "sub", header: "x-user" }] },
      {
        ...service,
        claimToHeaders: [{ claim: "sub", header: "x-service" }],
        claimToState: [{ claim: "sub", state: "s" }],
      },
    ],
    severalTokens: true,
    rules: [members],
    principalHeader: "x-caller",
  });
  // The second time the tokens are in the cache.
  for (let round = 0; round < 2; round += 1) {
    const stream = filter.send({ headers: [...from(), ...bearer()] });
    const { headers } = stream.request;
    assert.equal(headers?.get("x-user"), "alice");
    assert.equal(headers.get("x-service"), "cart");
    assert.equal(headers.get("x-caller"), `${ISSUER}/alice`, "that of the first provider");
    assert.equal(headers.has("authorization"), false);
    assert.equal(headers.has("x-service-token"), false);
    assert.equal(stream.filterState("authz.claim.s"), "cart");
  }
  const alone = filter.send({ headers: from() }).request.headers;
  assert.equal(alone?.get("x-caller"), `${SERVICE_ISSUER}/cart`);
  assert.equal(alone.has("x-user"), false);
  assert.equal(outcome(filter, { headers: [...bearer("x"), ...from()] }), "401 token_malformed");
  assert.equal(outcome(filter, { headers: [...bearer(), ...from("x")] }), "401 token_malformed");
  assert.equal(outcome(filter, { headers: [...both(), ...from()] }), "401 too_many_tokens");
  assert.equal(outcome(filter, { headers: from(TOKEN) }), "401 token_unknown_issuer");
});

test("two tokens of one provider are too many, whatever the places", async () => {
  const twice = { ...provider, fromHeaders: [{ name: "authorization", prefix: "Bearer " }, { name: "x-token" }] };
  const filter = await authz.worker({ jwtProviders: [twice, service], severalTokens: true, rules: [members] });
  const other = await sign("RS256", { ...CLAIMS, sub: "bob" });
  for (const token of [TOKEN, other]) {
    assert.equal(outcome(filter, { headers: [...bearer(), ["x-token", token]] }), "401 too_many_tokens");
    assert.equal(outcome(filter, { headers: [...both(), ["x-token", token]] }), "401 too_many_tokens");
  }
});

test("what a request needs: any of, all of, none", async () => {
  const user = { provider: "corp" };
  const cart = { issuer: SERVICE_ISSUER, subject: "cart" };
  const rule = (name: string, principals: readonly object[]): object => ({
    name,
    action: "allow",
    paths: [{ exact: `/${name}` }],
    principals,
  });
  const filter = await authz.worker({
    apiKeys,
    jwtProviders: [provider, service],
    severalTokens: true,
    rules: [
      rule("all", [{ allOf: [user, cart] }]),
      rule("any", [user, cart]),
      rule("nested", [{ allOf: [cart, { anyOf: [user, { apiKey: "billing" }] }] }]),
      rule("without", [{ allOf: [user, { not: { provider: "service" } }] }]),
      rule("optional", [{ any: true }]),
    ],
  });
  const cases: readonly (readonly [Headers, string])[] = [
    [[], "optional"],
    [bearer(), "any without optional"],
    [from(), "any optional"],
    [both(), "all any nested optional"],
    [key("billing-key"), "optional"],
    [[...key("billing-key"), ...from()], "any nested optional"],
    [[...key("ci-key-new"), ...from()], "any optional"],
    [[...key("billing-key"), ...bearer()], "any without optional"],
    [from(await serviceToken({ sub: "other" })), "optional"],
    [both(await serviceToken({ sub: "other" })), "any optional"],
  ];
  const names = ["all", "any", "nested", "without", "optional"];
  for (const [headers, expected] of cases) {
    const allowed = names.filter((name) => outcome(filter, { path: `/${name}`, headers }) === "200");
    assert.equal(allowed.join(" "), expected, JSON.stringify(headers));
  }
});

test("many rules by issuer: each of several identities finds its own", async () => {
  const rules = Array.from({ length: 50 }, (_, i) => ({
    name: `r${i}`,
    action: "deny",
    principals: [{ issuer: i % 2 ? ISSUER : SERVICE_ISSUER, subject: `s${i}` }],
  }));
  const filter = await authz.worker({
    jwtProviders: [provider, service],
    severalTokens: true,
    rules: [...rules, members],
  });
  assert.equal(outcome(filter, { headers: both(await serviceToken({ sub: "s30" })) }), "403 rule[r30]");
  assert.equal(outcome(filter, { headers: both(await serviceToken({ sub: "s31" })) }), "200");
});

test("the decision log names the principals of all credentials", async () => {
  const filter = await authz.worker({
    apiKeys,
    jwtProviders: [provider, service],
    severalTokens: true,
    rules: [members],
    log: { decisions: "all" },
  });
  const logged = (headers: Headers): unknown => {
    filter.send({ headers });
    const lines = filter.log.map(({ message }) => message).filter((line) => line.includes('"decision"'));
    const { principal, principals } = JSON.parse(lines[lines.length - 1] ?? "{}") as Record<string, unknown>;
    return [principal, principals];
  };
  const [alice, cart] = [`${ISSUER}/alice`, `${SERVICE_ISSUER}/cart`];
  assert.deepEqual(logged([...from(), ...bearer(), ...key("ci-key-new")]), [alice, [alice, cart, "ci"]]);
  assert.deepEqual(logged([...from(), ...key("ci-key-new")]), [cart, [cart, "ci"]]);
  assert.deepEqual(logged(bearer()), [alice, undefined]);
});

test("a claim of one token does nothing in the name of another", async () => {
  const claims = [{ claim: "scope", contains: "write" }];
  const rules = [
    { name: "blocked", action: "deny", claims: [{ claim: "blocked", equals: true }] },
    { name: "named", action: "allow", paths: [{ prefix: "/s" }], claims: [{ ...claims[0], provider: "service" }] },
    { name: "open", action: "allow", paths: [{ prefix: "/n" }], not: { claims: [{ claim: "x", present: true }] } },
    { name: "write", action: "allow", paths: [{ prefix: "/w" }], claims },
  ];
  const filter = await authz.worker({ jwtProviders: [provider, service], severalTokens: true, rules });
  const reader = await serviceToken({ scope: "read" });
  const writer = await serviceToken({ scope: "write" });
  const plain = await sign("RS256", { ...CLAIMS, scope: "read" });
  const check = (expected: string, path: string, headers: Headers): void =>
    assert.match(outcome(filter, { path, headers }), new RegExp(`^${expected}`), `${path} ${JSON.stringify(headers)}`);
  // The user's own token may write.
  check("200", "/w", bearer());
  check("200", "/w", from(writer));
  check("200", "/w", both(writer));
  check("403", "/w", both(reader));
  check("403", "/w", [...bearer(plain), ...from(writer)]);
  check("403", "/w", from(reader));
  check("200", "/s", [...bearer(plain), ...from(writer)]);
  check("403", "/s", both(reader));
  check("403", "/s", bearer());
  for (const blocked of [{ blocked: true, scope: "write" }]) {
    check("403", "/w", from(await serviceToken(blocked)));
    check("403", "/w", both(await serviceToken(blocked)));
    check("403", "/w", [...bearer(await sign("RS256", { ...CLAIMS, ...blocked })), ...from(writer)]);
  }
  check("200", "/n", both());
  check("403", "/n", both(await serviceToken({ x: 1 })));
  check("403", "/n", [...bearer(await sign("RS256", { ...CLAIMS, x: 1 })), ...from()]);
});

test("onFailure: ignore makes a bad token as good as none, and forwards it to nobody", async () => {
  const lenient = { ...provider, onFailure: "ignore", claimToHeaders: [{ claim: "sub", header: "x-user" }] };
  const open = { name: "open", action: "allow", paths: [{ prefix: "/open" }], ...everybody };
  const filter = await authz.worker({ jwtProviders: [lenient], rules: [open, members], principalHeader: "x-caller" });
  const expired = await sign("RS256", { ...CLAIMS, exp: NOW - 61 });
  const bad = [
    "",
    "x",
    expired,
    await sign("RS256", { ...CLAIMS, iss: "x" }),
    await sign("HS256", CLAIMS),
    `${TOKEN}A`,
  ];
  for (let round = 0; round < 2; round += 1) {
    for (const token of bad) {
      const stream = filter.send({
        path: "/open",
        headers: [...bearer(token), ["x-user", "root"], ["x-caller", "root"]],
      });
      assert.equal(stream.localResponse, undefined, token);
      for (const name of ["authorization", "x-user", "x-caller"])
        assert.equal(stream.request.headers?.has(name), false);
      assert.equal(stream.filterState("authz.principal"), undefined);
      assert.equal(outcome(filter, { headers: bearer(token) }), "401 missing_credentials", token);
    }
  }
  assert.equal(authz.envoy.metric("authz.ignored_tokens"), 4 * bad.length);
  assert.equal(outcome(filter, { headers: bearer() }), "200");
  // Which of two would be meant is not known, so neither is ignored.
  assert.equal(outcome(filter, { path: "/open", headers: [...bearer(), ...bearer("x")] }), "401 too_many_tokens");
  assert.equal(outcome(filter, { path: "/open", headers: [...bearer("x"), ...bearer("x")] }), "401 too_many_tokens");
});

test("a token of the cache that has expired is ignored, too, and nobody is its caller", async () => {
  const filter = await authz.worker({
    jwtProviders: [{ ...provider, onFailure: "ignore", clockSkew: "0s" }],
    rules: [members],
  });
  const token = await sign("RS256", { ...CLAIMS, exp: NOW + 10 });
  assert.equal(outcome(filter, { headers: bearer(token) }), "200");
  authz.envoy.clock.advance(10_000);
  assert.equal(outcome(filter, { headers: bearer(token) }), "401 missing_credentials");
  assert.equal(outcome(filter, { headers: bearer(token) }), "401 missing_credentials");
  authz.envoy.clock.step(-10_000);
  assert.equal(outcome(filter, { headers: bearer(token) }), "200");
});

test("each provider has its own way with failure; nobody's token is ignored only where all of the place agree", async () => {
  const lenient = { ...service, onFailure: "ignore", fromHeaders: [{ name: "authorization", prefix: "Bearer " }] };
  const filter = await authz.worker({ jwtProviders: [provider, lenient], rules: [{ ...members, ...everybody }] });
  const expired = { exp: NOW - 61 };
  assert.equal(
    outcome(filter, { headers: bearer(await sign("RS256", { ...CLAIMS, ...expired })) }),
    "401 token_expired",
  );
  assert.equal(outcome(filter, { headers: bearer(await serviceToken(expired)) }), "200");
  assert.equal(outcome(filter, { headers: bearer("x") }), "401 token_malformed");
  const foreign = await serviceToken({ iss: "https://other.example" });
  assert.equal(outcome(filter, { headers: bearer(foreign) }), "401 token_unknown_issuer");

  const all = await authz.worker({
    jwtProviders: [
      { ...provider, onFailure: "ignore", forward: true },
      { ...lenient, forward: true },
    ],
    rules: [{ ...members, ...everybody }],
  });
  const { request, localResponse } = all.send({ headers: bearer(foreign) });
  assert.equal(localResponse, undefined);
  assert.equal(request.headers?.get("authorization"), `Bearer ${foreign}`, "forwarded, since all of the place say so");
});

test("a bad API key is never ignored", async () => {
  const filter = await authz.worker({
    apiKeys,
    jwtProviders: [{ ...provider, onFailure: "ignore" }],
    rules: [{ ...members, ...everybody }],
  });
  assert.equal(outcome(filter, { headers: [...key("x"), ...bearer()] }), "401 bad_api_key");
  assert.equal(outcome(filter, { headers: [...key("billing-key"), ...bearer("x")] }), "200");
});
