import assert from "node:assert/strict";
import { test } from "node:test";
import { testFilter, type ResponseInit, type TestFilter } from "@meshwright/host";
import { exampleModule } from "../../test/support/examples.ts";

const module = await exampleModule("response-cache");

const fresh: ResponseInit = {
  headers: { "cache-control": "public, max-age=60", "content-type": "text/html" },
  body: "hi",
};

/** Whether the cache answers; what it does not, the upstream does. */
function isHit(filter: TestFilter, path: string, response = fresh, headers: Record<string, string> = {}): boolean {
  const stream = filter.stream();
  const { localResponse } = stream.get(path, headers);
  if (localResponse === undefined) stream.respond(response);
  else assert.equal(localResponse.body, "hi");
  stream.close();
  return localResponse !== undefined;
}

test("an answer is kept as long as it is fresh", async () => {
  const filter = await testFilter(module);
  assert.deepEqual([isHit(filter, "/"), isHit(filter, "/"), isHit(filter, "/other")], [false, true, false]);
  filter.advance("59s");
  const stream = filter.stream();
  stream.get("/");
  assert.deepEqual(
    ["age", "x-cache", "content-type"].map((name) => stream.response.headers?.get(name)),
    ["59", "hit", "text/html"],
  );
  filter.advance("1s");
  assert.ok(!isHit(filter, "/"));
  filter.close({ idle: true });
});

const say = (cacheControl: string, more: Record<string, string> = {}): ResponseInit => ({
  headers: { "cache-control": cacheControl, ...more },
  body: "hi",
});

for (const [what, response] of [
  ["no cache-control", { body: "hi" }],
  ["no-store", say("max-age=60, No-Store")],
  ["private", say("private, max-age=60")],
  ["s-maxage of 0", say("max-age=60, s-maxage=0")],
  ["max-age that is no number", say("max-age=soon")],
  ["vary", say("max-age=60", { vary: "accept" })],
  ["a cookie", say("max-age=60", { "set-cookie": "a=b" })],
  ["404", { ...say("max-age=60"), status: 404 }],
  ["a body of more than 16 KiB", { ...say("max-age=60"), body: ["x".repeat(10_000), "x".repeat(10_000)] }],
] as const) {
  test(`not kept: ${what}`, async () => {
    const filter = await testFilter(module);
    assert.deepEqual([isHit(filter, "/", response), isHit(filter, "/", response)], [false, false]);
  });
}

test("requests with credentials, and those that ask for a fresh answer, go to the upstream", async () => {
  const filter = await testFilter(module);
  isHit(filter, "/");
  for (const name of ["authorization", "cookie", "range", "cache-control"]) {
    assert.ok(!isHit(filter, "/", fresh, { [name]: "no-cache" }), name);
  }
  assert.ok(isHit(filter, "/"));
});

test("the cache stays within its bounds", async () => {
  const filter = await testFilter(module, { configuration: { maxEntries: 2 } });
  for (const path of ["/1", "/2", "/3"]) isHit(filter, path);
  assert.deepEqual([isHit(filter, "/3"), isHit(filter, "/2"), isHit(filter, "/1")], [true, true, false]);
});
