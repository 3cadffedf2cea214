// Keys that are fetched: when, by which worker, and what becomes of requests in the meantime.

import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { Authz, CLAIMS, ISSUER, bearer, members } from "../../../testing/authz.ts";
import { statusOf, type Worker } from "../../../testing/filter.ts";
import { EC_JWK, RSA_JWK, SECRET_JWK, SHORT_RSA_JWK, sign } from "../../../testing/keys.ts";

const authz = new Authz();
const MINUTE = 60_000;

interface TestKey {
  readonly jwk: object;
  readonly key: KeyObject;
  readonly kid: string;
}

function testKey(kid: string): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { jwk: { ...publicKey.export({ format: "jwk" }), kid }, key: privateKey, kid };
}

const first = testKey("1");
const second = testKey("2");
const tokenOf = ({ key, kid }: TestKey, sub = "alice"): Promise<string> =>
  sign("ES256", { ...CLAIMS, sub, exp: CLAIMS.exp + 86_400 }, { kid }, key);
const FIRST = await tokenOf(first);
const SECOND = await tokenOf(second);
const setOf = (...keys: TestKey[]): string => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });

const settings = { cluster: "idp", path: "/jwks" };
const configuration = (remoteJwks: object = {}, provider: object = {}): object => ({
  jwtProviders: [{ name: "corp", issuer: ISSUER, remoteJwks: { ...settings, ...remoteJwks }, ...provider }],
  rules: [{ name: "bob", action: "deny", claims: [{ claim: "sub", equals: "bob" }] }, members],
});

/** A worker that has asked for its keys. */
async function started(remoteJwks: object = {}, provider: object = {}): Promise<Worker> {
  const filter = await authz.worker(configuration(remoteJwks, provider));
  authz.envoy.clock.advance(1);
  return filter;
}

/** A worker that has the first key. */
async function supplied(remoteJwks: object = {}, headers: Record<string, string> = {}): Promise<Worker> {
  const filter = await started(remoteJwks);
  callOf(filter).respond({ headers, body: setOf(first) });
  return filter;
}

/** The one fetch that is under way. */
function callOf(filter: Worker): Worker["httpCalls"][number] {
  const [call, ...more] = filter.httpCalls;
  assert.ok(call !== undefined, "no fetch is under way");
  assert.equal(more.length, 0);
  return call;
}

/** Lets time pass until one of the workers fetches. */
function nextCall(...workers: Worker[]): Worker["httpCalls"][number] {
  for (let waited = 0; waited <= 10 * MINUTE; waited += 100) {
    const call = workers.flatMap(({ httpCalls }) => httpCalls)[0];
    if (call !== undefined) return call;
    advance(100);
  }
  throw new Error("no fetch in ten minutes");
}

/** How a token fares: its status and, if it was refused, why. */
function fate(filter: Worker, token: string): string {
  const stream = filter.open({ headers: bearer(token) });
  const text = stream.paused && stream.localResponse === undefined ? "held" : outcomeOf(stream);
  stream.close();
  return text;
}

function outcomeOf(stream: ReturnType<Worker["open"]>): string {
  const details = stream.localResponse?.details.replace("authz.denied.", " ");
  return details === undefined ? "200" : `${statusOf(stream)}${details}`;
}

const advance = (milliseconds: number): void => authz.envoy.clock.advance(milliseconds);
const metric = (name: string): number => authz.envoy.metric(`authz.jwks.corp.${name}`);

test("keys are asked for once, from the cluster, as the configuration says", async () => {
  const filter = await authz.worker(
    configuration({ authority: "id.example:8443", path: "/keys?v=1", scheme: "http", timeout: "1500ms" }),
  );
  assert.equal(filter.httpCalls.length, 0, "not while the configuration is only tried");
  advance(1);
  const call = callOf(filter);
  assert.equal(call.cluster, "idp");
  assert.equal(call.timeoutMs, 1500);
  const header = (name: string): string | null => call.headers.get(name) ?? null;
  assert.deepEqual([":method", ":path", ":authority", ":scheme", "accept"].map(header), [
    "GET",
    "/keys?v=1",
    "id.example:8443",
    "http",
    "application/jwk-set+json, application/json",
  ]);
  advance(1000);
  assert.equal(callOf(filter), call, "no other one meanwhile");
});

