// Tokens: which are good, and why others are not.

import assert from "node:assert/strict";
import { createSecretKey, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { ProxyWasmHost, Status } from "@meshwright/host";
import { Authz, ISSUER, NOW, bearer, members } from "../../testing/authz.ts";
import { statusOf, type Worker } from "../../testing/filter.ts";
import { ALGORITHMS, EC_JWK, JWKS, RSA_JWK, SECRET_JWK, sign, type Algorithm } from "../../testing/keys.ts";

const authz = new Authz();
const provider = {
  name: "corp",
  issuer: ISSUER,
  audiences: ["orders", "billing"],
  localJwks: { keys: [RSA_JWK, EC_JWK, SECRET_JWK] },
};
const rules = [members];
const CLAIMS = { iss: ISSUER, sub: "alice", aud: "orders", exp: NOW + 600 };

/** A worker whose provider has these fields changed. */
function worker(fields: object = {}, more: object = {}): Promise<Worker> {
  return authz.worker({ jwtProviders: [{ ...provider, ...fields }], rules, ...more });
}

/** Sends a token; why it was refused, or "" if it was not. */
function refusal(filter: Worker, token: string): string {
  const stream = filter.send({ headers: bearer(token) });
  if (stream.localResponse === undefined) return "";
  assert.equal(statusOf(stream), 401);
  // A client learns nothing more than this.
  assert.equal(stream.localResponse.body, "Unauthorized: the token is not valid\n");
  assert.deepEqual(stream.response.headers?.getAll("www-authenticate"), [
    'Bearer realm="envoy", error="invalid_token", error_description="The token is not valid"',
  ]);
  assert.ok(stream.localResponse.details.startsWith("authz.denied."));
  return stream.localResponse.details.slice("authz.denied.".length);
}

for (const algorithm of ALGORITHMS) {
  test(`${algorithm}: a good token, and one with another signature`, async () => {
    const filter = await worker({ localJwks: { keys: [JWKS[algorithm]] } });
    const token = await sign(algorithm, CLAIMS);
    assert.equal(refusal(filter, token), "");
    assert.equal(refusal(filter, token), "", "again, from the cache");
    assert.equal(authz.envoy.metric("authz.allowed"), 2);
    const [header = "", payload = "", signature = ""] = token.split(".");
    const other = Buffer.from(JSON.stringify({ ...CLAIMS, sub: "root" })).toString("base64url");
    assert.equal(refusal(filter, `${header}.${other}.${signature}`), "token_signature");
    const flipped = Buffer.from(signature, "base64url");
    flipped[10] = (flipped[10] ?? 0) ^ 1;
    assert.equal(refusal(filter, `${header}.${payload}.${flipped.toString("base64url")}`), "token_signature");
    assert.equal(refusal(filter, `${header}.${payload}.`), "token_signature");
    assert.equal(filter.trap, undefined);
  });
}

const refused: readonly (readonly [what: string, reason: string, claims: object | string, header?: object])[] = [
  ["another issuer", "token_unknown_issuer", { ...CLAIMS, iss: "https://other.example" }],
  ["an issuer that differs in a slash", "token_unknown_issuer", { ...CLAIMS, iss: `${ISSUER}/` }],
  ["an issuer that differs in case", "token_unknown_issuer", { ...CLAIMS, iss: "https://ID.example" }],
  ["no issuer", "token_unknown_issuer", { ...CLAIMS, iss: undefined }],
  ["an issuer that is an array", "token_unknown_issuer", { ...CLAIMS, iss: [ISSUER] }],
  ["another audience", "token_audience", { ...CLAIMS, aud: "orders2" }],
  ["no audience", "token_audience", { ...CLAIMS, aud: undefined }],
  ["an audience in an object", "token_audience", { ...CLAIMS, aud: { orders: "orders" } }],
  ["audiences without the right one", "token_audience", { ...CLAIMS, aud: ["a", 1, null, ["orders"]] }],
  ["its time passed", "token_expired", { ...CLAIMS, exp: NOW - 60 }],
  ["a start to come", "token_not_yet_valid", { ...CLAIMS, nbf: NOW + 61 }],
  ["no expiration", "token_claim", { ...CLAIMS, exp: undefined }],
  ["an expiration as text", "token_claim", { ...CLAIMS, exp: `${NOW + 600}` }],
  ["a negative expiration", "token_claim", { ...CLAIMS, exp: -1 }],
  ["an expiration beyond 2^53", "token_claim", { ...CLAIMS, exp: 2 ** 54 }],
  ["an expiration beyond doubles", "token_claim", JSON.stringify(CLAIMS).replace(`${CLAIMS.exp}`, "1e999")],
  ["a start as text", "token_claim", { ...CLAIMS, nbf: "0" }],
  ["a subject that is a number", "token_claim", { ...CLAIMS, sub: 1 }],
  ["a subject that ends a header", "token_claim", { ...CLAIMS, sub: "alice\r\nx-admin: 1" }],
  ["a subject with NUL", "token_claim", { ...CLAIMS, sub: "alice\0" }],
  ["a subject with a blank at its end", "token_claim", { ...CLAIMS, sub: "alice " }],
  ["an issue time to come", "token_not_yet_valid", { ...CLAIMS, iat: NOW + 61 }],
  ["an issue time as text", "token_claim", { ...CLAIMS, iat: "0" }],
  ["an issue time below zero", "token_claim", { ...CLAIMS, iat: -1 }],
  ["a type that is no text", "token_malformed", CLAIMS, { typ: 1 }],
  ["a claim twice", "token_malformed", `{"iss":"${ISSUER}","sub":"a","sub":"b","aud":"orders","exp":${NOW + 600}}`],
  ["claims that are no object", "token_malformed", "[]"],
  ["claims that are no JSON", "token_malformed", "{"],
  ["a key id that no key has", "token_unknown_key", CLAIMS, { kid: "x" }],
  ["a key id that is no text", "token_malformed", CLAIMS, { kid: 1 }],
];

for (const [what, reason, claims, header] of refused) {
  test(`refuses a token with ${what}`, async () => {
    assert.equal(refusal(await worker(), await sign("HS256", claims, header)), reason);
    assert.equal(authz.envoy.metric(`authz.denied.${reason}`), 1);
  });
}

const accepted: readonly (readonly [what: string, claims: object | string, header?: object])[] = [
  ["one of several audiences", { ...CLAIMS, aud: ["a", "billing"] }],
  ["its time passed within the skew", { ...CLAIMS, exp: NOW - 59 }],
  ["a start within the skew", { ...CLAIMS, nbf: NOW + 60 }],
  ["an issue time within the skew", { ...CLAIMS, iat: NOW + 60 }],
  ["times with fractions", { ...CLAIMS, exp: NOW + 0.5, nbf: NOW - 0.5 }],
  ["no subject", { ...CLAIMS, sub: undefined }],
  ["a type", CLAIMS, { typ: "at+jwt" }],
  ["keys of its own, which nobody looks at", CLAIMS, { jku: "https://evil.example", jwk: SECRET_JWK, x5u: "x" }],
  ["blanks in its JSON", ` ${JSON.stringify(CLAIMS, null, 2)}\n`],
];

for (const [what, claims, header] of accepted) {
  test(`takes a token with ${what}`, async () => {
    assert.equal(refusal(await worker(), await sign("ES256", claims, header)), "");
  });
}

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const payload = encoded(CLAIMS);

test("refuses the algorithm none in every case", async () => {
  for (const alg of ["none", "None", "NONE", "nOnE", "", "HS512", "RS384", "PS256", "EdDSA", "rs256", "HS256 "]) {
    const filter = await worker();
    assert.equal(refusal(filter, `${encoded({ alg })}.${payload}.`), "token_algorithm", alg);
    assert.equal(refusal(filter, `${encoded({ alg })}.${payload}.AAAA`), "token_algorithm", alg);
  }
});

test("refuses a header without a text as algorithm, or with an extension", async () => {
  const extensions = [{ crit: ["exp"], exp: 1 }, { crit: [] }, { crit: null }, { b64: false }, { b64: true }];
  const headers = [{}, { alg: null }, { alg: ["HS256"] }, { alg: 1 }, [], "HS256", null];
  for (const header of [...headers, ...extensions.map((extension) => ({ alg: "HS256", ...extension }))]) {
    assert.equal(refusal(await worker(), `${encoded(header)}.${payload}.AAAA`), "token_malformed");
  }
});

test("a public key is no secret: HS256 with an RSA or EC key, in any form", async () => {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = publicKey.export({ format: "jwk" }) as { n: string; e: string };
  const filter = await worker({ localJwks: { keys: [{ kty: "RSA", n: jwk.n, e: jwk.e }, EC_JWK] } });
  const secrets = [
    publicKey.export({ format: "pem", type: "spki" }),
    publicKey.export({ format: "der", type: "spki" }),
    publicKey.export({ format: "pem", type: "pkcs1" }),
    Buffer.from(jwk.n, "base64url"),
    Buffer.from(jwk.n),
  ];
  for (const secret of secrets) {
    const token = await sign("HS256", CLAIMS, {}, createSecretKey(Buffer.from(secret)));
    assert.equal(refusal(filter, token), "token_algorithm");
  }
  const allowed = await worker({ localJwks: { keys: [RSA_JWK] }, algorithms: ["RS256", "HS256"] });
  assert.equal(refusal(allowed, await sign("HS256", CLAIMS)), "token_unknown_key");
});

test("a key that pins an algorithm, or a list that leaves one out, refuses the others", async () => {
  const filter = await worker({ algorithms: ["ES256"] });
  assert.equal(refusal(filter, await sign("ES256", CLAIMS)), "");
  assert.equal(refusal(filter, await sign("RS256", CLAIMS)), "token_algorithm");
  assert.equal(refusal(filter, await sign("HS256", CLAIMS)), "token_algorithm");
});

test("selects the key by its id", async () => {
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const otherJwk = { ...other.publicKey.export({ format: "jwk" }), kid: "b" };
  const filter = await worker({ localJwks: { keys: [{ ...EC_JWK, kid: "a" }, otherJwk, { ...RSA_JWK }] } });
  const cases: readonly (readonly [string, Algorithm, object, typeof other.privateKey | undefined])[] = [
    ["", "ES256", { kid: "a" }, undefined],
    ["", "ES256", { kid: "b" }, other.privateKey],
    ["", "ES256", {}, undefined],
    ["", "ES256", {}, other.privateKey],
    ["", "RS256", {}, undefined],
    ["token_signature", "ES256", { kid: "b" }, undefined],
    ["token_unknown_key", "ES256", { kid: "c" }, undefined],
    ["token_unknown_key", "ES256", { kid: "" }, undefined],
    ["token_unknown_key", "RS256", { kid: "a" }, undefined],
  ];
  for (const [reason, algorithm, header, key] of cases) {
    assert.equal(refusal(filter, await sign(algorithm, CLAIMS, header, key)), reason, JSON.stringify(header));
  }
});

test("refuses tokens of another form", async () => {
  const good = await sign("HS256", CLAIMS);
  const [header = "", , signature = ""] = good.split(".");
  const filter = await worker();
  const wrong = [
    "",
    ".",
    "..",
    "...",
    "a.b",
    `${good}.`,
    `.${good}`,
    `${good}.${signature}`,
    `${good}=`,
    `${header}.${payload}.${signature}==`,
    `${header}=.${payload}.${signature}`,
    `${header}.${payload} .${signature}`,
    `${header}\t.${payload}.${signature}`,
    `${good} `.concat("x"),
    good.replace(/.$/, (last) => (last === "A" ? "B" : String.fromCharCode(last.charCodeAt(0) + 1))),
    `"${good}"`,
    `{"payload":"${payload}","protected":"${header}","signature":"${signature}"}`,
    `${header}..${signature}`,
    `${header}.${Buffer.from([0xff, 0xfe]).toString("base64url")}.${signature}`,
    "a".repeat(8193),
    `${header}.${"A".repeat(9000)}.${signature}`,
    `${encoded({ alg: "HS256", a: nested(100) })}.${payload}.${signature}`,
  ];
  for (const token of wrong) {
    const reason = refusal(filter, token);
    assert.ok(["token_malformed", "token_signature"].includes(reason), `${JSON.stringify(token)}: "${reason}"`);
  }
  assert.equal(refusal(filter, good), "");
  assert.equal(filter.trap, undefined);
});

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)];
}

