// Credentials in the query and in cookies: found, counted and taken out.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Authz,
  ISSUER,
  TOKEN,
  apiKeys,
  bearer,
  members,
  outcome,
  provider,
  publicPath,
  type Headers,
} from "../../testing/authz.ts";
import type { Request } from "../../testing/filter.ts";

const authz = new Authz();
const everywhere = {
  ...provider,
  fromHeaders: [{ name: "authorization", prefix: "Bearer " }],
  fromParams: ["access_token"],
  fromCookies: ["session"],
};
const rules = [publicPath, members];
const cookies = (...lines: string[]): Headers => lines.map((line) => ["cookie", line]);

test("a token in the query", async () => {
  const filter = await authz.worker({ jwtProviders: [everywhere], rules });
  const escaped = TOKEN.replaceAll(".", "%2E");
  const cases: readonly (readonly [string, string])[] = [
    ["200", `/?access_token=${TOKEN}`],
    ["200", `/?a=b&access_token=${TOKEN}&c`],
    ["200", `/?access%5Ftoken=${TOKEN}`],
    ["200", `/?%61ccess_token=${escaped}`],
    ["200", `/?&&access_token=${TOKEN}&`],
    ["401 missing_credentials", "/"],
    ["401 missing_credentials", "/?"],
    ["401 missing_credentials", `/access_token=${TOKEN}`],
    ["401 missing_credentials", `/?xaccess_token=${TOKEN}&access_tokenx=${TOKEN}&access%255Ftoken=${TOKEN}`],
    ["401 token_malformed", "/?access_token"],
    ["401 token_malformed", "/?access_token="],
    ["401 token_malformed", "/?access_token=x"],
    ["401 token_malformed", `/?access_token=%20${TOKEN}`],
    ["401 token_malformed", `/?access_token=${TOKEN}=`],
    ["401 too_many_tokens", `/?access_token=${TOKEN}&access_token=${TOKEN}`],
    ["401 too_many_tokens", `/?access_token=${TOKEN}&access%5ftoken=x`],
    ["401 too_many_tokens", `/?access%5Ftoken=x&access_token=${TOKEN}`],
    ["401 too_many_tokens", `/?access_token=${TOKEN}&a;access_token=x`],
    ["401 too_many_tokens", `/?access_token=${TOKEN};access_token=x`],
    ["401 too_many_tokens", `/?a=b;access_token=${TOKEN}`],
    ["401 too_many_tokens", `/?access_token=${TOKEN}&Access_Token=x`],
    ["401 too_many_tokens", `/?access_token;=${TOKEN}`],
    ["401 token_malformed", `/?access_token=${TOKEN};x`],
    ["401 too_many_tokens", `/?ACCESS_TOKEN=${TOKEN}`],
    ["401 too_many_tokens", `/?+access_token=${TOKEN}`],
    ["401 too_many_tokens", `/?access_token%20=${TOKEN}`],
  ];
  for (const [expected, path] of cases) {
    assert.equal(outcome(filter, { path }), expected, path);
    const open = expected.includes("missing") ? "200" : expected;
    if (path.startsWith("/?")) assert.equal(outcome(filter, { path: `/public${path.slice(1)}` }), open, path);
  }
});

test("a token in a cookie", async () => {
  const filter = await authz.worker({ jwtProviders: [everywhere], rules });
  const cases: readonly (readonly [string, Headers])[] = [
    ["200", cookies(`session=${TOKEN}`)],
    ["200", cookies(`a=b; session=${TOKEN};c=d`)],
    ["200", cookies("a=b", `c=d;  session = ${TOKEN} `)],
    ["401 missing_credentials", cookies(`a=session; xsession=${TOKEN}; Session2=x`)],
    ["401 missing_credentials", cookies("")],
    ["401 token_malformed", cookies("session")],
    ["401 token_malformed", cookies("session=")],
    ["401 token_malformed", cookies(`session="${TOKEN}"`)],
    ["401 too_many_tokens", cookies(`session=${TOKEN}; session=${TOKEN}`)],
    ["401 too_many_tokens", cookies(`session=${TOKEN}`, "session=x")],
    ["401 too_many_tokens", cookies("session=", `session=${TOKEN}`)],
    ["401 too_many_tokens", cookies(`session=${TOKEN}; Session=x`)],
    ["401 too_many_tokens", cookies(`sess%69on=${TOKEN}`)],
    ["401 too_many_tokens", cookies(`session,=${TOKEN}`)],
    ["401 token_malformed", cookies(`session=${TOKEN},x`)],
    ["401 too_many_tokens", cookies(`a=b,session=${TOKEN}`)],
    ["401 too_many_tokens", cookies(`session=${TOKEN},session=x`)],
  ];
  for (const [expected, headers] of cases)
    assert.equal(outcome(filter, { headers }), expected, JSON.stringify(headers));
});

