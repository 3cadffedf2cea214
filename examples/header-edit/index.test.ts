import assert from "node:assert/strict";
import { test } from "node:test";
import { testFilter } from "@meshwright/host";
import { exampleModule } from "../../test/support/examples.ts";

const module = await exampleModule("header-edit");
const configuration = {
  request: { set: { "X-Env": "prod" }, remove: ["x-debug"] },
  response: { remove: ["x-powered-by"] },
};

test("headers are set and removed in both directions", async () => {
  const filter = await testFilter(module, { configuration });
  const stream = filter.stream();
  stream.get("/", [
    ["x-debug", "1"],
    ["x-debug", "2"],
    ["x-env", "mine"],
  ]);
  assert.equal(stream.request.headers?.get("x-debug"), undefined);
  assert.deepEqual(stream.request.headers?.getAll("x-env"), ["prod"]);
  stream.respond({ headers: { "x-powered-by": "magic", "x-kept": "1" } });
  assert.equal(stream.response.headers?.get("x-powered-by"), undefined);
  assert.equal(stream.response.headers?.get("x-kept"), "1");
  filter.close({ idle: true });
});

test("a configuration that is wrong is refused with its fields", async () => {
  await assert.rejects(
    testFilter(module, { configuration: { request: { set: { a: 1 } }, response: { sets: {} } } }),
    (e) => {
      assert.match(String(e), /request\.set\.a: expected a string that is not empty, found number 1/);
      assert.match(String(e), /response\.sets: unknown field, expected one of remove, set/);
      return true;
    },
  );
});