test("an ECDSA signature must have 64 bytes and no zero, whatever the host would take", async () => {
  const filter = await worker();
  const [header = "", claims = "", signature = ""] = (await sign("ES256", CLAIMS)).split(".");
  const raw = Buffer.from(signature, "base64url");
  const zero = Buffer.alloc(32);
  const wrong = [
    Buffer.alloc(64),
    Buffer.concat([zero, raw.subarray(32)]),
    Buffer.concat([raw.subarray(0, 32), zero]),
    Buffer.concat([zero, raw]),
    raw.subarray(0, 63),
    Buffer.concat([raw, Buffer.from([0])]),
    Buffer.alloc(64, 0xff),
  ];
  for (const bytes of wrong) {
    assert.equal(refusal(filter, `${header}.${claims}.${bytes.toString("base64url")}`), "token_signature");
  }
});

test("time passes: a token of the cache expires as well", async () => {
  const filter = await worker({ clockSkew: "5s" });
  const token = await sign("RS256", { ...CLAIMS, nbf: NOW, exp: NOW + 10 });
  assert.equal(refusal(filter, token), "");
  authz.envoy.clock.advance(14_000);
  assert.equal(refusal(filter, token), "");
  authz.envoy.clock.advance(1000);
  assert.equal(refusal(filter, token), "token_expired");
  authz.envoy.clock.step(-21_000);
  assert.equal(refusal(filter, token), "token_not_yet_valid");
});

