// Ways around an authorization filter, tried on authz in a real Envoy, with nothing between the bytes and the filter.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ISSUER, everybody, provider, sha256 } from "../filters/testing/authz.ts";
import { filterModule } from "../filters/testing/filter.ts";
import { RSA_JWK, SECRET_JWK, sign } from "../filters/testing/keys.ts";
import { root } from "../setup/paths.mjs";
import { FilterEnvoy, wasmFilter } from "./support/filter-chains.ts";

const rest = { name: "rest", action: "allow", ...everybody };
const members = { name: "members", action: "allow" };
const strict = { ...provider, clockSkew: "0s" };
const plain = { ...provider, name: "hs", issuer: "https://hs.example", localJwks: { keys: [SECRET_JWK] } };

const configurations = {
  denyAdmin: { rules: [{ name: "admin", action: "deny", paths: [{ prefix: "/admin" }] }, rest] },
  denyExact: { rules: [{ name: "admin", action: "deny", paths: [{ exact: "/admin" }] }, rest] },
  allowPublic: { rules: [{ name: "public", action: "allow", paths: [{ prefix: "/public" }], ...everybody }] },
  denyHost: { rules: [{ name: "host", action: "deny", hosts: ["admin.example", "*.in.example"] }, rest] },
  denyRole: { rules: [{ name: "role", action: "deny", headers: [{ name: "x-role", exact: "admin" }] }, rest] },
  allowRole: { rules: [{ name: "role", action: "allow", headers: [{ name: "x-role", exact: "user" }], ...everybody }] },
  denyPost: { rules: [{ name: "post", action: "deny", methods: ["POST"] }, rest] },
  tokens: {
    jwtProviders: [{ ...strict, claimToHeaders: [{ claim: "sub", header: "x-user" }] }, plain],
    principalHeader: "x-caller",
    rules: [members],
  },
  optional: {
    jwtProviders: [{ ...strict, claimToHeaders: [{ claim: "sub", header: "x-user" }] }],
    principalHeader: "x-caller",
    rules: [rest],
  },
  keys: { apiKeys: { keys: [{ name: "a", sha256: sha256("the key") }] }, rules: [members] },
} as const;
type Chain = keyof typeof configurations;

let envoy: FilterEnvoy;
before(async () => {
  await filterModule("authz");
  const module = join(root, "build", "authz.wasm");
  const chains = Object.entries(configurations).map(([name, value]) => [name, [wasmFilter("authz", module, value)]]);
  envoy = await FilterEnvoy.start(Object.fromEntries(chains) as Record<Chain, object[]>, [
    "x-user",
    "x_user",
    "x-caller",
  ]);
});
after(() => envoy.stop());

/** The statuses of targets, each of which must be among those expected. */
async function expectPaths(chain: Chain, expected: readonly number[], targets: readonly string[]): Promise<void> {
  for (const target of targets) {
    const { status } = await envoy.get(chain, target);
    assert.ok(expected.includes(status), `${chain} ${JSON.stringify(target)}: ${status}`);
  }
}

async function expectLines(chain: Chain, expected: number, requests: readonly (readonly string[])[]): Promise<void> {
  for (const lines of requests) {
    assert.equal((await envoy.get(chain, "/", lines)).status, expected, `${chain} ${JSON.stringify(lines)}`);
  }
}

const refused = [400, 403] as const;

