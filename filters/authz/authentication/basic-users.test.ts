// HTTP Basic.

import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { test } from "node:test";
import { Authz, apiKeys, bearer, key, members, outcome, provider, publicPath } from "../../testing/authz.ts";
import type { Worker } from "../../testing/filter.ts";

const authz = new Authz();
const ITERATIONS = 100;
const user = (name: string, password: string, salt = Buffer.from(name.padEnd(16, "."))): object => ({
  name,
  salt: salt.toString("hex"),
  hash: pbkdf2Sync(password, salt, ITERATIONS, 32, "sha256").toString("hex"),
});
const basic = {
  iterations: ITERATIONS,
  users: [user("Aladdin", "open sesame"), user("test", "123£"), user("empty", ""), user("colon", "a:b:")],
};
const rules = [publicPath, members];
const authorization = (value: string): [string, string] => ["authorization", value];
const encoded = (text: string): [string, string] => authorization(`Basic ${Buffer.from(text).toString("base64")}`);

/** What two requests in a row get: the second finds what the first left in the cache. */
function twice(filter: Worker, ...headers: readonly [string, string][]): string {
  const outcomes = [outcome(filter, { headers }), outcome(filter, { headers })];
  assert.equal(outcomes[0], outcomes[1], JSON.stringify(headers));
  return outcomes[0] ?? "";
}

test("the examples of RFC 7617", async () => {
  const filter = await authz.worker({ basic, rules, realm: "WallyWorld", principalHeader: "x-caller" });
  const { localResponse, response } = filter.send();
  assert.equal(localResponse?.status, 401);
  assert.deepEqual(response.headers?.getAll("www-authenticate"), ['Basic realm="WallyWorld", charset="UTF-8"']);
  // Section 2, and section 2.1 with UTF-8.
  for (const [value, caller] of [
    ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "user:Aladdin"],
    ["Basic dGVzdDoxMjPCow==", "user:test"],
  ] as const) {
    for (let round = 0; round < 2; round += 1) {
      const { request } = filter.send({ headers: [authorization(value)] });
      assert.equal(request.headers?.get("x-caller"), caller);
      assert.equal(request.headers.has("authorization"), false);
    }
  }
});

