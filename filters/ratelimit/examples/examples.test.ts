// Every example is good by the schema and by the filter, and limits as its README says.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Envoys, schemaOf, statusOf, type Request, type Worker } from "../../testing/filter.ts";

const folder = import.meta.dirname;
const envoys = new Envoys("ratelimit");
const names = readdirSync(folder).flatMap((file) => (file.endsWith(".json") ? [file.slice(0, -".json".length)] : []));

const configurationOf = (name: string): unknown => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));

async function start(name: string): Promise<Worker> {
  return (await envoys.start()).worker(configurationOf(name));
}

/** How many of some like requests pass before one is refused; `most` when none is. */
function passing(worker: Worker, request: Request, most = 10): number {
  for (let i = 0; i < most; i++) {
    if (worker.send(request).localResponse !== undefined) return i;
  }
  return most;
}

/** A request and its upstream's answer. @returns The status that the client gets. */
function exchange(worker: Worker, request: Request, status: string, body = ""): number {
  const stream = worker.open(request);
  if (stream.localResponse === undefined) {
    stream.responseHeaders({ ":status": status }, { endOfStream: body === "" });
    if (body !== "") stream.responseBody(body, { endOfStream: true });
  }
  stream.close();
  return statusOf(stream);
}

const forwarded = (address: string): [string, string][] => [["x-forwarded-for", address]];

for (const name of names) {
  describe(name, () => {
    test("is good by the schema and the filter, and the README names it", async () => {
      const schema = await schemaOf("ratelimit");
      assert.ok(schema(configurationOf(name)), JSON.stringify(schema.errors));
      await start(name);
      assert.ok(readFileSync(join(folder, "README.md"), "utf8").includes(`(${name}.json)`));
    });
  });
}

test("public-api: a key has its bucket, a network without a key has little, probes pass", async () => {
  const worker = await start("public-api");
  assert.equal(passing(worker, { headers: [["x-api-key", "a"]] }), 4);
  assert.equal(passing(worker, { headers: [["x-api-key", "b"]] }), 4);
  assert.equal(passing(worker, { headers: forwarded("192.0.2.1") }), 2);
  assert.equal(passing(worker, { headers: forwarded("192.0.2.200") }), 0);
  assert.equal(passing(worker, { headers: forwarded("198.51.100.1") }), 2);
  assert.equal(passing(worker, { path: "/healthz", headers: forwarded("192.0.2.1") }), 10);
});

test("login: three failures, however many successes", async () => {
  const worker = await start("login");
  const login = { path: "/login", method: "POST", headers: forwarded("192.0.2.1") };
  for (let i = 0; i < 10; i++) assert.equal(exchange(worker, login, "200"), 200);
  for (let i = 0; i < 3; i++) assert.equal(exchange(worker, login, "401"), 401);
  assert.equal(exchange(worker, login, "200"), 429);
  assert.equal(exchange(worker, { ...login, headers: forwarded("192.0.2.2") }, "200"), 200);
});

test("tenants: quotas of their own", async () => {
  const worker = await start("tenants");
  assert.equal(passing(worker, { path: "/tenants/globex/users" }), 3);
  assert.equal(passing(worker, { path: "/tenants/acme/users" }), 5);
  assert.equal(passing(worker, { path: "/tenants/own/users" }), 10);
  assert.equal(passing(worker, { path: "/about" }), 10);
});

test("reports: one of a client and three of all at a time", async () => {
  const worker = await start("reports");
  const of = (key: string): Request => ({ path: "/reports/1", headers: [["x-api-key", key]] });
  const open = ["a", "b", "c"].map((key) => worker.open(of(key)));
  assert.ok(open.every(({ localResponse }) => localResponse === undefined));
  const refused = [worker.open(of("d")), worker.open(of("b"))];
  assert.deepEqual(refused.map(statusOf), [503, 503]);
  for (const stream of [...refused, ...open.slice(0, 1)]) stream.close();
  assert.equal(statusOf(worker.open(of("b"))), 503);
  assert.equal(worker.open(of("d")).localResponse, undefined);
});

test("downloads: what was sent is charged", async () => {
  const worker = await start("downloads");
  const file = { path: "/files/a" };
  assert.equal(exchange(worker, file, "200", "x".repeat(2049)), 200);
  // One for the request and three for what was sent are gone of five.
  assert.equal(exchange(worker, file, "404"), 404);
  assert.equal(exchange(worker, file, "200"), 429);
});

test("trial: the planned limit is told to the upstream, the present one refuses", async () => {
  const worker = await start("trial");
  const told = [1, 2, 3].map(() => worker.open().request.headers?.get("x-would-be-limited"));
  assert.deepEqual(told, [undefined, "planned", "planned"]);
  assert.equal(statusOf(worker.open()), 429);
});
