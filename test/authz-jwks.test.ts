// Keys that authz fetches, in a real Envoy with two workers: an identity provider that is late, rotates its keys, fails and goes away.
import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { filterModule } from "../filters/testing/filter.ts";
import { sign, type Algorithm } from "../filters/testing/keys.ts";
import { root } from "../setup/paths.mjs";
import { FilterEnvoy, wasmFilter, type Answered } from "./support/filter-chains.ts";
import { JwksServer } from "./support/jwks-server.ts";

interface TestKey {
  readonly algorithm: Algorithm;
  readonly jwk: object;
  readonly key: KeyObject;
  readonly kid: string;
}

function ecKey(kid: string): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { algorithm: "ES256", jwk: { ...publicKey.export({ format: "jwk" }), kid }, key: privateKey, kid };
}

function rsaKey(kid: string, algorithm: Algorithm): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { algorithm, jwk: { ...publicKey.export({ format: "jwk" }), kid, alg: algorithm }, key: privateKey, kid };
}

const ISSUER = "https://id.example";
const claims = { iss: ISSUER, sub: "alice", exp: Math.floor(Date.now() / 1000) + 3600 };
const tokenOf = ({ algorithm, key, kid }: TestKey, more: object = {}): Promise<string> =>
  sign(algorithm, { ...claims, ...more }, { kid }, key);
const setOf = (...keys: TestKey[]): string => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });
const first = [ecKey("a"), rsaKey("b", "RS256"), rsaKey("c", "PS256")];
const second = [ecKey("d")];

const provider = {
  name: "corp",
  issuer: ISSUER,
  remoteJwks: {
    cluster: "idp",
    authority: "id.example",
    path: "/jwks?v=1",
    timeout: "1s",
    refresh: "4s",
    minRefresh: "1s",
    staleIfError: "3s",
  },
};
const rules = [
  { name: "bob", action: "deny", claims: [{ claim: "sub", equals: "bob" }] },
  { name: "public", action: "allow", paths: [{ prefix: "/public" }], principals: [{ any: true }] },
  { name: "members", action: "allow" },
];

let idp: JwksServer;
let envoy: FilterEnvoy;
before(async () => {
  await filterModule("authz");
  idp = await JwksServer.reserve();
  const filter = wasmFilter("authz", join(root, "build", "authz.wasm"), { jwtProviders: [provider], rules });
  envoy = await FilterEnvoy.start({ all: [filter] }, [], { concurrency: 2, clusters: { idp: idp.port } });
});
after(async () => {
  await envoy.stop();
  await idp.stop();
});

const get = (token: string, path = "/"): Promise<Answered> =>
  envoy.get("all", path, [`authorization: Bearer ${token}`]);
const statuses = async (...tokens: Promise<string>[]): Promise<number[]> =>
  Promise.all((await Promise.all(tokens)).map(async (token) => (await get(token)).status));
const metric = (name: string): Promise<number> => envoy.envoy.stat(`wasmcustom.authz.jwks.corp.${name}`);

/** Sends on new connections until a status comes, as both workers must come to it. */
async function eventually(token: string, status: number, timeoutMs: number): Promise<void> {
  const end = Date.now() + timeoutMs;
  for (let inARow = 0; inARow < 10;) {
    const found = (await get(token)).status;
    inARow = found === status ? inARow + 1 : 0;
    assert.ok(inARow > 0 || Date.now() < end, `still ${found}, not ${status}`);
  }
}

void test("while the provider is not there, requests wait their time and are refused, and no other request waits", async () => {
  const token = await tokenOf(first[0] ?? assert.fail());
  const started = Date.now();
  const held = [get(token), get(token, "/public"), get(token)];
  const post = `POST / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\ncontent-length: 4\r\n\r\nbody`;
  held.push(envoy.send("all", post));
  assert.equal((await envoy.get("all", "/public")).status, 200);
  assert.equal((await envoy.get("all", "/")).status, 401);
  assert.ok(Date.now() - started < 1500, "these did not wait");
  const answers = await Promise.all(held);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [503, 503, 503, 503],
  );
  assert.ok(Date.now() - started >= 1900);
  assert.ok((await metric("failed")) >= 2);
  assert.equal(await metric("fetched"), 0);
});

