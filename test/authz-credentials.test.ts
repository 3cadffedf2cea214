// Credentials of every kind and ways to forge, hide and repeat them, tried on authz in a real Envoy.
import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { connect as connectHttp2 } from "node:http2";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ISSUER, everybody, provider, sha256 } from "../filters/testing/authz.ts";
import { filterModule } from "../filters/testing/filter.ts";
import { SECRET_JWK, sign } from "../filters/testing/keys.ts";
import { root } from "../setup/paths.mjs";
import { FilterEnvoy, wasmFilter } from "./support/filter-chains.ts";

const members = { name: "members", action: "allow" };
const open = { ...members, ...everybody };
const everywhere = {
  ...provider,
  clockSkew: "0s",
  fromHeaders: [{ name: "authorization", prefix: "Bearer " }],
  fromParams: ["access_token"],
  fromCookies: ["session"],
  claimToHeaders: [{ claim: "sub", header: "x-user" }],
  payloadHeader: "x-payload",
  claimToState: [
    { claim: "sub", state: "sub" },
    { claim: "roles", state: "roles" },
  ],
};
const service = {
  name: "service",
  issuer: "https://services.example",
  localJwks: { keys: [SECRET_JWK] },
  fromHeaders: [{ name: "x-service-token" }],
};
const salt = Buffer.from("a salt of 16 byt");
const hash = pbkdf2Sync("open sesame", salt, 1000, 32, "sha256").toString("hex");

const configurations = {
  required: { jwtProviders: [everywhere], rules: [members] },
  optional: { jwtProviders: [everywhere], rules: [open] },
  lenient: { jwtProviders: [{ ...everywhere, onFailure: "ignore" }], rules: [open] },
  routed: { jwtProviders: [{ ...everywhere, clearRouteCache: true }], rules: [open] },
  several: {
    jwtProviders: [{ ...everywhere, fromHeaders: undefined, fromParams: undefined, fromCookies: undefined }, service],
    severalTokens: true,
    rules: [{ ...members, principals: [{ allOf: [{ provider: "corp" }, { provider: "service" }] }] }],
  },
  keys: {
    apiKeys: { fromParams: ["key"], fromCookies: ["key"], keys: [{ name: "a", sha256: sha256("the key") }] },
    rules: [members],
  },
  basic: {
    basic: { users: [{ name: "Aladdin", salt: salt.toString("hex"), hash }] },
    principalHeader: "x-user",
    rules: [members],
  },
} as const;
type Chain = keyof typeof configurations;

let envoy: FilterEnvoy;
before(async () => {
  await filterModule("authz");
  const module = join(root, "build", "authz.wasm");
  const chains = Object.entries(configurations).map(([name, value]) => [name, [wasmFilter("authz", module, value)]]);
  const byQuery = { prefix: "/", query_parameters: [{ name: "access_token", present_match: true }] };
  envoy = await FilterEnvoy.start(
    Object.fromEntries(chains) as Record<Chain, object[]>,
    ["x-user", "x_user", "x-payload", "x_payload", "authorization", "cookie", "x-api-key", "x-service-token"],
    {
      tell: {
        path: "%REQ(:PATH)%",
        sub: "%FILTER_STATE(wasm.authz.claim.sub:PLAIN)%",
        roles: "%FILTER_STATE(wasm.authz.claim.roles:PLAIN)%",
      },
      routes: [
        { match: { path: "/by/path" }, direct_response: { status: 201 } },
        { match: byQuery, direct_response: { status: 202 } },
      ],
    },
  );
});
after(() => envoy.stop());

const now = (): number => Math.floor(Date.now() / 1000);
const claims = (more: object = {}): object => ({ iss: ISSUER, sub: "alice", exp: now() + 300, ...more });
const bearer = (token: string): string => `authorization: Bearer ${token}`;
const isPassed = (status: number): boolean => status >= 200 && status < 300;

/** Each request, as its target and its header lines, passes or gets 401. */
async function expectAll(
  chain: Chain,
  passes: boolean,
  requests: readonly (readonly [string, ...string[]])[],
): Promise<void> {
  for (const [target, ...lines] of requests) {
    const { status } = await envoy.get(chain, target, lines);
    assert.equal(passes ? isPassed(status) : status, passes || 401, `${chain} ${target} ${JSON.stringify(lines)}`);
  }
}