test("until the first keys are there requests wait, and are judged in full then", async () => {
  const filter = await started();
  const tokens: [string, string][] = [
    [FIRST, "200"],
    [await tokenOf(first, "bob"), "403 rule[bob]"],
    [await sign("ES256", { ...CLAIMS, exp: 1 }, { kid: "1" }, first.key), "401 token_expired"],
    [SECOND, "401 token_unknown_key"],
    [await sign("ES256", CLAIMS, { kid: "1" }, second.key), "401 token_signature"],
    [await sign("RS256", CLAIMS, { kid: "1" }), "401 token_unknown_key"],
  ];
  const streams = tokens.map(([token]) => filter.open({ headers: bearer(token) }));
  for (const stream of streams) {
    assert.ok(stream.paused);
    assert.equal(stream.localResponse, undefined);
    assert.equal(stream.request.headers, undefined, "nothing of it reaches the upstream");
  }
  // What does not depend on keys is not held.
  assert.equal(fate(filter, await sign("HS256", CLAIMS)), "401 token_algorithm");
  assert.equal(fate(filter, await sign("ES256", { ...CLAIMS, iss: "x" })), "401 token_unknown_issuer");
  assert.equal(statusOf(filter.open()), 401, "without a token");

  callOf(filter).respond({ body: setOf(first) });
  assert.ok(
    streams.every((stream) => stream.paused),
    "the answer is another context's callback",
  );
  advance(1);
  assert.deepEqual(
    streams.map(outcomeOf),
    tokens.map(([, outcome]) => outcome),
  );
  assert.equal(streams[0]?.request.headers?.has("authorization"), false, "and the upstream gets no token");
  assert.equal(fate(filter, FIRST), "200");
  assert.equal(filter.trap, undefined);
});

test("after two seconds a request that waits is refused with 503, and not before", async () => {
  const filter = await started();
  const stream = filter.open({ headers: bearer(FIRST) });
  advance(1000);
  callOf(filter).respond({ headers: { ":status": "500" } });
  advance(999);
  assert.ok(stream.paused);
  assert.equal(stream.localResponse, undefined);
  advance(1);
  assert.equal(outcomeOf(stream), "503 keys_unavailable");
  assert.equal(stream.request.headers, undefined);
  assert.equal(authz.envoy.metric("authz.denied.keys_unavailable"), 1);
});

test("a request that has waited for keys may then wait for an authorizer, and passes only when that says so", async () => {
  const filter = await authz.worker({
    ...configuration(),
    externalAuthorizers: [{ name: "opa", http: { cluster: "opa" } }],
    rules: [{ name: "ask", action: "external", authorizer: "opa" }],
  });
  advance(1);
  const streams = [1, 2].map(() => filter.open({ headers: bearer(FIRST) }));
  callOf(filter).respond({ body: setOf(first) });
  advance(1);
  const questions = filter.httpCalls.filter(({ cluster }) => cluster === "opa");
  assert.equal(questions.length, 2);
  assert.ok(streams.every((stream) => stream.paused && stream.localResponse === undefined));
  questions[0]?.respond({ headers: { ":status": "403" } });
  questions[1]?.respond({ headers: { ":status": "200" } });
  assert.deepEqual(streams.map(outcomeOf).sort(), ["200", "403 external[ask]"]);
  assert.ok(streams.every((stream) => !stream.paused));
});

test("a token that may be ignored when it is bad is not ignored while it cannot be judged", async () => {
  const filter = await authz.worker({
    ...configuration({}, { onFailure: "ignore" }),
    rules: [{ name: "all", action: "allow", principals: [{ any: true }] }],
  });
  advance(1);
  const [good, bad] = [filter.open({ headers: bearer(FIRST) }), filter.open({ headers: bearer(SECOND) })];
  assert.ok(good.paused && bad.paused);
  advance(1500);
  for (const call of filter.httpCalls) call.fail();
  advance(500);
  assert.deepEqual([good, bad].map(outcomeOf), ["503 keys_unavailable", "503 keys_unavailable"]);
  nextCall(filter).respond({ body: setOf(first) });
  assert.deepEqual([fate(filter, FIRST), fate(filter, SECOND)], ["200", "200"]);
});

