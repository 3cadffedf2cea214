// Ways by which requests got past other filters, each with the advisory that tells of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ProxyWasmHost } from "@meshwright/host";
import { Authz, ISSUER, NOW, everybody, provider, sha256 } from "../../testing/authz.ts";
import { statusOf, type Request, type Worker } from "../../testing/filter.ts";
import { SECRET_JWK, sign } from "../../testing/keys.ts";

const rest = { name: "rest", action: "allow", ...everybody };

const authz = new Authz();

/** Each request must get one of these statuses. */
function expectAll(expected: readonly number[], filter: Worker, requests: readonly Request[]): void {
  for (const request of requests) {
    const status = statusOf(filter.send(request));
    assert.ok(expected.includes(status), `${JSON.stringify(request)}: ${status}`);
  }
}

const paths = (...list: string[]): Request[] => list.map((path) => ({ path }));

const denyAdmin = { rules: [{ name: "no-admin", action: "deny", paths: [{ prefix: "/admin" }] }, rest] };
const allowPublic = { rules: [{ name: "public", action: "allow", paths: [{ prefix: "/public" }], ...everybody }] };

test("CVE-2019-9901: dot segments", async () => {
  const list = paths(
    "/info/../admin",
    "/./admin",
    "/admin/.",
    "/admin/x/..",
    "/a/b/../../admin",
    "/../admin",
    "/%2e%2e/admin",
    "/x/%2E%2e/admin",
    "/.%2e/admin",
    "/%2e/admin",
    "/public/../admin",
    "/public/%2e%2e/admin",
    "/public/..%2fadmin",
  );
  expectAll([400, 403], await authz.worker(denyAdmin), list);
  expectAll([400, 403], await authz.worker(allowPublic), list);
});

test("CVE-2021-29492, CVE-2021-31920: escaped, repeated and other slashes", async () => {
  const list = paths(
    "//admin",
    "///admin//x",
    "/.//admin",
    "/%2fadmin",
    "/%2Fadmin",
    "/%5cadmin",
    "/%5Cadmin",
    "/admin%2fx",
    "/admin%5Cx",
    "\\admin",
    "/\\admin",
    "/x\\..\\admin",
    "/x/..%5cadmin",
    "/%61dmin",
    "/%41dmin/../admin",
    "/a//../admin",
    "/a//b/../../admin",
    "/%2561dmin",
    "/%252e%252e/admin",
    "/x/%252e%252e/admin",
    "/%25%36%31dmin",
    "/adm%00in",
    "/admin%00",
    "/admin%",
    "/admin%2",
    "/admin%zz",
    "/admin%u002f",
  );
  expectAll([400, 403], await authz.worker(denyAdmin), list);
});

test("CVE-2020-8595: query, fragment and parameters behind an exact path", async () => {
  const filter = await authz.worker({ rules: [{ name: "x", action: "deny", paths: [{ exact: "/admin" }] }, rest] });
  expectAll(
    [400, 403],
    filter,
    paths(
      "/admin",
      "/admin?",
      "/admin?x",
      "/admin#",
      "/admin#x",
      "/admin;x",
      "/admin;x=1?y",
      "/;a/admin",
      "/admin;",
      "/a/..;/admin",
      "/.;/admin",
    ),
  );
  expectAll([200], filter, paths("/administrator", "/admin/x", "/x?/admin", "/x#/admin", "/x;/y"));
});

test("parameters of a path open no door to another", async () => {
  const css = await authz.worker({
    rules: [{ name: "css", action: "allow", paths: [{ suffix: ".css" }], ...everybody }],
  });
  expectAll([200], css, paths("/a.css", "/a.css?x", "/a;v=1/b.css"));
  expectAll(
    [400, 403],
    css,
    paths("/admin;.css", "/admin;x.css", "/admin?.css", "/admin#.css", "/admin%3b.css", "/a.css/..", "/a.css/../b"),
  );
  const filter = await authz.worker(allowPublic);
  expectAll(
    [200],
    filter,
    paths("/public", "/public/", "/public/a;b=c", "/public/a%20b", "/public/%C3%A9", "/p%75blic/a", "//public"),
  );
  expectAll(
    [400, 403],
    filter,
    paths(
      "/publicx",
      "/public;x/../a",
      "/public/..;/admin",
      "/public/..;x/admin",
      "/public%2f..%2fadmin",
      "/public/.;/..;/admin",
    ),
  );
});

test("a target that is no path", async () => {
  const filter = await authz.worker({ rules: [rest] });
  expectAll(
    [400],
    filter,
    paths("", "*", "admin", "?", "http://a.example/admin", "a.example:443", "/a\u0001", "/a\u007f"),
  );
  const host = await ProxyWasmHost.load(await authz.module);
  const plugin = host.startPlugin({ configuration: JSON.stringify({ rules: [rest] }) });
  const stream = plugin.newHttpStream();
  stream.requestHeaders({ ":method": "CONNECT", ":authority": "a.example:443" });
  assert.equal(stream.localResponse?.status, 400);
  const empty = plugin.newHttpStream();
  empty.requestHeaders([]);
  assert.equal(empty.localResponse?.status, 400);
  host.close();
});

