// What the upstream gets of an allowed request.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Authz,
  CLAIMS,
  ISSUER,
  TOKEN,
  apiKeys,
  bearer,
  key,
  members,
  outcome,
  provider,
  publicPath,
  type Headers,
} from "../../testing/authz.ts";
import { type Request } from "../../testing/filter.ts";
import { sign } from "../../testing/keys.ts";

const authz = new Authz();

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
    rules: [publicPath, { name: "closed", action: "deny", paths: [{ exact: "/closed" }] }, members],
    principalHeader: "X-Caller",
  };
  const filter = await authz.worker(configuration);
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
  assert.equal(stream.request.headers.has("x-api-key"), false);
  assert.equal(stream.filterState("authz.principal"), `${ISSUER}/alice`);
  assert.equal(filter.send({ headers: key("ci-key-old") }).filterState("authz.principal"), "ci");
  assert.equal(filter.send({ path: "/public" }).filterState("authz.principal"), undefined);
  assert.equal(filter.send({ path: "/closed", headers: key("ci-key-old") }).filterState("authz.principal"), "ci");
  const half = filter.send({ headers: [...key("ci-key-old"), ...bearer("x")] });
  assert.equal(half.filterState("authz.principal"), undefined, "half of the credentials are bad");
  assert.equal(stream.routeCacheCleared, 0);
  const basic = filter.send({ path: "/public", headers: [["authorization", "Basic YTpi"]] });
  assert.equal(basic.request.headers?.get("authorization"), "Basic YTpi", "not a credential of this filter");
});

test("credentials are forwarded, and the route chosen again, where that is asked for", async () => {
  const filter = await authz.worker({
    apiKeys: { ...apiKeys, header: "X-Key", forward: true },
    jwtProviders: [{ ...provider, forward: true, clearRouteCache: true }],
    rules: [members],
  });
  const stream = filter.send({ headers: [["x-key", "billing-key"], ...bearer()] });
  assert.equal(stream.request.headers?.get("x-key"), "billing-key");
  assert.equal(stream.request.headers.get("authorization"), `Bearer ${TOKEN}`);
  assert.equal(stream.routeCacheCleared, 1);
  assert.equal(filter.send({ headers: [["x-key", "billing-key"]] }).routeCacheCleared, 0);
});

test("the payload as it stands in the token, and no other's", async () => {
  const filter = await authz.worker({
    jwtProviders: [{ ...provider, payloadHeader: "x-payload" }],
    rules: [publicPath, members],
  });
  const forged: Headers = [
    ["x-payload", "e30"],
    ["x_payload", "e30"],
  ];
  for (let round = 0; round < 2; round += 1) {
    const headers = filter.send({ headers: [...forged, ...bearer()] }).request.headers;
    assert.deepEqual(headers?.getAll("x-payload"), [TOKEN.split(".")[1]]);
    assert.equal(headers.has("x_payload"), false);
  }
  const open = filter.send({ path: "/public", headers: forged }).request.headers;
  assert.equal(open?.has("x-payload"), false);
  assert.equal(open.has("x_payload"), false);
});

test("claims in filter state, for requests that the rules deny as well", async () => {
  const claimToState = ["sub", "tenant", "tenant.id", "tenant.admins", "name", "flag"].map((claim) => ({
    claim,
    state: claim.replace(".", "-"),
  }));
  const closed = { name: "closed", action: "deny", paths: [{ exact: "/closed" }] };
  const filter = await authz.worker({
    jwtProviders: [{ ...provider, claimToState }],
    rules: [closed, publicPath, members],
  });
  const token = await sign("RS256", { ...CLAIMS, name: "é\n", flag: null });
  for (const path of ["/", "/closed", "/"]) {
    const stream = filter.send({ path, headers: bearer(token) });
    const state = (name: string): string | undefined => stream.filterState(`authz.claim.${name}`);
    assert.equal(state("sub"), "alice");
    assert.equal(state("tenant"), '{"id":7,"admins":["alice"]}');
    assert.equal(state("tenant-id"), "7");
    assert.equal(state("tenant-admins"), '["alice"]');
    assert.equal(state("name"), "é\n");
    assert.equal(state("flag"), "null");
  }
  assert.equal(filter.send({ path: "/public" }).filterState("authz.claim.sub"), undefined);
});

test("only the header that held the token is removed", async () => {
  const fromHeaders = [{ name: "x-token" }, { name: "authorization", prefix: "Bearer " }];
  const filter = await authz.worker({ jwtProviders: [{ ...provider, fromHeaders }], rules: [members] });
  const basic = ["authorization", "Basic YTpi"] as const;
  const { headers } = filter.send({ headers: [basic, ["x-token", TOKEN]] }).request;
  assert.equal(headers?.has("x-token"), false);
  assert.equal(headers.get("authorization"), "Basic YTpi");
});

test("a claim that could end a header refuses the token", async () => {
  const filter = await authz.worker({
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