describe("a token in the query", () => {
  test("passes, and is in nothing that the upstream gets", async () => {
    const token = await sign("RS256", claims());
    for (const [target, path] of [
      [`/a?access_token=${token}`, "/a"],
      [`/a?x=%41+&access_token=${token}&y`, "/a?x=%41+&y"],
      [`/a?access%5Ftoken=${token}`, "/a"],
      [`/a?x&&%61ccess%5ftoken=${token}`, "/a?x&"],
    ] as const) {
      const { seen, head } = await envoy.get("required", target);
      assert.equal(seen.get("path"), path);
      assert.equal(seen.get("x-user"), "alice");
      assert.ok(!head.includes(token));
    }
  });

  test("repeated, hidden or beside another is refused", async () => {
    const token = await sign("RS256", claims());
    const T = `access_token=${token}`;
    await expectAll("optional", false, [
      [`/?${T}&${T}`],
      [`/?${T}&access%5Ftoken=x`],
      [`/?access%5ftoken=x&${T}`],
      [`/?${T}&a=b;access_token=x`],
      [`/?a;${T}`],
      [`/?${T}&Access_Token=x`],
      [`/?${T}`, bearer(token)],
      [`/?${T}`, bearer("x")],
      [`/?access_token`, bearer(token)],
      [`/?${T}`, `cookie: session=${token}`],
      [`/?access_token=${"A".repeat(40_000)}`],
      [`/?access_token=${".".repeat(9000)}`],
      ["/?access_token=%00"],
      ["/?access_token=..%2f"],
    ]);
    await expectAll("optional", true, [[`/?access%255Ftoken=${token}`], [`/?xaccess_token=x&access_tokenx`]]);
  });

  test("the route is that of the request without the token", async () => {
    const token = await sign("RS256", claims());
    assert.equal((await envoy.get("optional", `/by/path?access_token=${token}`)).status, 201);
    assert.equal((await envoy.get("routed", `/by/path?access_token=${token}`)).status, 201);
    assert.equal((await envoy.get("optional", `/other?access_token=${token}`)).status, 200);
    assert.equal((await envoy.get("routed", `/other?access_token=${token}`)).status, 200);
    assert.equal((await envoy.get("optional", `/by/path?a=1`, [bearer(token)])).status, 201);
  });
});

describe("a token in a cookie", () => {
  test("passes, and the other cookies stay", async () => {
    const token = await sign("RS256", claims());
    for (const [lines, cookie] of [
      [[`cookie: session=${token}`], ""],
      [[`cookie: a="x y"; session=${token};b=%41`], 'a="x y";b=%41'],
      [["cookie: a=1", `cookie: session=${token}`], "a=1"],
    ] as const) {
      const { seen, head } = await envoy.get("required", "/", lines);
      assert.equal(seen.get("x-user"), "alice", head);
      assert.equal((seen.get("cookie") ?? "").replace(/^-$/, ""), cookie);
      assert.ok(!head.includes(token));
    }
  });

  test("twice is refused, in one line or in two", async () => {
    const token = await sign("RS256", claims());
    const S = `session=${token}`;
    await expectAll("optional", false, [
      ["/", `cookie: ${S}; ${S}`],
      ["/", `cookie: ${S}`, `cookie: ${S}`],
      ["/", `cookie: ${S}`, "cookie: session=x"],
      ["/", `cookie: session=; ${S}`],
      ["/", `cookie: ${S}; SESSION=x`],
      ["/", `cookie: a=b,${S}`],
      ["/", `cookie: session="${token}"`],
      ["/", `cookie: ${S}`, bearer(token)],
    ]);
    // A name without a value is no reason to trap.
    await expectAll("optional", true, [
      ["/", "cookie: name"],
      ["/", "cookie: =;;=; session2=x"],
    ]);
  });

  test("in HTTP/2, where each cookie can be a header of its own", async () => {
    const token = await sign("RS256", claims());
    const session = connectHttp2(`http://127.0.0.1:${envoy.port("required")}`);
    try {
      const send = (cookie: string[]): Promise<Record<string, unknown>> =>
        new Promise((resolve, reject) => {
          const request = session.request({ ":path": "/", ":authority": "a.example", cookie });
          request.on("response", resolve).on("error", reject).resume().end();
        });
      const good = await send(["a=1", `session=${token}`, "b=2"]);
      assert.equal(good[":status"], 200);
      assert.equal(good["x-seen-user"] ?? good["x-seen-x-user"], "alice");
      assert.match(String(good["x-seen-cookie"]), /^a=1; ?b=2$/);
      assert.equal((await send([`session=${token}`, "session=x"]))[":status"], 401);
    } finally {
      session.close();
    }
  });
});

test("the filter's own headers, set by the caller", async () => {
  const forged = ["x-user: root", "X-User: root", "x_user: root", "x-payload: e30", "X_Payload: e30"];
  const empty = await envoy.get("optional", "/", forged);
  for (const name of ["x-user", "x_user", "x-payload", "x_payload"]) {
    assert.equal((empty.seen.get(name) ?? "").replace(/^-$/, ""), "", name);
  }
  const token = await sign("RS256", claims());
  const { seen } = await envoy.get("optional", "/", [...forged, bearer(token)]);
  assert.equal(seen.get("x-user"), "alice");
  assert.equal(seen.get("x-payload"), token.split(".")[1]);
  assert.equal((seen.get("x_payload") ?? "").replace(/^-$/, ""), "");
});