void test("a provider that starts late: requests that wait for it are judged in full, after one fetch for all workers", async () => {
  idp.answer = { body: setOf(...first) };
  // The workers are in a back-off of some seconds by now.
  const tokens = [...first.map((key) => tokenOf(key)), tokenOf(first[0] ?? assert.fail(), { sub: "bob" })];
  tokens.push(tokenOf({ ...(second[0] ?? assert.fail()), kid: "a" }), tokenOf(first[1] ?? assert.fail(), { exp: 1 }));
  const expected = [200, 200, 200, 403, 401, 401];
  await idp.start();
  const end = Date.now() + 15_000;
  let found: number[] = [];
  while (found.join() !== expected.join() && Date.now() < end) {
    found = await statuses(...tokens);
    // Never is one let pass that should not be.
    found.forEach((status, i) => assert.ok(status === expected[i] || status === 503, `${i}: ${status}`));
  }
  assert.deepEqual(found, expected);
  assert.equal(idp.requests, 1);
  assert.equal(idp.asked, "id.example/jwks?v=1");
  assert.deepEqual([await metric("fetched"), await metric("keys")], [1, 3]);
  assert.ok(Math.abs((await metric("updated")) - Date.now() / 1000) < 15);
});

void test("keys rotate without a refused request, and old ones count no more", async () => {
  await sleep(1100);
  idp.answer = { body: setOf(...second) };
  const before = idp.requests;
  const token = await tokenOf(second[0] ?? assert.fail());
  assert.deepEqual(
    await Promise.all(Array.from({ length: 20 }, async () => (await get(token)).status)),
    Array(20).fill(200),
  );
  assert.equal(idp.requests - before, 1);
  // Also where the token is in a worker's cache.
  await eventually(await tokenOf(first[1] ?? assert.fail()), 401, 3000);
  assert.equal(await metric("keys"), 1);
});

void test("a flood of made-up key ids makes no flood of fetches", async () => {
  const key = ecKey("x");
  const started = Date.now();
  const before = idp.requests;
  for (let i = 0; i < 300; ++i) {
    assert.equal((await get(await tokenOf({ ...key, kid: `x${i}` }))).status, 401);
  }
  const most = (Date.now() - started) / 1000 + 1;
  assert.ok(idp.requests - before <= most, `${idp.requests - before} fetches in ${most - 1} s`);
});

void test("garbage changes nothing while the last good keys last", async () => {
  const token = await tokenOf(second[0] ?? assert.fail());
  const failed = await metric("failed");
  idp.answer = { body: "<html>maintenance</html>" };
  const before = idp.requests;
  await envoy.envoy.until(() => Promise.resolve(idp.requests > before), 6000);
  for (const answer of [
    { status: 500, body: setOf(ecKey("e")) },
    { body: '{"keys":[]}' },
    { body: "[".repeat(100_000) },
  ]) {
    idp.answer = answer;
    assert.equal((await get(token)).status, 200);
    await sleep(300);
  }
  assert.ok((await metric("failed")) > failed);
  const fetched = await metric("fetched");
  idp.answer = { body: setOf(...second) };
  await envoy.envoy.until(async () => (await metric("fetched")) > fetched, 10_000);
  await eventually(token, 200, 1000);
});

void test("a provider that goes away: its keys are used until they are too old, and again when it is back", async () => {
  const token = await tokenOf(second[0] ?? assert.fail());
  await idp.stop();
  const stopped = Date.now();
  let last = 0;
  for (let status = 200; status === 200; status = (await get(token)).status) {
    last = Date.now();
    assert.ok(last - stopped < 9000, "too old by now");
    await sleep(50);
  }
  // The last fetch was 3.6 s ago at the most, and they last 7 s.
  assert.ok(last - stopped > 3000, `only ${last - stopped} ms`);
  assert.equal((await get(token)).status, 503);
  await idp.start();
  await eventually(token, 200, 15_000);
});
