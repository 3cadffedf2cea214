// Whatever a client sends: the filter lives, and nobody passes without a credential.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { ProxyWasmHost } from "@meshwright/host";
import { Envoy, filterModule, statusOf, type Request, type Worker } from "../testing/filter.ts";
import { hostileRequests } from "../testing/hostile.ts";
import { EC_JWK, RSA_JWK, SECRET_JWK, sign } from "../testing/keys.ts";

const ISSUER = "https://id.example";
const CLAIMS = { iss: ISSUER, sub: "alice", exp: Date.UTC(2026, 0, 1) / 1000 + 600 };
const configuration = {
  tokenCacheSize: 64,
  apiKeys: {
    header: "x-api-key",
    fromParams: ["key"],
    fromCookies: ["key"],
    keys: [{ name: "a", sha256: createHash("sha256").update("a key that no generator draws: 4f1c9a").digest("hex") }],
  },
  basic: { iterations: 1, users: [{ name: "a", salt: "0f".repeat(16), hash: "0f".repeat(32) }] },
  jwtProviders: [
    {
      name: "corp",
      issuer: ISSUER,
      localJwks: { keys: [RSA_JWK, EC_JWK, SECRET_JWK] },
      fromHeaders: [{ name: "authorization", prefix: "Bearer " }],
      fromParams: ["token"],
      fromCookies: ["token"],
      claimToHeaders: [{ claim: "sub", header: "x-user" }],
    },
  ],
  rules: [
    { name: "no-x", action: "deny", headers: [{ name: "x-key", prefix: "x" }], paths: [{ suffix: "x" }] },
    { name: "members", action: "allow" },
  ],
  principalHeader: "x-caller",
};

let envoy: Envoy;
let filter: Worker;
before(async () => {
  envoy = new Envoy(await filterModule("authz"));
  filter = await envoy.worker(configuration);
});
after(() => envoy.close());

function neverPasses(request: Request): void {
  const status = statusOf(filter.send(request));
  assert.equal(filter.trap, undefined);
  assert.ok([400, 401, 403].includes(status), `${status}`);
}

test("hostile requests", () => {
  fc.assert(fc.property(hostileRequests, neverPasses), { numRuns: 1000 });
});

test("anything as a credential", () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  const text = fc.string({ unit: "binary", maxLength: 100 });
  const name = fc.constantFrom("authorization", "x-api-key", "Authorization", "x-user", "x_caller");
  const value = fc.oneof(
    bytes,
    text,
    text.map((token) => `Bearer ${token}`),
  );
  const headers = fc.array(fc.tuple(name, value), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(headers, (list) => neverPasses({ headers: list })),
    { numRuns: 1000 },
  );
});

/** Parts of queries and cookies that are like those with a token. */
const pieces = fc.constantFrom(
  ...["token", "token=", "tok%65n=", "%74oken=", "Token=", "key=", "a", "a=", "x", "%", "%2", "%41", "+", " ", "="],
  ...["&", "&", ";", ";", ",", "?", "é"],
);
const soup = fc.array(fc.oneof(pieces, fc.constant("GOOD")), { maxLength: 12 });

test("whatever a query is made of: what passes had one token, and all else of it is as it was", async () => {
  const good = await sign("HS256", CLAIMS);
  fc.assert(
    fc.property(soup, (parts) => {
      const query = parts.join("").replaceAll("GOOD", good);
      const { request, localResponse } = filter.send({ path: `/a?${query}` });
      assert.equal(filter.trap, undefined);
      if (localResponse !== undefined) return;
      const before = [...new URLSearchParams(query)];
      assert.deepEqual(before.filter(([name]) => name.toLowerCase() === "token").length, 1, query);
      const rest = query
        .split("&")
        .filter((part) => ![...new URLSearchParams(part)].some(([name]) => name === "token"));
      const expected = rest.join("&");
      assert.equal(request.headers?.get(":path"), expected === "" ? "/a" : `/a?${expected}`, query);
    }),
    { numRuns: 3000 },
  );
});

test("whatever cookies are made of: what passes had one token, and all others are as they were", async () => {
  const good = await sign("HS256", CLAIMS);
  const cookiesOf = (line: string): string[] => line.split(";").map((part) => part.trim());
  fc.assert(
    fc.property(soup, soup, (...lines) => {
      const before = lines.map((parts) => parts.join("").replaceAll("GOOD", good));
      const { request, localResponse } = filter.send({ headers: before.map((line) => ["cookie", line] as const) });
      assert.equal(filter.trap, undefined);
      if (localResponse !== undefined) return;
      const all = before.flatMap(cookiesOf);
      assert.equal(all.filter((part) => /^token\s*(=|$)/i.test(part)).length, 1, JSON.stringify(before));
      const left = request.headers?.getAll("cookie") ?? [];
      const expected = all.filter((part) => !/^token\s*(=|$)/i.test(part) && part !== "");
      assert.deepEqual(
        left.flatMap(cookiesOf).filter((part) => part !== ""),
        expected,
        JSON.stringify(before),
      );
    }),
    { numRuns: 3000 },
  );
});