test("no more than 1024 requests wait; those that go away leave room for others", async () => {
  const filter = await started();
  const streams = Array.from({ length: 1024 }, () => filter.open({ headers: bearer(FIRST) }));
  assert.equal(fate(filter, FIRST), "503 keys_unavailable");
  for (const stream of streams.splice(0, 24)) stream.close();
  for (let i = 0; i < 24; ++i) streams.push(filter.open({ headers: bearer(FIRST) }));
  assert.equal(fate(filter, FIRST), "503 keys_unavailable");
  callOf(filter).respond({ body: setOf(first) });
  advance(1);
  assert.ok(streams.every((stream) => outcomeOf(stream) === "200" && !stream.paused));
  assert.equal(filter.trap, undefined);
});

const lifetimes: readonly (readonly [cacheControl: Record<string, string>, seconds: number])[] = [
  [{}, 600],
  [{ "cache-control": "max-age=120" }, 120],
  [{ "cache-control": "public, MAX-AGE=120, must-revalidate" }, 120],
  [{ "cache-control": "max-age=120", age: "40" }, 80],
  [{ "cache-control": "max-age=1" }, 30],
  [{ "cache-control": "max-age=120", age: "500" }, 30],
  [{ "cache-control": "no-store" }, 30],
  [{ "cache-control": "max-age=99999999999999999999" }, 600],
  [{ "cache-control": "max-age=x, max-age=" }, 600],
];

for (const [headers, seconds] of lifetimes) {
  test(`keys with ${JSON.stringify(headers)} are fetched again ahead of ${seconds} s`, async () => {
    const filter = await supplied({}, headers);
    advance(seconds * 800 - 2);
    assert.equal(filter.httpCalls.length, 0, "at 80 % of it at the earliest");
    const before = authz.envoy.clock.realtime;
    nextCall(filter).respond({ body: setOf(second) });
    assert.ok(
      authz.envoy.clock.realtime - before <= BigInt(seconds * 100 + 1102) * 1_000_000n,
      "at 90 % at the latest",
    );
    assert.deepEqual([fate(filter, FIRST), fate(filter, SECOND)], ["401 token_unknown_key", "200"]);
    assert.equal(metric("fetched"), 2);
  });
}

test("what a key verified counts no more when the issuer has taken the key back", async () => {
  const filter = await started();
  callOf(filter).respond({ body: setOf(first, second) });
  assert.deepEqual([fate(filter, FIRST), fate(filter, SECOND)], ["200", "200"]);
  nextCall(filter).respond({ body: setOf(second) });
  // Both tokens are in the cache.
  assert.deepEqual([fate(filter, FIRST), fate(filter, SECOND)], ["401 token_unknown_key", "200"]);
  const lines = filter.log.filter(({ level }) => level === "info").map(({ message }) => message);
  assert.deepEqual(lines, ['provider "corp": 2 keys, 2 new, 0 gone', 'provider "corp": 1 keys, 0 new, 1 gone']);
});

/** Answers that give no keys, and what the log says of them. */
const failures: readonly (readonly [string, (call: Worker["httpCalls"][number]) => void])[] = [
  ["status 500", (call) => call.respond({ headers: { ":status": "500" }, body: setOf(second) })],
  ["status 304", (call) => call.respond({ headers: { ":status": "304" } })],
  ["status 204", (call) => call.respond({ headers: { ":status": "204" } })],
  ["no JSON: ", (call) => call.respond({ body: "<html>" })],
  ["no JSON: ", (call) => call.respond({ body: "" })],
  ["no JSON: ", (call) => call.respond({ body: setOf(second).slice(0, -1) })],
  ["no JSON: ", (call) => call.respond({ body: Buffer.from([0xff, 0xfe, 0]) })],
  ["no JWK set", (call) => call.respond({ body: "[]" })],
  ["no JWK set", (call) => call.respond({ body: '{"keys":{}}' })],
  ["no key for signatures with RS256, ", (call) => call.respond({ body: '{"keys":[]}' })],
  ["no key for signatures with RS256, ", (call) => call.respond({ body: JSON.stringify({ keys: [SECRET_JWK] }) })],
  ["no key for signatures with RS256, ", (call) => call.respond({ body: '{"keys":[1,null,[],{"kty":2}]}' })],
  ["65 keys, more than 64", (call) => call.respond({ body: setOf(...Array.from({ length: 65 }, () => second)) })],
  ["131073 bytes, more than 131072", (call) => call.respond({ body: setOf(second).padEnd(131_073) })],
  ["the answer broke off", (call) => call.fail()],
  ["status 504", () => advance(5000)],
];