test("claims in filter state", async () => {
  const token = await sign("RS256", claims({ roles: ["a", { b: "é" }] }));
  const { seen } = await envoy.get("optional", "/", [bearer(token)]);
  assert.equal(seen.get("sub"), "alice");
  assert.equal(Buffer.from(seen.get("roles") ?? "", "latin1").toString(), '["a",{"b":"é"}]');
  assert.equal(((await envoy.get("optional", "/")).seen.get("sub") ?? "").replace(/^-$/, ""), "");
});

test("expired and not yet valid to the second, also from the cache", async () => {
  const start = now();
  const dying = await sign("RS256", claims({ exp: start + 3 }));
  const coming = await sign("RS256", claims({ nbf: start + 3 }));
  const issued = await sign("RS256", claims({ iat: start + 3 }));
  await expectAll("required", true, [
    ["/", bearer(dying)],
    ["/", bearer(dying)],
  ]);
  await expectAll("required", false, [
    ["/", bearer(coming)],
    ["/", bearer(issued)],
    ["/", bearer(await sign("RS256", claims({ exp: undefined })))],
  ]);
  await sleep((start + 3) * 1000 - Date.now() + 20);
  await expectAll("required", false, [["/", bearer(dying)]]);
  await expectAll("required", true, [
    ["/", bearer(coming)],
    ["/", bearer(issued)],
  ]);
});

test("onFailure: ignore lets nothing of a bad token through", async () => {
  const bad = [
    "x",
    `${await sign("RS256", claims())}A`,
    await sign("HS256", claims()),
    await sign("RS256", claims({ exp: 1 })),
  ];
  for (const token of bad) {
    for (const [target, ...lines] of [
      ["/a", bearer(token)],
      [`/a?access_token=${token}`],
      ["/a", `cookie: session=${token}`],
    ] as [string, ...string[]][]) {
      const { status, seen, head } = await envoy.get("lenient", target, [...lines, "x-user: root"]);
      assert.ok(isPassed(status), head);
      assert.equal(seen.get("path"), "/a");
      assert.ok(!head.includes(token === "x" ? "root" : token), head);
    }
  }
  await expectAll("lenient", false, [
    ["/", bearer("x"), bearer("x")],
    ["/?access_token=x", bearer(await sign("RS256", claims()))],
  ]);
});

test("two tokens together, each of its own issuer", async () => {
  const user = await sign("RS256", claims());
  const cart = await sign("HS256", { iss: "https://services.example", sub: "cart", exp: now() + 300 });
  await expectAll("several", true, [["/", bearer(user), `x-service-token: ${cart}`]]);
  const { seen } = await envoy.get("several", "/", [bearer(user), `x-service-token: ${cart}`]);
  for (const name of ["authorization", "x-service-token"]) {
    assert.equal((seen.get(name) ?? "").replace(/^-$/, ""), "", name);
  }
  assert.equal((await envoy.get("several", "/", [bearer(user)])).status, 403);
  assert.equal((await envoy.get("several", "/", [`x-service-token: ${cart}`])).status, 403);
  await expectAll("several", false, [
    ["/"],
    ["/", bearer(user), `x-service-token: ${user}`],
    ["/", bearer(cart), `x-service-token: ${cart}`],
    ["/", bearer(user), `x-service-token: ${cart}`, `x-service-token: ${cart}`],
    ["/", bearer("x"), `x-service-token: ${cart}`],
  ]);
});

test("API keys in query and cookie", async () => {
  const { seen } = await envoy.get("keys", "/a?x&key=the%20key");
  assert.equal(seen.get("path"), "/a?x");
  await expectAll("keys", true, [["/?key=the+key"], ["/", "cookie: a; key=the key"]]);
  await expectAll("keys", false, [
    ["/"],
    ["/", "x-api-key: the key"],
    ["/", "x_api_key: the key"],
    ["/?key=the%2520key"],
    ["/?key=the+key&key=the+key"],
    ["/?key=the+key&%6Bey=x"],
    ["/?key=the+key", "cookie: key=the key"],
    ["/", "cookie: key=the key", "cookie: key=the key"],
  ]);
});

test("HTTP Basic, with the first example of RFC 7617", async () => {
  const good = "authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
  const { seen } = await envoy.get("basic", "/", [good]);
  assert.equal(seen.get("x-user"), "user:Aladdin");
  assert.equal((seen.get("authorization") ?? "").replace(/^-$/, ""), "");
  const { head } = await envoy.get("basic", "/");
  assert.match(head, /^www-authenticate: Basic realm="envoy", charset="UTF-8"\r?$/m);
  const line = (text: string): string => `authorization: Basic ${Buffer.from(text).toString("base64")}`;
  await expectAll("basic", false, [
    ["/", good, good],
    ["/", `${good}, Basic x`],
    ["/", line("Aladdin:open sesame\0")],
    ["/", line("Aladdin")],
    ["/", line("nobody:open sesame")],
    ["/", `authorization: Basic ${"A".repeat(40_000)}`],
    ["/", "x-user: user:Aladdin"],
  ]);
  await expectAll("basic", true, [
    ["/", good],
    ["/", good.replace("Basic", "BASIC")],
  ]);
});