describe("paths", () => {
  test("CVE-2019-9901: dot segments", async () => {
    const targets = [
      "/info/../admin",
      "/./admin",
      "/admin/.",
      "/admin/x/..",
      "/../admin",
      "/%2e%2e/admin",
      "/.%2E/admin",
    ];
    targets.push("/public/../admin", "/public/%2e%2e/admin", "/public/..%2fadmin");
    await expectPaths("denyAdmin", refused, targets);
    await expectPaths("allowPublic", refused, targets);
  });

  test("CVE-2021-29492, CVE-2021-31920: slashes, escapes, NUL and backslashes", async () => {
    const targets = [
      "//admin",
      "///admin//x",
      "/.//admin",
      "/%2fadmin",
      "/%5cadmin",
      "/admin%2Fx",
      "/\\admin",
      "/x\\..\\admin",
    ];
    targets.push(
      "/%61dmin",
      "/%2561dmin",
      "/%252e%252e/admin",
      "/a/%252e%252e/admin",
      "/admin%00",
      "/adm%00in",
      "/admin%zz",
      "/admin%",
    );
    targets.push("/a//../admin", "/x/..%5cadmin", "/%25%36%31dmin");
    await expectPaths("denyAdmin", refused, targets);
  });

  test("CVE-2020-8595: query, fragment and parameters behind an exact path", async () => {
    await expectPaths("denyExact", refused, [
      "/admin",
      "/admin?",
      "/admin?x",
      "/admin#x",
      "/admin;x=1",
      "/a/..;/admin",
      "/.;/admin",
    ]);
    await expectPaths("denyExact", [200], ["/administrator", "/x?/admin", "/admin/x"]);
  });

  test("matrix parameters open nothing", async () => {
    await expectPaths("allowPublic", [200], ["/public", "/public/a;b=c", "/p%75blic/a", "//public"]);
    await expectPaths("allowPublic", refused, [
      "/publicx",
      "/public/..;/admin",
      "/public;x/../a",
      "/public/.;/..;/admin",
    ]);
  });

  test("case counts: a path of another case is another path", async () => {
    await expectPaths("allowPublic", [403], ["/Public", "/PUBLIC/a"]);
  });

  test("targets in absolute form", async () => {
    await expectPaths("denyAdmin", refused, [
      "http://a.example/admin",
      "http://a.example//admin",
      "http://a.example/x/../admin",
    ]);
  });

  test("every byte, escaped: what decodes to a path under /admin is denied, and NUL refused", async () => {
    for (let byte = 0; byte <= 0xff; ++byte) {
      const hex = byte.toString(16).padStart(2, "0");
      for (const target of [`/admin%${hex}`, `/%${hex}/admin/x`]) {
        const { status } = await envoy.get("denyAdmin", target);
        const decoded = decoded8(target);
        const isAdmin = /^\/+(\.?\/+)*admin(\/|$)/.test(decoded);
        const isRefused = status === 400 || status === 403;
        if (byte === 0 || decoded.includes("\\") || isAdmin) assert.ok(isRefused, `${target}: ${status}`);
      }
    }
  });
});