for (const [why, answer] of failures) {
  test(`the last good keys stay in use, and it is tried again: ${why}`, async () => {
    const filter = await supplied();
    answer(nextCall(filter));
    assert.deepEqual([metric("fetched"), metric("failed"), metric("keys")], [1, 1, 1]);
    const line = filter.log.findLast(({ level }) => level === "warn")?.message ?? "";
    assert.ok(
      line.startsWith(`provider "corp": keys from cluster "idp" could not be fetched: ${why}`),
      `found "${line}"`,
    );
    assert.ok(line.includes("; the last ones stay in use; next attempt in "));
    assert.equal(fate(filter, FIRST), "200");
    // The first back-off is 125 to 250 ms, seen within the worker's next look.
    advance(1300);
    callOf(filter).respond({ body: setOf(second) });
    assert.equal(fate(filter, SECOND), "200");
    assert.equal(filter.trap, undefined);
  });
}

test("the largest set is read", async () => {
  const filter = await started();
  const others = Array.from({ length: 63 }, (_, i) => ({ ...first, jwk: { ...first.jwk, kid: `x${i}` } }));
  callOf(filter).respond({ body: setOf(...others, first).padEnd(131_072) });
  assert.equal(metric("keys"), 64);
  assert.equal(fate(filter, FIRST), "200");
});

test("a bad key of a fetched set is skipped with a line in the log that tells nothing secret", async () => {
  const filter = await started();
  const secret = { ...first.key.export({ format: "jwk" }), kid: "private" };
  const bad = [SHORT_RSA_JWK, { ...EC_JWK, x: "AA" }, { ...RSA_JWK, kid: 1 }, secret, { ...RSA_JWK, e: "!" }, 7];
  callOf(filter).respond({ body: JSON.stringify({ keys: [...bad, first.jwk] }) });
  assert.equal(fate(filter, FIRST), "200");
  assert.equal(metric("keys"), 1);
  const lines = filter.log.filter(({ level }) => level === "warn").map(({ message }) => message);
  const expected = [
    "n: expected an odd modulus of 2048 to 8192 bits, found one of 1024 bits",
    "x, y: expected 32 bytes each, found 1 and 32",
    "kid: expected a string, found number 1",
    "d: expected a public key, found a private one",
    "e: expected base64url without padding, found something else",
    "kty: expected a key type, found nothing",
  ];
  assert.deepEqual(
    lines,
    expected.map((text, i) => `provider "corp": keys[${i}] is skipped: ${text}`),
  );
});

test("a secret is taken from a fetched set only where an HS algorithm is named", async () => {
  const body = JSON.stringify({ keys: [SECRET_JWK, first.jwk] });
  const token = await sign("HS256", CLAIMS);
  const open = await started();
  callOf(open).respond({ body });
  assert.equal(fate(open, token), "401 token_algorithm");
  const named = await started({}, { algorithms: ["HS256"] });
  callOf(named).respond({ body });
  assert.equal(fate(named, token), "200");
  assert.equal(fate(named, FIRST), "401 token_algorithm");
});

test("attempts become rarer, up to one in half a minute to a minute", async () => {
  const filter = await started();
  const waits: number[] = [];
  for (let attempt = 0; attempt < 12; ++attempt) {
    callOf(filter).fail();
    let waited = 0;
    for (; filter.httpCalls.length === 0; waited += 10) {
      assert.ok(waited < 61_000, `no attempt ${attempt} in time`);
      advance(10);
    }
    waits.push(waited);
  }
  for (const [i, wait] of waits.entries()) {
    const most = Math.min(250 * 2 ** i, MINUTE);
    // 50 ms until the worker looks, and 10 of this test.
    assert.ok(wait >= most / 2 && wait <= most + 60, `attempt ${i} after ${wait} ms`);
  }
  assert.equal(metric("failed"), 12);
});