test("subjects: exactly, by prefix, and never none", async () => {
  const filter = await worker({ subjects: [{ exact: "alice" }, { prefix: "svc-" }] });
  const cases = {
    alice: "",
    "svc-a": "",
    "svc-": "",
    Alice: "token_subject",
    alice2: "token_subject",
    "": "token_subject",
  };
  for (const [sub, reason] of Object.entries(cases)) {
    assert.equal(refusal(filter, await sign("HS256", { ...CLAIMS, sub })), reason, sub);
  }
  assert.equal(refusal(filter, await sign("HS256", { ...CLAIMS, sub: undefined })), "token_subject");
  const empty = await worker({ subjects: [{ regex: ".*" }] });
  assert.equal(
    refusal(empty, await sign("HS256", { ...CLAIMS, sub: undefined })),
    "token_subject",
    "no subject is none",
  );
});

test("types: RFC 9068, with and without application/, in any case (RFC 7515, section 4.1.9)", async () => {
  const filter = await worker({ types: ["at+jwt"] });
  for (const typ of ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"]) {
    assert.equal(refusal(filter, await sign("HS256", CLAIMS, { typ })), "", typ);
  }
  for (const typ of ["JWT", "", "at+jwt ", "text/at+jwt", "application/application/at+jwt", "id+jwt", undefined]) {
    assert.equal(refusal(filter, await sign("HS256", CLAIMS, { typ })), "token_type", typ);
  }
});

