// Ways by which requests got past other filters, each with the advisory that tells of it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { ProxyWasmHost } from "@meshwright/host";
import { Envoy, filterModule, statusOf, type Request, type Worker } from "../testing/filter.ts";
import { RSA_JWK, SECRET_JWK, sign } from "../testing/keys.ts";

const NOW = Date.UTC(2026, 0, 1) / 1000;
const ISSUER = "https://id.example";
const provider = { name: "corp", issuer: ISSUER, localJwks: { keys: [RSA_JWK] } };
const everybody = { principals: [{ any: true }] };
const rest = { name: "rest", action: "allow", ...everybody };

let envoy: Envoy;
before(async () => {
  envoy = new Envoy(await filterModule("authz"));
});
after(() => envoy.close());

function statuses(filter: Worker, requests: readonly Request[]): Record<string, number> {
  return Object.fromEntries(requests.map((request) => [JSON.stringify(request), statusOf(filter.send(request))]));
}

function expectAll(expected: readonly number[], filter: Worker, requests: readonly Request[]): void {
  for (const [request, status] of Object.entries(statuses(filter, requests))) {
    assert.ok(expected.includes(status), `${request}: ${status}`);
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
  expectAll([400, 403], await envoy.worker(denyAdmin), list);
  expectAll([400, 403], await envoy.worker(allowPublic), list);
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
  expectAll([400, 403], await envoy.worker(denyAdmin), list);
});

test("CVE-2020-8595: query, fragment and parameters behind an exact path", async () => {
  const filter = await envoy.worker({ rules: [{ name: "x", action: "deny", paths: [{ exact: "/admin" }] }, rest] });
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
  const css = await envoy.worker({
    rules: [{ name: "css", action: "allow", paths: [{ suffix: ".css" }], ...everybody }],
  });
  expectAll([200], css, paths("/a.css", "/a.css?x", "/a;v=1/b.css"));
  expectAll(
    [400, 403],
    css,
    paths("/admin;.css", "/admin;x.css", "/admin?.css", "/admin#.css", "/admin%3b.css", "/a.css/..", "/a.css/../b"),
  );
  const filter = await envoy.worker(allowPublic);
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
  const filter = await envoy.worker({ rules: [rest] });
  expectAll(
    [400],
    filter,
    paths("", "*", "admin", "?", "http://a.example/admin", "a.example:443", "/a\u0001", "/a\u007f"),
  );
  const host = await ProxyWasmHost.load(await filterModule("authz"));
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
  const filter = await envoy.worker({
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
  const filter = await envoy.worker({ jwtProviders: [provider], rules: [rest] });
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
  expectAll([403], await envoy.worker({ rules: [deny, rest] }), hidden);
  expectAll([403], await envoy.worker({ rules: [only] }), [
    ...hidden,
    roles("user", "admin"),
    roles("user,admin"),
    roles("user,"),
  ]);
});

test("CVE-2024-23324: bytes that are no UTF-8 make nobody pass", async () => {
  const filter = await envoy.worker({ jwtProviders: [provider], rules: [{ name: "members", action: "allow" }] });
  const bytes = Uint8Array.from([0x42, 0x65, 0x61, 0x72, 0x65, 0x72, 0x20, 0xff, 0xfe, 0x80]);
  expectAll([401], filter, [{ headers: [["authorization", bytes]] }, { headers: [["x-any", bytes]] }]);
});

test("CVE-2024-45806: what a client sends in our headers reaches nobody", async () => {
  const filter = await envoy.worker({
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
  const filter = await envoy.worker({ jwtProviders: [provider], rules: [rest] });
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
  const filter = await envoy.worker({
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
  const digest = createHash("sha256").update("key").digest("hex");
  const keys = await envoy.worker({ apiKeys: { keys: [{ name: "a", sha256: digest }] }, rules: [rest] });
  expectAll([401], keys, [{ headers: [["x-api-key", Uint8Array.from(Buffer.from("key\0"))]] }]);
});

// How servers read a path. A request that one of them takes for a path must be treated as one for that path.

type Reading = (path: string) => string;

function decode(path: string): string {
  return path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

const withoutDots: Reading = (path) => {
  const out: string[] = [];
  for (const segment of path.split("/").slice(1)) {
    if (segment === "..") out.pop();
    else if (segment !== ".") out.push(segment);
  }
  return `/${out.join("/")}`;
};
const merged: Reading = (path) => path.replace(/\/+/g, "/");
const bare: Reading = (path) => path.replace(/;[^/]*/g, "");
const slashed: Reading = (path) => path.replaceAll("\\", "/");
const same: Reading = (path) => path;

function readings(target: string, decodings: readonly number[]): Set<string> {
  const path = target.replace(/[?#].*$/s, "");
  const found = new Set<string>();
  for (const times of decodings) {
    const decoded = Array.from({ length: times }).reduce<string>((text) => decode(text), path);
    for (const slashes of [same, slashed]) {
      for (const parameters of [same, bare]) {
        const text = parameters(slashes(decoded));
        // Servers differ in which of the two comes first; to those that do neither, `//a` is no way to `/a`.
        found.add(withoutDots(merged(text))).add(merged(withoutDots(text)));
      }
    }
  }
  return found;
}

const pieces = [
  "/",
  "/",
  "//",
  "/admin",
  "admin",
  "/public",
  "..",
  ".",
  "/../",
  "/./",
  ";",
  ";x",
  "%2e",
  "%2f",
  "%5c",
  "%25",
  "2e",
  "2f",
  "%61dmin",
  "\\",
  "?",
  "#",
  "x",
  "%3b",
  "é",
  "%",
];
const targets = fc.array(fc.constantFrom(...pieces), { maxLength: 10 }).map((parts) => `/${parts.join("")}`);
const isBelow = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`);

test("no reading of an allowed path is denied", async () => {
  const filter = await envoy.worker(denyAdmin);
  let allowed = 0;
  fc.assert(
    fc.property(targets, (path) => {
      if (statusOf(filter.send({ path })) !== 200) return;
      allowed += 1;
      const admin = [...readings(path, [0, 1, 2])].filter((reading) => isBelow(reading, "/admin"));
      assert.deepEqual(admin, [], path);
    }),
    { numRuns: 3000 },
  );
  assert.ok(allowed > 100, `${allowed} paths were allowed`);
});

test("every reading of an allowed path is allowed", async () => {
  const filter = await envoy.worker(allowPublic);
  let allowed = 0;
  fc.assert(
    fc.property(
      targets.map((path) => `/public${path}`),
      (path) => {
        if (statusOf(filter.send({ path })) !== 200) return;
        allowed += 1;
        const other = [...readings(path, [1, 2])].filter((reading) => !isBelow(reading, "/public"));
        assert.deepEqual(other, [], path);
      },
    ),
    { numRuns: 3000 },
  );
  assert.ok(allowed > 100, `${allowed} paths were allowed`);
});