test("two Envoys do not try in step", async () => {
  const waits = new Set<number>();
  for (let i = 0; i < 4; ++i) {
    const filter = await started();
    // The host's random numbers are the same for each, so let another number of them pass.
    for (let attempt = 0; attempt < 4 + i; ++attempt) {
      nextCall(filter).fail();
    }
    const before = authz.envoy.clock.realtime;
    nextCall(filter);
    waits.add(Number((authz.envoy.clock.realtime - before) / 1_000_000n) / 2 ** i);
  }
  assert.ok(waits.size > 1, [...waits].join());
});

test("keys that are too old are let go of, with what they verified", async () => {
  const filter = await supplied({ refresh: "60s", staleIfError: "2m" });
  assert.equal(fate(filter, FIRST), "200");
  for (let at = 0; at < 179; ++at) {
    advance(1000);
    for (const call of filter.httpCalls) call.fail();
  }
  assert.equal(fate(filter, FIRST), "200");
  advance(2000);
  assert.equal(fate(filter, FIRST), "held");
  assert.equal(metric("keys"), 0);
  assert.ok(filter.log.some(({ level, message }) => level === "error" && message.includes("too old to be used")));
  nextCall(filter).respond({ body: setOf(first) });
  assert.equal(fate(filter, FIRST), "200");
});

test("a wall clock that is set makes no key older or younger", async () => {
  const filter = await supplied({ refresh: "60s", staleIfError: "0s" });
  authz.envoy.clock.step(-86_400_000);
  advance(47_000);
  assert.equal(filter.httpCalls.length, 0);
  authz.envoy.clock.step(86_400_000 * 2);
  assert.equal(filter.httpCalls.length, 0);
  authz.envoy.clock.step(-86_400_000);
  const before = authz.envoy.clock.realtime;
  nextCall(filter);
  assert.ok(authz.envoy.clock.realtime - before <= 8_100_000_000n);
});

test("a token with an unknown key waits for a fetch, of which there is one in a while", async () => {
  const filter = await supplied({ minRefresh: "20s" });
  assert.equal(fate(filter, SECOND), "401 token_unknown_key", "the keys are new");
  advance(20_000);
  const streams = Array.from({ length: 100 }, () => filter.open({ headers: bearer(SECOND) }));
  const stranger = filter.open({ headers: bearer(await sign("ES256", CLAIMS, { kid: "3" }, second.key)) });
  assert.ok(streams.every((stream) => stream.paused));
  assert.equal(fate(filter, FIRST), "200", "others do not wait");
  assert.equal(filter.httpCalls.length, 0, "the stream does not fetch");
  advance(1);
  callOf(filter).respond({ body: setOf(first, second) });
  advance(50);
  assert.ok(streams.every((stream) => outcomeOf(stream) === "200" && !stream.paused));
  assert.equal(outcomeOf(stranger), "401 token_unknown_key");
  // A flood of made-up ids asks for no more.
  for (let i = 0; i < 200; ++i) {
    const token = await sign("ES256", CLAIMS, { kid: `x${i}` }, second.key);
    assert.equal(fate(filter, token), "401 token_unknown_key");
    advance(95);
  }
  assert.equal(metric("fetched"), 2);
  assert.equal(filter.httpCalls.length, 0);
});

test("where the fetch for an unknown key fails, its requests are refused, and the others go on", async () => {
  const filter = await supplied();
  advance(30_000);
  const stream = filter.open({ headers: bearer(SECOND) });
  advance(1);
  callOf(filter).fail();
  advance(50);
  assert.equal(outcomeOf(stream), "401 token_unknown_key");
  assert.equal(fate(filter, FIRST), "200");
  advance(2000);
  callOf(filter).fail();
  assert.equal(fate(filter, SECOND), "401 token_unknown_key");
});

test("a token that is not signed by a key of its id asks for nothing", async () => {
  const filter = await supplied();
  advance(60_000);
  assert.equal(fate(filter, await sign("ES256", CLAIMS, { kid: "1" }, second.key)), "401 token_signature");
  assert.equal(fate(filter, await sign("ES256", CLAIMS, {}, second.key)), "401 token_signature");
  advance(2000);
  assert.equal(filter.httpCalls.length, 0);
});