test("a longest lifetime, which needs both iat and exp", async () => {
  const filter = await worker({ maxLifetime: "10m", requireExpiration: false });
  const cases: readonly (readonly [string, object])[] = [
    ["", { iat: NOW, exp: NOW + 600 }],
    ["", { iat: NOW - 0.5, exp: NOW + 599.5 }],
    ["token_lifetime", { iat: NOW, exp: NOW + 600.5 }],
    ["token_lifetime", { iat: 0, exp: NOW + 600 }],
    ["token_claim", { iat: undefined, exp: NOW + 600 }],
    ["token_claim", { iat: NOW, exp: undefined }],
    ["token_not_yet_valid", { iat: NOW + 100, exp: NOW + 600 }],
  ];
  for (const [reason, claims] of cases) {
    assert.equal(refusal(filter, await sign("HS256", { ...CLAIMS, ...claims })), reason, JSON.stringify(claims));
  }
});

test("a token without expiration is good only where it may be", async () => {
  const token = await sign("RS256", { iss: ISSUER, aud: "orders" });
  assert.equal(refusal(await worker(), token), "token_claim");
  const filter = await worker({ requireExpiration: false });
  assert.equal(refusal(filter, token), "");
  authz.envoy.clock.advance(1e12);
  assert.equal(refusal(filter, token), "");
});