test("CVE-2021-39155: the case of a host, and its port", async () => {
  const filter = await authz.worker({
    rules: [{ name: "x", action: "deny", hosts: ["admin.example", "*.in.example"] }, rest],
  });
  const hosts = [
    "admin.example",
    "ADMIN.example",
    "Admin.Example:8080",
    "admin.example.",
    "admin.example.:80",
    "a.IN.example:1",
  ];
  expectAll(
    [403],
    filter,
    hosts.map((authority) => ({ authority })),
  );
  expectAll([200], filter, [
    { authority: "in.example" },
    { authority: "admin.example.org" },
    { authority: "[::1]:80" },
  ]);
});

test("CVE-2021-21378: a token of an unknown issuer is not the same as none", async () => {
  const filter = await authz.worker({ jwtProviders: [provider], rules: [rest] });
  expectAll([200], filter, [{}]);
  const claims = { iss: "https://evil.example", sub: "a", exp: NOW + 600 };
  const token = await sign("RS256", claims);
  expectAll([401], filter, [{ headers: [["authorization", `Bearer ${token}`]] }]);
  expectAll([401], filter, [{ headers: [["authorization", "Bearer x"]] }]);
});

test("GHSA-ghc4-35x6-crw5: a second value hides the first", async () => {
  const deny = { name: "no-admins", action: "deny", headers: [{ name: "x-role", exact: "admin" }] };
  const only = { name: "users", action: "allow", headers: [{ name: "x-role", exact: "user" }], ...everybody };
  const roles = (...values: string[]): Request => ({ headers: values.map((value) => ["x-role", value] as const) });
  const hidden = [
    roles("admin"),
    roles("a", "admin"),
    roles("admin", "a"),
    roles("a,admin"),
    roles("admin,a"),
    roles("a", "b, admin ,c"),
  ];
  expectAll([403], await authz.worker({ rules: [deny, rest] }), hidden);
  expectAll([403], await authz.worker({ rules: [only] }), [
    ...hidden,
    roles("user", "admin"),
    roles("user,admin"),
    roles("user,"),
  ]);
});

test("CVE-2024-23324: bytes that are no UTF-8 make nobody pass", async () => {
  const filter = await authz.worker({ jwtProviders: [provider], rules: [{ name: "members", action: "allow" }] });
  const bytes = Uint8Array.from([0x42, 0x65, 0x61, 0x72, 0x65, 0x72, 0x20, 0xff, 0xfe, 0x80]);
  expectAll([401], filter, [{ headers: [["authorization", bytes]] }, { headers: [["x-any", bytes]] }]);
});

test("CVE-2024-45806: what a client sends in our headers reaches nobody", async () => {
  const filter = await authz.worker({
    jwtProviders: [{ ...provider, claimToHeaders: [{ claim: "sub", header: "x-user" }] }],
    principalHeader: "x-caller",
    rules: [rest],
  });
  const stream = filter.send({
    headers: [
      ["x-user", "root"],
      ["X-User", "root"],
      ["x_user", "root"],
      ["x-caller", "root"],
    ],
  });
  assert.deepEqual(
    stream.request.headers?.entries().map(([name]) => name),
    [":method", ":path", ":authority"],
  );
});

test("CVE-2026-47775: every bad token gets one answer", async () => {
  const filter = await authz.worker({ jwtProviders: [provider], rules: [rest] });
  const claims = { iss: ISSUER, sub: "a", exp: NOW + 600 };
  const tokens = [
    "x",
    await sign("HS256", claims),
    await sign("RS256", { ...claims, exp: 1 }),
    await sign("RS256", { ...claims, iss: "x" }),
    (await sign("RS256", claims)).replace(/..$/, "AA"),
  ];
  const answers = tokens.map((token) => {
    const stream = filter.send({ headers: [["authorization", `Bearer ${token}`]] });
    return JSON.stringify([stream.response.headers?.entries(), stream.localResponse?.body]);
  });
  assert.equal(new Set(answers).size, 1);
});

test("CVE-2026-47778, CVE-2025-66220: a NUL ends no text", async () => {
  const filter = await authz.worker({
    jwtProviders: [{ name: "hs", issuer: ISSUER, localJwks: { keys: [SECRET_JWK] } }],
    rules: [{ name: "admins", action: "allow", claims: [{ claim: "role", equals: "admin" }] }],
  });
  const send = async (claims: object): Promise<number> => {
    const token = await sign("HS256", { iss: ISSUER, sub: "a", exp: NOW + 600, ...claims });
    return statusOf(filter.send({ headers: [["authorization", `Bearer ${token}`]] }));
  };
  assert.equal(await send({ role: "admin" }), 200);
  assert.equal(await send({ role: "admin\0" }), 403);
  assert.equal(await send({ role: "admin\0x" }), 403);
  assert.equal(await send({ role: "admin", iss: `${ISSUER}\0` }), 401);
  assert.equal(await send({ role: "admin", sub: "a\0b" }), 401);
  const keys = await authz.worker({ apiKeys: { keys: [{ name: "a", sha256: sha256("key") }] }, rules: [rest] });
  expectAll([401], keys, [{ headers: [["x-api-key", Uint8Array.from(Buffer.from("key\0"))]] }]);
});
