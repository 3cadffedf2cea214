import assert from "node:assert/strict";
import { test } from "node:test";
import { testFilter } from "@meshwright/host";
import { exampleModule } from "../../test/support/examples.ts";

const module = await exampleModule("auth-callout");
const authorization = { authorization: "Bearer sesame", "x-user": "eve" };

/** A request that waits for the verdict. */
async function waiting() {
  const filter = await testFilter(module, { configuration: { cluster: "auth" } });
  const stream = filter.stream();
  assert.ok(stream.get("/", authorization).paused);
  return { filter, stream, call: filter.callout("auth") };
}

test("a caller that the service knows goes on, under the name that the service gives", async () => {
  const { filter, stream, call } = await waiting();
  assert.equal(call.headers.get(":path"), "/check");
  assert.equal(call.headers.get("authorization"), "Bearer sesame");
  call.respond({ headers: { "x-user": "ada" } });
  assert.deepEqual(stream.request.headers?.getAll("x-user"), ["ada"]);
  filter.close({ idle: true });
});

test("without credentials, nobody is asked", async () => {
  const filter = await testFilter(module, { configuration: { cluster: "auth" } });
  assert.equal(filter.stream().get("/").localResponse?.status, 401);
  filter.close({ idle: true });
});

for (const [what, headers, status] of [
  ["401", { ":status": "401" }, 401],
  ["403", { ":status": "403" }, 403],
  ["500", { ":status": "500" }, 503],
  ["200 without a user", { ":status": "200" }, 503],
] as const) {
  test(`the service answers ${what}: ${status}`, async () => {
    const { stream, call } = await waiting();
    call.respond({ headers });
    assert.equal(stream.localResponse?.status, status);
  });
}

test("the connection breaks, or no answer comes in time: 503", async () => {
  const broken = await waiting();
  broken.call.fail();
  assert.equal(broken.stream.localResponse?.status, 503);
  const late = await waiting();
  late.filter.advance("200ms");
  assert.equal(late.stream.localResponse?.status, 503);
});

test("there is no such cluster: 503", async () => {
  const filter = await testFilter(module, { configuration: { cluster: "auth" }, clusters: [] });
  assert.equal(filter.stream().get("/", authorization).localResponse?.status, 503);
});