test("two tokens in different places are two", async () => {
  const filter = await authz.worker({ jwtProviders: [everywhere], rules });
  const path = `/?access_token=${TOKEN}`;
  const cases: readonly Request[] = [
    { path, headers: bearer() },
    { path, headers: cookies(`session=${TOKEN}`) },
    { headers: [...bearer(), ...cookies(`session=${TOKEN}`)] },
    { path, headers: bearer("x") },
    { path: "/?access_token=x", headers: bearer() },
    { path: "/?access_token=", headers: bearer() },
  ];
  for (const request of cases) {
    assert.match(outcome(filter, request), /^401 (too_many_tokens|token_malformed)$/, JSON.stringify(request));
  }
  assert.equal(outcome(filter, cases[0] ?? {}), "401 too_many_tokens");
});

test("what is taken out of the query, and that all else stays byte for byte", async () => {
  const filter = await authz.worker({ jwtProviders: [everywhere], rules });
  const T = `access_token=${TOKEN}`;
  const cases: readonly (readonly [string, string])[] = [
    [`/a?${T}`, "/a"],
    [`/a?${T}&b=1`, "/a?b=1"],
    [`/a?b=1&${T}`, "/a?b=1"],
    [`/a?b=%41+&&${T}&=&c;d`, "/a?b=%41+&&=&c;d"],
    [`/a?b&${T}&`, "/a?b&"],
    [`/%61//b;x?access%5Ftoken=${TOKEN}&b=%zz`, "/%61//b;x?b=%zz"],
    [`/a?b=?&${T}`, "/a?b=?"],
    [`/a?${T}#access_token=x`, "/a#access_token=x"],
    ["/a?b&c", "/a?b&c"],
    ["/a?", "/a?"],
  ];
  for (const [path, expected] of cases) {
    const { request } = filter.send({ path, headers: path.includes("access") ? [] : bearer() });
    assert.equal(request.headers?.get(":path"), expected);
    assert.equal(request.headers.has("authorization"), false);
  }
});

test("what is taken out of cookies, and that all else stays byte for byte", async () => {
  const filter = await authz.worker({ jwtProviders: [everywhere], rules });
  const S = `session=${TOKEN}`;
  const cases: readonly (readonly [string[], string[]])[] = [
    [[S], []],
    [[`${S}; b=1`], ["b=1"]],
    [[`a="x y"; ${S};b=%41`], ['a="x y";b=%41']],
    [[`a=1; ${S}`], ["a=1"]],
    [[`a=1;${S};`], ["a=1;"]],
    [
      ["a=1", S, "b=2; c=3"],
      ["a=1", "b=2; c=3"],
    ],
  ];
  for (const [lines, expected] of cases) {
    assert.deepEqual(filter.send({ headers: cookies(...lines) }).request.headers?.getAll("cookie"), expected);
  }
  const { headers } = filter.send({ headers: [...bearer(), ...cookies("a=1;  b=2", "c")] }).request;
  assert.deepEqual(headers?.getAll("cookie"), ["a=1;  b=2", "c"]);
});

test("forward leaves the token where it is", async () => {
  const filter = await authz.worker({ jwtProviders: [{ ...everywhere, forward: true }], rules });
  const path = `/?b&access_token=${TOKEN}`;
  assert.equal(filter.send({ path }).request.headers?.get(":path"), path);
  const cookie = `a; session=${TOKEN}`;
  assert.equal(filter.send({ headers: cookies(cookie) }).request.headers?.get("cookie"), cookie);
});