test("any JSON as header and claims", () => {
  const encoded = fc.json({ maxDepth: 6 }).map((text) => Buffer.from(text).toString("base64url"));
  const header = fc.oneof(
    encoded,
    fc
      .record(
        { alg: fc.constantFrom("HS256", "RS256", "ES256", "none"), kid: fc.jsonValue(), crit: fc.jsonValue() },
        { requiredKeys: ["alg"] },
      )
      .map((value) => Buffer.from(JSON.stringify(value)).toString("base64url")),
  );
  const claims = fc.oneof(
    encoded,
    fc
      .record(
        { iss: fc.constant(ISSUER), exp: fc.jsonValue(), aud: fc.jsonValue(), sub: fc.jsonValue() },
        { requiredKeys: ["iss"] },
      )
      .map((value) => Buffer.from(JSON.stringify(value)).toString("base64url")),
  );
  const signature = fc.uint8Array({ maxLength: 70 }).map((value) => Buffer.from(value).toString("base64url"));
  fc.assert(
    fc.property(header, claims, signature, (...parts) => {
      neverPasses({ headers: [["authorization", `Bearer ${parts.join(".")}`]] });
    }),
    { numRuns: 1000 },
  );
});

test("any claims under a good signature: refused or not, the filter lives", async () => {
  const claims = fc.record({
    iss: fc.constant(ISSUER),
    exp: fc.oneof(fc.constant(CLAIMS.exp), fc.jsonValue()),
    sub: fc.oneof(fc.string({ unit: "binary" }), fc.jsonValue()),
    nbf: fc.jsonValue(),
  });
  await fc.assert(
    fc.asyncProperty(claims, async (value) => {
      const token = await sign("HS256", value);
      const stream = filter.send({ headers: [["authorization", `Bearer ${token}`]] });
      assert.equal(filter.trap, undefined);
      assert.ok([200, 401].includes(statusOf(stream)));
    }),
    { numRuns: 500 },
  );
});

test("a good token with any change is no good token", async () => {
  const tokens = await Promise.all((["HS256", "RS256", "ES256"] as const).map((algorithm) => sign(algorithm, CLAIMS)));
  for (const token of tokens)
    assert.equal(statusOf(filter.send({ headers: [["authorization", `Bearer ${token}`]] })), 200);
  const change = fc.record({
    token: fc.constantFrom(...tokens),
    at: fc.nat(2000),
    removed: fc.nat(3),
    added: fc.string({ unit: fc.constantFrom("A", "B", "_", "-", ".", "=", "%", "é", "0"), maxLength: 3 }),
  });
  fc.assert(
    fc.property(change, ({ token, at, removed, added }) => {
      const start = at % token.length;
      const changed = token.slice(0, start) + added + token.slice(start + removed);
      fc.pre(changed !== token);
      neverPasses({ headers: [["authorization", `Bearer ${changed}`]] });
    }),
    { numRuns: 1000 },
  );
});

test("good tokens whose claims take far more memory than they have bytes do not fill the cache", async () => {
  const host = await ProxyWasmHost.load(await filterModule("authz"), { maxMemoryPages: 64 });
  const plugin = host.startPlugin({ configuration: JSON.stringify(configuration) });
  assert.ok(plugin.ok, plugin.reason);
  const list = Array.from({ length: 1500 }, () => []);
  for (let i = 0; i < 200; i += 1) {
    const stream = plugin.newHttpStream();
    const authorization = `Bearer ${await sign("HS256", { ...CLAIMS, n: i, list })}`;
    stream.requestHeaders({ ":method": "GET", ":path": "/", authorization }, { endOfStream: true });
    assert.equal(stream.localResponse, undefined, plugin.trap);
    stream.close();
  }
  assert.equal(plugin.trap, undefined);
  host.close();
});

test("many large requests fit into little memory", async () => {
  const host = await ProxyWasmHost.load(await filterModule("authz"), { maxMemoryPages: 48 });
  const plugin = host.startPlugin({ configuration: JSON.stringify(configuration) });
  assert.ok(plugin.ok, plugin.reason);
  const payload = Buffer.from(JSON.stringify({ iss: ISSUER, list: Array.from({ length: 800 }, (_, i) => i) }));
  for (let i = 0; i < 1500; i += 1) {
    const token = await sign("HS256", { ...CLAIMS, n: i, text: "x".repeat(3000) });
    const bad = `${token.split(".")[0] ?? ""}.${payload.toString("base64url")}.AAAA`;
    for (const [value, status] of [
      [token, undefined],
      [bad, 401],
    ] as const) {
      const stream = plugin.newHttpStream();
      const headers = { ":method": "GET", ":path": `/%41${"/x".repeat(1000)}a`, authorization: `Bearer ${value}` };
      stream.requestHeaders(headers, { endOfStream: true });
      assert.equal(stream.localResponse?.status, status);
      stream.close();
    }
  }
  assert.equal(plugin.trap, undefined);
  host.close();
});