test("one worker fetches for all", async () => {
  const one = await authz.worker(configuration());
  const two = await authz.envoy.worker(configuration());
  const three = await authz.envoy.worker(configuration());
  advance(1);
  const workers = [one, two, three];
  assert.equal(workers.flatMap(({ httpCalls }) => httpCalls).length, 1);
  const fetcher = workers.find(({ httpCalls }) => httpCalls.length > 0);
  assert.ok(fetcher);
  const held = workers.map((worker) => worker.open({ headers: bearer(FIRST) }));
  callOf(fetcher).respond({ body: setOf(first) });
  advance(100);
  assert.deepEqual(held.map(outcomeOf), ["200", "200", "200"]);
  assert.equal(metric("fetched"), 1);

  // Nor does a failure make each of them try.
  nextCall(...workers);
  let failed = 0;
  for (let at = 0; at < 10_000; at += 10) {
    const calls = workers.flatMap(({ httpCalls }) => httpCalls);
    assert.ok(calls.length <= 1, "one at a time");
    for (const call of calls) {
      call.fail();
      ++failed;
    }
    advance(10);
  }
  assert.ok(failed >= 5 && failed <= 10, `${failed} attempts`);

  // A worker that sees an unknown key uses what another has fetched in the meantime, without delay.
  nextCall(...workers).respond({ body: setOf(first, second) });
  for (const worker of workers) assert.equal(fate(worker, SECOND), "200");
});

test("a worker that is gone while it fetches keeps the others from it only until its time is up", async () => {
  const one = await authz.worker(configuration({ timeout: "3s" }));
  advance(1);
  const two = await authz.envoy.worker(configuration({ timeout: "3s" }));
  assert.equal(one.httpCalls.length, 1);
  one.close();
  advance(3900);
  assert.equal(two.httpCalls.length, 0);
  advance(200);
  callOf(two).respond({ body: setOf(first) });
  assert.equal(fate(two, FIRST), "200");
});

test("a worker that comes later, with the same settings, needs no fetch; with others it does", async () => {
  await supplied();
  advance(1000);
  const later = await authz.envoy.worker(configuration());
  advance(1);
  assert.equal(later.httpCalls.length, 0);
  assert.equal(fate(later, FIRST), "200");
  for (const other of [configuration({ path: "/other" }), configuration({}, { algorithms: ["ES256"] })]) {
    const worker = await authz.envoy.worker(other);
    advance(1);
    assert.equal(worker.httpCalls.length, 1);
    assert.equal(fate(worker, FIRST), "held");
  }
});

test("what others leave in the shared data is no set of keys", async () => {
  const filter = await supplied();
  const { sharedData } = authz.envoy;
  const keys = sharedData.keys("").filter((key) => key.startsWith("authz.jwks."));
  assert.equal(keys.length, 2);
  for (const garbage of ["", "x", "x".repeat(40), "\0".repeat(40), `${"\xff".repeat(16)}{`]) {
    for (const key of keys) sharedData.set("", key, garbage);
    const later = await authz.envoy.worker(configuration());
    advance(2000);
    assert.notEqual(fate(later, SECOND), "200");
    assert.equal(later.trap, undefined);
    assert.equal(filter.trap, undefined);
    assert.equal(fate(filter, FIRST), "200");
  }
});

test("metrics: fetches, failures, keys, and when they were fetched", async () => {
  const filter = await started();
  callOf(filter).fail();
  advance(300);
  callOf(filter).respond({ body: setOf(first, second) });
  const now = Number(authz.envoy.clock.realtime / 1_000_000_000n);
  assert.deepEqual([metric("fetched"), metric("failed"), metric("keys"), metric("updated")], [1, 1, 2, now]);
  advance(60_000);
  await authz.envoy.worker(configuration());
  advance(1);
  assert.equal(metric("updated"), now, "also as a worker that came later sees it");
});

test("a worker may end while it fetches", async () => {
  const filter = await started();
  filter.close();
  assert.equal(filter.httpCalls.length, 0);
  assert.equal(filter.trap, undefined);
});