test("the cache takes no other token for one it has", async () => {
  const filter = await worker({}, { tokenCacheSize: 4 });
  const token = await sign("HS256", CLAIMS);
  assert.equal(refusal(filter, token), "");
  for (let i = 0; i < token.length; i += 7) {
    const changed = token.slice(0, i) + (token[i] === "A" ? "B" : "A") + token.slice(i + 1);
    assert.notEqual(refusal(filter, changed), "", `changed at ${i}`);
  }
  assert.equal(refusal(filter, token), "");
});

test("a token has at most 8192 bytes", async () => {
  const filter = await worker();
  const padded = (size: number): Promise<string> => sign("HS256", { ...CLAIMS, pad: "x".repeat(size) });
  const overhead = (await padded(0)).length;
  let size = Math.floor(((8192 - overhead) * 3) / 4);
  while ((await padded(size)).length > 8192) size -= 1;
  const longest = await padded(size);
  assert.ok(longest.length > 8188);
  assert.equal(refusal(filter, longest), "");
  assert.equal(refusal(filter, await padded(size + 4)), "token_malformed");
});

test("a cache of any size, or none, changes no answer", async () => {
  for (const tokenCacheSize of [0, 1, 3, 64]) {
    const filter = await worker({}, { tokenCacheSize });
    const tokens = await Promise.all(
      Array.from({ length: 40 }, (_, i) => sign("HS256", { ...CLAIMS, sub: `user-${i}`, exp: NOW + 600 + (i % 7) })),
    );
    for (const token of [...tokens, ...tokens]) assert.equal(refusal(filter, token), "");
    assert.equal(authz.envoy.metric("authz.allowed"), 80);
  }
});

test("a host without verify_signature is told when the filter is configured, unless HS256 is all it is for", async () => {
  const foreign = { verify_signature: () => ({ status: Status.NotFound }) };
  for (const [key, ok] of [
    [RSA_JWK, false],
    [EC_JWK, false],
    [SECRET_JWK, true],
  ] as const) {
    const host = await ProxyWasmHost.load(await authz.module, { foreign });
    const configuration = JSON.stringify({ jwtProviders: [{ ...provider, localJwks: { keys: [key] } }], rules });
    assert.equal(host.startPlugin({ configuration }).ok, ok);
    host.close();
  }
});

test("a host that fails to verify refuses with 503", async () => {
  let broken = false;
  const foreign = { verify_signature: () => ({ status: broken ? Status.InternalFailure : Status.BadArgument }) };
  const host = await ProxyWasmHost.load(await authz.module, { foreign });
  const plugin = host.startPlugin({ configuration: JSON.stringify({ jwtProviders: [provider], rules }) });
  assert.ok(plugin.ok, plugin.reason);
  broken = true;
  const stream = plugin.newHttpStream();
  const token = await sign("RS256", CLAIMS);
  stream.requestHeaders({ ":method": "GET", ":path": "/", authorization: `Bearer ${token}` }, { endOfStream: true });
  assert.equal(stream.localResponse?.status, 503);
  assert.equal(stream.localResponse.details, "authz.denied.unavailable");
  host.close();
});