/** A path with its escapes decoded byte by byte. */
function decoded8(path: string): string {
  return path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

test("CVE-2021-39155: case, port and closing dot of a host", async () => {
  for (const host of [
    "admin.example",
    "ADMIN.example",
    "Admin.Example:8080",
    "admin.example.",
    "admin.example.:80",
    "a.IN.example:1",
  ]) {
    assert.equal((await envoy.get("denyHost", "/", [], host)).status, 403, host);
  }
  for (const host of ["in.example", "admin.example.org", "[::1]:80"]) {
    assert.equal((await envoy.get("denyHost", "/", [], host)).status, 200, host);
  }
  assert.equal((await envoy.get("denyHost", "http://ADMIN.example:80/", [], "a.example")).status, 403);
});

test("GHSA-ghc4-35x6-crw5: repeated and joined headers", async () => {
  const hidden = [
    ["x-role: admin"],
    ["X-Role: admin"],
    ["x-role: a", "x-role: admin"],
    ["x-role: admin", "x-role: a"],
    ["x-role: a,admin"],
    ["x-role:admin , a"],
  ];
  await expectLines("denyRole", 403, hidden);
  await expectLines("allowRole", 403, [
    ...hidden,
    ["x-role: user", "x-role: admin"],
    ["x-role: user,admin"],
    ["x_role: user"],
  ]);
  await expectLines("allowRole", 200, [["x-role: user"], ["x-role: user", "x-role: user"]]);
});

test("methods: case, and a body that nobody asked for", async () => {
  const post = (method: string, more: string): string => `${method} / HTTP/1.1\r\nhost: a\r\n${more}`;
  assert.equal((await envoy.send("denyPost", post("POST", "content-length: 3\r\n\r\nabc"))).status, 403);
  assert.equal(
    (await envoy.send("denyPost", post("POST", "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))).status,
    403,
  );
  // Two lengths, or a length beside chunks: no proxy may forward that.
  const smuggled = "content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n";
  assert.ok([400, 403].includes((await envoy.send("denyPost", post("POST", smuggled))).status));
});

describe("tokens", () => {
  const now = (): number => Math.floor(Date.now() / 1000);
  const claims = (more: object = {}): object => ({ iss: ISSUER, sub: "alice", exp: now() + 300, ...more });
  const bearer = (token: string): string[] => [`authorization: Bearer ${token}`];
  const encode = (value: object | string): string =>
    Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

  test("a good one passes, in any case of the scheme", async () => {
    const token = await sign("RS256", claims());
    await expectLines("tokens", 200, [bearer(token), [`authorization: bearer ${token}`]]);
    await expectLines("tokens", 401, [[], ["authorization: Basic YTpi"]]);
  });

  test("alg: none, in any spelling", async () => {
    for (const alg of ["none", "None", "NONE", "nOnE", ""]) {
      const unsigned = `${encode({ alg })}.${encode(claims())}.`;
      await expectLines("tokens", 401, [bearer(unsigned), bearer(`${unsigned}AAAA`)]);
    }
  });

  test("algorithm confusion: a public key is no secret", async () => {
    const input = `${encode({ alg: "HS256" })}.${encode(claims())}`;
    for (const secret of [JSON.stringify(RSA_JWK), RSA_JWK.n, Buffer.from(RSA_JWK.n, "base64url")]) {
      const mac = createHmac("sha256", secret).update(input).digest("base64url");
      await expectLines("tokens", 401, [bearer(`${input}.${mac}`)]);
    }
    // The key of one issuer vouches for no other.
    await expectLines("tokens", 401, [bearer(await sign("HS256", claims()))]);
  });

  test("kid injection, keys that tokens bring along, crit", async () => {
    const headers = [
      { kid: "../../dev/null" },
      { kid: "' OR '1'='1" },
      { kid: "x".repeat(5000) },
      { kid: 1 },
      { crit: ["exp"], exp: 1 },
      { crit: [] },
      { crit: ["b64"], b64: false },
    ];
    const signature = (await sign("RS256", claims())).split(".")[2] ?? "";
    for (const header of headers) {
      const token = `${encode({ alg: "RS256", ...header })}.${encode(claims())}.${signature}`;
      await expectLines("tokens", 401, [bearer(token)]);
    }
    for (const header of [{ jku: "https://evil.example" }, { jwk: RSA_JWK }, { x5u: "https://evil.example" }]) {
      const [, payload = "", sig = ""] = (await sign("HS256", claims({ iss: "https://evil.example" }))).split(".");
      await expectLines("tokens", 401, [bearer(`${encode({ alg: "HS256", ...header })}.${payload}.${sig}`)]);
    }
  });

  test("nesting without bounds, and huge tokens", async () => {
    const deep = `${"[".repeat(3000)}${"]".repeat(3000)}`;
    const [header = "", , signature = ""] = (await sign("RS256", claims())).split(".");
    await expectLines("tokens", 401, [bearer(`${header}.${encode(deep)}.${signature}`)]);
    await expectLines("tokens", 401, [bearer(await sign("RS256", claims({ x: "y".repeat(20_000) })))]);
    await expectLines("tokens", 401, [bearer("A".repeat(40_000)), bearer(".".repeat(5000)), bearer("..")]);
  });

  test("times: expired, not yet, without exp, and no numbers", async () => {
    const tokens = [
      claims({ exp: now() - 1 }),
      claims({ exp: now() }),
      claims({ nbf: now() + 60 }),
      claims({ exp: undefined }),
      claims({ exp: "9999999999" }),
      claims({ exp: -1 }),
      claims({ exp: 1e300 }),
      claims({ exp: null }),
    ];
    for (const value of tokens) await expectLines("tokens", 401, [bearer(await sign("RS256", value))]);
    await expectLines("tokens", 200, [bearer(await sign("RS256", claims({ nbf: now() - 1 })))]);
  });

  test("two tokens at once", async () => {
    const token = await sign("RS256", claims());
    await expectLines("tokens", 401, [
      [...bearer(token), ...bearer(token)],
      [`authorization: Bearer ${token}, Bearer ${token}`],
      [...bearer(token), ...bearer("x")],
      [...bearer(token), "authorization: Basic YTpi", "authorization: Bearer x"],
    ]);
  });

  test("CVE-2021-21378: a token of an unknown issuer, where a token is optional", async () => {
    await expectLines("optional", 200, [[]]);
    await expectLines("optional", 401, [
      bearer(await sign("RS256", claims({ iss: "https://evil.example" }))),
      bearer("x"),
    ]);
  });

  test("CVE-2026-47775: every bad token gets one answer", async () => {
    const tokens = ["x", await sign("HS256", claims()), await sign("RS256", claims({ exp: 1 }))];
    const answers = await Promise.all(tokens.map((token) => envoy.get("tokens", "/", bearer(token))));
    assert.equal(new Set(answers.map(({ head }) => head.replace(/^date:.*$/im, ""))).size, 1);
  });

  test("CVE-2024-23324: bytes that are no UTF-8", async () => {
    await expectLines("tokens", 401, [["authorization: Bearer \xff\xfe\x80"], ["x-any: \xff\xfe"]]);
  });
});

test("CVE-2024-45806: what a client sends in the filter's own headers reaches nobody", async () => {
  const spoofed = ["x-user: root", "X-User: root", "x_user: root", "x-caller: root"];
  const { status, seen } = await envoy.get("optional", "/", spoofed);
  assert.equal(status, 200);
  assert.deepEqual(
    [...seen.values()].filter((value) => value !== "" && value !== "-"),
    [],
  );
});

test("API keys: repeated, joined, cut and padded", async () => {
  await expectLines("keys", 200, [["x-api-key: the key"]]);
  await expectLines("keys", 401, [
    [],
    ["x-api-key: the ke"],
    ["x-api-key: the key,"],
    ["x-api-key: the key", "x-api-key: x"],
    ["x-api-key: x, the key"],
    ["x_api_key: the key"],
    [`x-api-key: ${"a".repeat(30_000)}`],
  ]);
});