test("names and passwords, good and bad", async () => {
  const filter = await authz.worker({ basic, rules });
  assert.equal(twice(filter, encoded("empty:")), "200");
  assert.equal(twice(filter, encoded("colon:a:b:")), "200");
  assert.equal(twice(filter, authorization("bAsIc   QWxhZGRpbjpvcGVuIHNlc2FtZQ==")), "200");
  const bad = ["Aladdin:open sesam", "Aladdin:open sesame ", "Aladdin:", "Aladdin", "", ":", ":open sesame"];
  bad.push("aladdin:open sesame", "Aladdin :open sesame", "Aladdin:123£", "nobody:", "nobody:x", "empty:\0");
  bad.push(`Aladdin:${"x".repeat(600)}`, `${"x".repeat(600)}:`, "Aladdin:open\nsesame", "Aladdin\u007f:open sesame");
  for (const text of bad) assert.equal(twice(filter, encoded(text)), "401 bad_password", JSON.stringify(text));
  const malformed = ["Basic", "Basic ", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== x"];
  malformed.push(
    "Basic\tQWxhZGRpbjpvcGVuIHNlc2FtZQ==",
    "Basic QWxhZGRpbjpvcGVuIHNlc2FtZR==",
    "Basic !",
    "Basic //79Og==",
  );
  malformed.push("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==, Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Bearer x, Basic eDp4");
  for (const value of malformed) assert.equal(twice(filter, authorization(value)), "401 bad_password", value);
  assert.equal(twice(filter, encoded("Aladdin:open sesame"), encoded("Aladdin:open sesame")), "401 bad_password");
  assert.equal(outcome(filter, { path: "/public", headers: [encoded("Aladdin:x")] }), "401 bad_password");
  assert.equal(twice(filter, authorization("Bearer x")), "401 missing_credentials");
  assert.equal(twice(filter, encoded("Aladdin:open sesame")), "200");

  const { localResponse, response } = filter.send({ headers: [encoded("Aladdin:x")] });
  assert.equal(localResponse?.body, "Unauthorized: name or password is wrong\n");
  assert.deepEqual(response.headers?.getAll("www-authenticate"), ['Basic realm="envoy", charset="UTF-8"']);
  assert.equal(filter.trap, undefined);
});

test("beside tokens and API keys", async () => {
  const filter = await authz.worker({
    basic,
    apiKeys,
    jwtProviders: [provider],
    rules: [
      { name: "aladdin", action: "allow", paths: [{ prefix: "/lamp" }], principals: [{ user: "Aladdin" }] },
      {
        name: "two",
        action: "allow",
        paths: [{ prefix: "/two" }],
        principals: [{ allOf: [{ user: "test" }, { apiKey: "ci" }] }],
      },
      { name: "nobody", action: "deny", paths: [{ prefix: "/two" }] },
      members,
    ],
    principalHeader: "x-caller",
  });
  const aladdin = encoded("Aladdin:open sesame");
  const test = encoded("test:123£");
  assert.equal(outcome(filter, { path: "/lamp", headers: [aladdin] }), "200");
  assert.equal(outcome(filter, { path: "/two", headers: [test, ...key("ci-key-new")] }), "200");
  assert.equal(outcome(filter, { path: "/two", headers: [aladdin, ...key("ci-key-new")] }), "403 rule[nobody]");
  assert.equal(outcome(filter, { headers: [aladdin, ...key("x")] }), "401 bad_api_key");
  assert.equal(outcome(filter, { headers: bearer() }), "200");
  assert.equal(outcome(filter, { headers: [aladdin, ...bearer()] }), "401 bad_password", "two lines of authorization");
  const { request } = filter.send({ headers: [aladdin, ...key("ci-key-new")] });
  assert.equal(request.headers?.get("x-caller"), "ci");
  const { response } = filter.send();
  assert.deepEqual(response.headers?.getAll("www-authenticate"), [
    'Bearer realm="envoy"',
    'ApiKey realm="envoy"',
    'Basic realm="envoy", charset="UTF-8"',
  ]);
});

test("forward, and a dry run", async () => {
  const good = encoded("Aladdin:open sesame");
  const forwarding = await authz.worker({ basic: { ...basic, forward: true }, rules });
  assert.equal(forwarding.send({ headers: [good] }).request.headers?.get("authorization"), good[1]);
  const dry = await authz.worker({ basic, rules, dryRun: true });
  assert.equal(dry.send({ headers: [encoded("Aladdin:x")] }).request.headers?.has("authorization"), false);
  assert.equal(dry.send({ headers: [authorization("Bearer x")] }).request.headers?.get("authorization"), "Bearer x");
});

test("an unknown user costs what a known one does, and a good password is dear once only", async () => {
  const many = { ...basic, iterations: 10_000 };
  const filter = await authz.worker({ basic: many, rules });
  // The least of many, in turns: whatever else the machine does only adds to a time.
  const time = (worker: Worker, text: string): number => {
    const start = process.hrtime.bigint();
    outcome(worker, { headers: [encoded(text)] });
    return Number(process.hrtime.bigint() - start);
  };
  let [known, unknown] = [Infinity, Infinity];
  for (let i = 0; i < 15; i += 1) {
    known = Math.min(known, time(filter, `Aladdin:wrong${i}`));
    unknown = Math.min(unknown, time(filter, `nobody:wrong${i}`));
  }
  assert.ok(known < 2 * unknown && unknown < 2 * known, `${known} and ${unknown} ns`);

  const salt = Buffer.alloc(16, 1);
  const hash = pbkdf2Sync("p", salt, 10_000, 32, "sha256").toString("hex");
  const slow = await authz.worker({
    basic: { iterations: 10_000, users: [{ name: "a", salt: salt.toString("hex"), hash }] },
    rules,
  });
  assert.equal(outcome(slow, { headers: [encoded("a:p")] }), "200");
  let each = Infinity;
  for (let i = 0; i < 15; i += 1) each = Math.min(each, time(slow, "a:p"));
  assert.ok(each < known / 4, `${each} ns from the cache, ${known} without`);
});