test("API keys in query and cookie", async () => {
  const places = { ...apiKeys, fromParams: ["api_key"], fromCookies: ["key"] };
  const filter = await authz.worker({ apiKeys: { ...places, header: "x-key" }, rules, principalHeader: "x-caller" });
  const cases: readonly (readonly [string, Request])[] = [
    ["200", { path: "/?api_key=billing-key" }],
    ["200", { path: "/?api_key=%62illing-key" }],
    ["200", { headers: cookies("key=billing-key") }],
    ["200", { headers: [["x-key", "billing-key"]] }],
    ["401 missing_credentials", { headers: [["x-api-key", "billing-key"]] }],
    ["401 bad_api_key", { path: "/?api_key=" }],
    ["401 bad_api_key", { path: "/public?api_key=x" }],
    ["401 bad_api_key", { path: "/?api_key=billing-key&api_key=billing-key" }],
    ["401 bad_api_key", { path: "/?api_key=billing-key&api%5fkey=x" }],
    ["401 bad_api_key", { path: "/?api_key=billing-key", headers: cookies("key=billing-key") }],
    ["401 bad_api_key", { path: "/?api_key=billing-key", headers: [["x-key", "ci-key-old"]] }],
    ["401 bad_api_key", { path: "/?api_key=x", headers: [["x-key", "ci-key-old"]] }],
    ["401 bad_api_key", { headers: cookies("key=billing-key", "key=billing-key") }],
  ];
  for (const [expected, request] of cases) assert.equal(outcome(filter, request), expected, JSON.stringify(request));

  const { headers } = filter.send({ path: "/a?b&api_key=billing-key" }).request;
  assert.equal(headers?.get(":path"), "/a?b");
  assert.equal(headers.get("x-caller"), "billing");
  assert.equal(filter.send({ headers: cookies("a; key=billing-key") }).request.headers?.get("cookie"), "a");

  const noHeader = await authz.worker({ apiKeys: places, rules });
  assert.equal(outcome(noHeader, { headers: [["x-api-key", "billing-key"]] }), "401 missing_credentials");
});

test("a token and an API key in one query, and in one line of cookies", async () => {
  const filter = await authz.worker({
    jwtProviders: [everywhere],
    apiKeys: { ...apiKeys, fromParams: ["api_key"], fromCookies: ["key"] },
    rules,
    principalHeader: "x-caller",
  });
  const query = filter.send({ path: `/a?api_key=billing-key&b&access_token=${TOKEN}` }).request.headers;
  assert.equal(query?.get(":path"), "/a?b");
  const line = filter.send({ headers: cookies(`key=billing-key; b; session=${TOKEN}`, "c=1") }).request.headers;
  assert.deepEqual(line?.getAll("cookie"), ["b", "c=1"]);
  const both = filter.send({ path: "/a?api_key=billing-key", headers: cookies(`session=${TOKEN}`) }).request.headers;
  assert.equal(both?.get(":path"), "/a");
  assert.equal(both.has("cookie"), false);
});

test("a dry run forwards no bad credential, however it is spelled", async () => {
  const filter = await authz.worker({
    jwtProviders: [everywhere],
    apiKeys: { ...apiKeys, fromParams: ["api_key"] },
    rules,
    dryRun: true,
  });
  const { headers } = filter.send({
    path: "/a?access_token=x&b;Access_Token=y&c&api_key=z",
    headers: [...bearer("x"), ...cookies("session=x; a=1,session=y; b=2")],
  }).request;
  assert.equal(headers?.get(":path"), "/a?c");
  assert.equal(headers.get("cookie"), "b=2");
  assert.equal(headers.has("authorization"), false);
});

test("the decision log has no query", async () => {
  const filter = await authz.worker({ jwtProviders: [everywhere], rules, log: { decisions: "all" } });
  filter.send({ path: `/a?access_token=${TOKEN}` });
  filter.send({ path: "/a?access_token=secret" });
  const lines = filter.log.map(({ message }) => message).filter((line) => line.includes('"decision"'));
  assert.equal(lines.length, 2);
  for (const line of lines) {
    assert.equal((JSON.parse(line) as { path: string }).path, "/a");
    assert.ok(!line.includes(TOKEN) && !line.includes("secret"));
  }
});

test("the issuer of a provider is asked for wherever the token is", async () => {
  const second = { ...provider, name: "second", issuer: "https://second.example", fromParams: ["access_token"] };
  const filter = await authz.worker({ jwtProviders: [{ ...provider, fromCookies: ["session"] }, second], rules });
  // The second time the token is in the cache.
  for (let round = 0; round < 2; round += 1) {
    assert.equal(outcome(filter, { headers: cookies(`session=${TOKEN}`) }), "200", ISSUER);
    assert.equal(outcome(filter, { path: `/?access_token=${TOKEN}` }), "401 token_unknown_issuer");
    assert.equal(outcome(filter, { headers: bearer() }), "401 missing_credentials", "no default beside fromCookies");
  }
});
